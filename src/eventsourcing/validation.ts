import { ValidateBy, ValidateIf, validateSync, type ValidationError } from 'class-validator';
import { Refused, type FieldProblem } from './refused.js';

/** A validated command class: its `type` names it, its decorated fields are what a client may send. */
export type CommandClass<C extends { readonly type: string }> = new () => C;

/** The field may be left out; null is a value like any other and must fit. */
export function Optional(): PropertyDecorator {
  return ValidateIf((_command, value) => value !== undefined);
}

/** A field check by a plain predicate; `accepts` completes "<field> must be …". */
export function Must(accepts: string, check: (value: unknown) => boolean): PropertyDecorator {
  return ValidateBy({
    name: accepts,
    validator: { validate: (value) => check(value), defaultMessage: () => `$property must be ${accepts}` },
  });
}

/** A text of `min` to `max` characters that is not blank. */
export function Text(max: number, min = 1): PropertyDecorator {
  return Must(`a text of ${min} to ${max} characters`, (value) => isText(value, max, min));
}

/** A room as every context names it; whether there is one is asked later. */
export const IsRoomId = (): PropertyDecorator => Must('the id of a room', (value) => isText(value, 100));

export function isText(value: unknown, max: number, min = 1): value is string {
  if (typeof value !== 'string' || value.length > max * 2) return false;
  const length = [...value].length;
  return length >= min && length <= max && (min === 0 || value.trim() !== '');
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The payload as a command of this class. Only what the client sent becomes a property.
 * `codeOf` may give another code than `protocol.invalid` for the fields that don't fit.
 * @throws Refused its details naming each field and what it accepts
 */
export function toCommand<C extends { readonly type: string }>(
  shape: CommandClass<C>,
  payload: unknown,
  codeOf: (fields: readonly string[]) => string = () => 'protocol.invalid',
): C {
  if (!isObject(payload)) throw new Refused('protocol.invalid', 'The payload must be an object.');
  // class-validator takes names such as hasOwnProperty for known ones, and constructor for the class.
  const inherited = Object.keys(payload).filter((name) => name in Object.prototype);
  if (inherited.length > 0) throw invalid(inherited.map(unknownField), codeOf(inherited));
  const candidate: C = Object.assign(Object.create(shape.prototype), payload);
  const errors = validateSync(candidate, {
    whitelist: true,
    forbidNonWhitelisted: true,
    // True would refuse the classes without fields; what is not a field is refused all the same.
    forbidUnknownValues: false,
    stopAtFirstError: true,
  });
  // A class without fields is unknown to class-validator: then whatever was sent is too much.
  const details = errors.some(({ property }) => property === undefined)
    ? Object.keys(payload).map(unknownField)
    : errors.map(toProblem);
  if (details.length > 0) throw invalid(details, codeOf(details.map(({ field }) => field)));
  return Object.assign(candidate, { type: new shape().type });
}

/** The refusal for bad fields; the message names them all. */
function invalid(details: readonly FieldProblem[], code: string): Refused {
  return new Refused(code, details.map(({ message }) => message).join('; '), details);
}

function toProblem(error: ValidationError): FieldProblem {
  const [rule, message] = Object.entries(error.constraints ?? {})[0] ?? ['', ''];
  if (rule === 'whitelistValidation') return unknownField(error.property);
  return { field: error.property, message: message || `${error.property} is not valid` };
}

function unknownField(name: string): FieldProblem {
  const field = fieldName(name);
  return { field, message: `${field} is not a field of this action` };
}

/** A client chooses the names of unknown fields: they come back shortened and in plain characters. */
function fieldName(name: string): string {
  return name.slice(0, 64).replace(/[^\w.-]/g, '?');
}
