import { calculateObjectSize, deserialize, Double, Long, serialize } from 'bson';

/**
 * A document as the store holds it. Values keep their BSON type: a `number` is an int32 when it is a whole number in
 * that range and a double otherwise, so a double such as 5.0 is held as a `Double`, an int64 as a `Long`.
 * Documents are never changed in place once stored.
 */
export type Doc = { [key: string]: unknown };

export const maxDocumentSize = 16 * 1024 * 1024;

const classField = '_bsontype';

/** Names the BSON class of a value, `undefined` for plain JavaScript values. */
export function bsonTypeOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !(classField in value)) return undefined;
  const name = value[classField];
  return typeof name === 'string' ? name : undefined;
}

/** An embedded document, as opposed to an array, a date or a BSON class. */
export function isDoc(value: unknown): value is Doc {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    bsonTypeOf(value) === undefined
  );
}

/** Object.prototype names such as `constructor` are fields only when the document has them itself. */
export function has(doc: object, key: string): boolean {
  return Object.prototype.hasOwnProperty.call(doc, key);
}

/** The value of a field of the document itself, `undefined` when it has none. */
export function field(doc: Doc, key: string): unknown {
  return has(doc, key) ? doc[key] : undefined;
}

/** Sets a field as a plain own property, whatever its name: `__proto__` must not reach the prototype. */
export function setField(doc: Doc, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(doc, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    doc[key] = value;
  }
}

function hold(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = hold(value[i]);
    return value;
  }
  if (value instanceof Date) return value;
  const type = bsonTypeOf(value);
  if (type === 'Int32' || type === 'Double') return holdNumber(value);
  if (type === 'DBRef' && 'toJSON' in value && typeof value.toJSON === 'function') return hold({ ...value.toJSON() });
  if (type !== undefined) return value;
  return holdDoc(Object.assign(value));
}

function holdNumber(value: object): unknown {
  const number = Number(value.valueOf());
  if (bsonTypeOf(value) === 'Double' && isInt32(number)) return new Double(number);
  return number;
}

function holdDoc(doc: Doc): Doc {
  for (const key in doc) {
    const value = doc[key];
    if (typeof value === 'object' && value !== null) setField(doc, key, hold(value));
  }
  return doc;
}

/** Whether BSON writes the number as an int32 (minus zero is a double). */
export function isInt32(value: number): boolean {
  return (value | 0) === value && !Object.is(value, -0);
}

/** A number of type double, wrapped where a bare one would be written as an int32. */
export function double(value: number): unknown {
  return isInt32(value) ? new Double(value) : value;
}

/** A whole number as int32 if it fits, else as int64. */
export function integer(value: bigint): unknown {
  return value >= -2147483648n && value <= 2147483647n ? Number(value) : Long.fromBigInt(value);
}

/** Reads one BSON document, keeping every type. @throws BSONError */
export function decode(bytes: Uint8Array): Doc {
  return holdDoc(deserialize(bytes, { promoteValues: false, bsonRegExp: true }));
}

export function encode(doc: Doc): Uint8Array {
  return serialize(doc, { ignoreUndefined: false });
}

export function sizeOf(doc: Doc): number {
  return calculateObjectSize(doc, { ignoreUndefined: false });
}

/** A deep copy of arrays and documents; scalars are shared, nobody changes them. */
export function clone<T>(value: T): T;
export function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => clone(item));
  if (!isDoc(value)) return value;
  const copy: Doc = {};
  for (const key of Object.keys(value)) setField(copy, key, clone(value[key]));
  return copy;
}
