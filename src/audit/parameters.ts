import type { EventStore } from '../event-store/event-store.js';
import { parsePosition } from '../event-store/position.js';
import { Refused } from '../eventsourcing/refused.js';
import { isText } from '../eventsourcing/validation.js';
import type { Parameter } from '../rest/query.js';
import type { Moment } from './state-at.js';
import { toUtc } from './times.js';

const maxRevision = 9_223_372_036_854_775_807n;

export const text: Parameter<string> = {
  accepts: 'a text of 1 to 300 characters',
  parse: (value) => (isText(value, 300) ? value : undefined),
};

export const limit: Parameter<number> = {
  accepts: 'a whole number from 1 to 1000',
  parse: (value) => (/^[1-9]\d{0,3}$/.test(value) && Number(value) <= 1_000 ? Number(value) : undefined),
};

export const time: Parameter<string> = {
  accepts: 'a time such as 2026-01-31T09:00:00Z (a + of an offset is written %2B)',
  parse: toUtc,
};

export const revision: Parameter<bigint> = {
  accepts: 'a revision, in digits',
  parse: (value) => (/^(0|[1-9]\d{0,18})$/.test(value) && BigInt(value) <= maxRevision ? BigInt(value) : undefined),
};

export const oneOf = <T extends string>(...values: readonly T[]): Parameter<T> => ({
  accepts: values.join(' or '),
  parse: (value) => values.find((one) => one === value),
});

/** A position of this log, or the news that it is of another one. */
export type GivenPosition = bigint | 'another_log';

export const position = (epoch: string): Parameter<GivenPosition> => ({
  accepts: 'a position as it was given out',
  parse: (value) => parsePosition(epoch, value),
});

/** `2026-01-31T09:00:00Z`, or a position. */
export const moment = (epoch: string): Parameter<{ readonly time: string } | { readonly position: GivenPosition }> => ({
  accepts: `${time.accepts} or a position as it was given out`,
  parse: (value) => {
    const utc = toUtc(value);
    if (utc !== undefined) return { time: utc };
    const given = parsePosition(epoch, value);
    return given === undefined ? undefined : { position: given };
  },
});

/** A position this log has reached. @throws Refused reset_required */
export async function reachedPosition(store: Pick<EventStore, 'head'>, given: GivenPosition): Promise<bigint> {
  if (given === 'another_log' || given > (await store.head())) throw new Refused('reset_required');
  return given;
}

/** The same of a moment. @throws Refused reset_required */
export async function reachedMoment(
  store: EventStore,
  given: { readonly time: string } | { readonly position: GivenPosition },
): Promise<Moment> {
  return 'time' in given ? given : { position: await reachedPosition(store, given.position) };
}
