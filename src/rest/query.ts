import { Refused, type FieldProblem } from '../eventsourcing/refused.js';

/** What a parameter accepts, completing "<name> must be …", and its value, undefined for one that does not fit. */
export interface Parameter<T> {
  readonly accepts: string;
  parse(text: string): T | undefined;
}

export type Parsed<P extends Readonly<Record<string, Parameter<unknown>>>> = {
  readonly [Name in keyof P]?: P[Name] extends Parameter<infer T> ? T : never;
};

/**
 * The query of a URL by these parameters, each at most once.
 * @throws Refused protocol.invalid, naming every parameter that is unknown, repeated or does not fit
 */
export function readQuery<P extends Readonly<Record<string, Parameter<unknown>>>>(
  url: string,
  parameters: P,
): Parsed<P> {
  const problems: FieldProblem[] = [];
  const values: Record<string, unknown> = {};
  const mark = url.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  for (const name of new Set(query.keys())) {
    const all = query.getAll(name);
    const known = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    // A caller chooses the names of unknown parameters: they come back shortened and in plain characters.
    const field = name.slice(0, 64).replace(/[^\w.-]/g, '?');
    const value = known && all.length === 1 ? known.parse(all[0] ?? '') : undefined;
    if (!known) problems.push({ field, message: `${field} is not a parameter of this request` });
    else if (all.length > 1) problems.push({ field, message: `${field} must be given once` });
    else if (value === undefined) problems.push({ field, message: `${field} must be ${known.accepts}` });
    values[name] = value;
  }
  if (problems.length === 0) return values as Parsed<P>;
  throw new Refused('protocol.invalid', problems.map(({ message }) => message).join('; '), problems);
}
