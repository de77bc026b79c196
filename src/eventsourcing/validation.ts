import { ValidateBy, ValidateIf, ValidateNested, validateSync, type ValidationError } from 'class-validator';
import { Refused, type FieldProblem } from './refused.js';

/** A validated command class: its `type` names it, its decorated fields are what a client may send. */
export type CommandClass<C extends { readonly type: string }> = new () => C;

/** The field may be left out; null is a value like any other and must fit. */
export function Optional(): PropertyDecorator {
  return ValidateIf((_command, value) => value !== undefined);
}

/** A field check by a plain predicate; `accepts` completes "<field> must be …". */
export function Must(accepts: string, check: (value: unknown, object: object) => boolean): PropertyDecorator {
  return ValidateBy({
    name: accepts,
    validator: {
      validate: (value, at) => check(value, at?.object ?? {}),
      defaultMessage: () => `$property must be ${accepts}`,
    },
  });
}

type NestedClass = abstract new () => object;

/** By class and field: the class of the object there, or of each object of the list there. */
const nested = new WeakMap<object, Map<string, NestedClass>>();

/** An object whose fields are those of `shape`; problems name them as `field.inner`. */
export function Nested(shape: NestedClass): PropertyDecorator {
  return nestedIn(shape, 'an object', isObject);
}

/** A list of up to `max` objects whose fields are those of `shape`; problems name them as `field[0].inner`. */
export function NestedList(shape: NestedClass, max: number): PropertyDecorator {
  const isList = (value: unknown): boolean => Array.isArray(value) && value.length <= max && value.every(isObject);
  return nestedIn(shape, `a list of up to ${max} objects`, isList);
}

function nestedIn(shape: NestedClass, accepts: string, check: (value: unknown) => boolean): PropertyDecorator {
  const must = Must(accepts, check);
  const validate = ValidateNested();
  return (target, property) => {
    const fields = nested.get(target) ?? new Map<string, NestedClass>();
    nested.set(target, fields.set(String(property), shape));
    must(target, property);
    validate(target, property);
  };
}

/**
 * The payload's fields on an object of the class, nested ones likewise: class-validator looks at classes. It takes names
 * such as hasOwnProperty for known ones, and constructor for the class: those found are added to `inherited`.
 */
function shaped<C extends object>(prototype: C, payload: object, inherited: string[]): C {
  inherited.push(...Object.keys(payload).filter((name) => name in Object.prototype));
  const object: C = Object.assign(Object.create(prototype), payload);
  for (const [field, { prototype: inner }] of nested.get(prototype) ?? []) {
    const value: unknown = Reflect.get(object, field);
    if (isObject(value)) Reflect.set(object, field, shaped(inner, value, inherited));
    if (!Array.isArray(value) || !value.every(isObject)) continue;
    Reflect.set(
      object,
      field,
      value.map((one) => shaped(inner, one, inherited)),
    );
  }
  return object;
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
  const inherited: string[] = [];
  const candidate: C = shaped(shape.prototype, payload, inherited);
  if (inherited.length > 0) throw invalid(inherited.map(unknownField), codeOf(inherited));
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
    : errors.flatMap((error) => problemsOf(error));
  if (details.length > 0) throw invalid(details, codeOf(details.map(({ field }) => field)));
  return Object.assign(candidate, { type: new shape().type });
}

/** The refusal for bad fields; the message names them all. */
function invalid(details: readonly FieldProblem[], code: string): Refused {
  return new Refused(code, details.map(({ message }) => message).join('; '), details);
}

/** One problem of a field, or those of the fields within it; `above` is where it stands. */
function problemsOf({ property, constraints = {}, children = [] }: ValidationError, above = ''): FieldProblem[] {
  const field = above === '' ? property : /^\d+$/.test(property) ? `${above}[${property}]` : `${above}.${property}`;
  const [rule, message] = Object.entries(constraints).find(([name]) => name !== 'nestedValidation') ?? [];
  if (rule === undefined) return children.flatMap((child) => problemsOf(child, field));
  if (rule === 'whitelistValidation') return [unknownField(field)];
  return [{ field, message: message ? field + message.slice(property.length) : `${field} is not valid` }];
}

function unknownField(name: string): FieldProblem {
  const field = fieldName(name);
  return { field, message: `${field} is not a field of this action` };
}

/** A client chooses the names of unknown fields: they come back shortened and in plain characters. */
export function fieldName(name: string): string {
  return name.slice(0, 64).replace(/[^\w.[\]-]/g, '?');
}
