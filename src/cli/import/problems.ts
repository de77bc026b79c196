/** Half of a surrogate pair: no UTF-8 text holds it. */
const halfCharacter = /\p{Surrogate}/u;

/** What is wrong with a file, each with its place, in the order found. */
export class Problems {
  readonly list: string[] = [];

  add(path: string, message: string): undefined {
    this.list.push(`${path}: ${message}`);
  }

  /** A text that is not blank, of up to `max` characters. */
  text(path: string, value: unknown, max = 300): string | undefined {
    if (typeof value === 'string' && value.trim() !== '' && [...value].length <= max && !halfCharacter.test(value)) {
      return value;
    }
    return this.add(path, `a text of 1 to ${max} characters`);
  }

  /** Like `text`, but it may be missing, null or empty. */
  optionalText(path: string, value: unknown, max = 300): string | undefined {
    return value === undefined || value === null || value === '' ? undefined : this.text(path, value, max);
  }

  object(path: string, value: unknown): Readonly<Record<string, unknown>> | undefined {
    return isObject(value) ? value : this.add(path, 'an object');
  }

  array(path: string, value: unknown): readonly unknown[] | undefined {
    return Array.isArray(value) ? value : this.add(path, 'a list');
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `schedule.days[1].rooms["B003"]`: the path of a member. */
export function pathTo(parent: string, member: string | number): string {
  if (typeof member === 'number') return `${parent}[${member}]`;
  return /^[A-Za-z_]\w*$/.test(member) ? `${parent}.${member}` : `${parent}[${JSON.stringify(member)}]`;
}
