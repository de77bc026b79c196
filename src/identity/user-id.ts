import { isText } from '../eventsourcing/validation.js';

/** Bytes a user's id may have: it is part of the names of streams, beside the world's and the category's. */
const maxBytes = 900;

/**
 * A user's id as tokens give it: not one of the numeric ids, nothing that cannot be part of a name in the log, such as
 * half a surrogate pair, and nothing that is no part of a path, as `..`.
 */
export const isUserId = (value: unknown): value is string =>
  isText(value, 300) &&
  Buffer.byteLength(value) <= maxBytes &&
  !/\p{Surrogate}/u.test(value) &&
  !/^(\d+|[.]{1,2})$/.test(value);
