import { Buffer } from 'node:buffer';
import { validate as isUuid } from 'uuid';
import type { NewEvent } from '../../eventsourcing/events.js';
import { checkStreamName, MAX_EVENT_BYTES } from '../embedded/record.js';
import { EventTooLarge } from '../event-store.js';

/** An event serialised once, ready to be sent any number of times. */
export interface PreparedEvent {
  readonly id: string;
  readonly type: string;
  /** JSON in UTF-8. */
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/**
 * Serialises the events of one append before the client sees them: what JSON cannot hold would make it reject where nobody
 * listens, or be dropped without a word.
 * @throws TypeError naming the field, EventTooLarge, RangeError (a bad stream or type name, no event at all)
 */
export function prepareEvents(stream: string, events: readonly NewEvent[]): PreparedEvent[] {
  checkStreamName(stream);
  if (stream.startsWith('$')) throw new RangeError(`${stream} is a system stream`);
  if (events.length === 0) throw new RangeError('there is no event to append');
  return events.map(prepareEvent);
}

function prepareEvent({ id, type, data, metadata }: NewEvent): PreparedEvent {
  if (type === '' || type.startsWith('$')) {
    throw new RangeError(`an event type must have a name without $ in front, this one is "${type}"`);
  }
  if (!isUuid(id)) throw new TypeError(`the id of event ${type} is no UUID: ${id}`);
  const prepared = { id, type, data: jsonOf(type, 'data', data), metadata: jsonOf(type, 'metadata', metadata) };
  const size = prepared.data.length + prepared.metadata.length;
  if (size > MAX_EVENT_BYTES) {
    throw new EventTooLarge(`event ${type} has ${size} bytes, the limit is ${MAX_EVENT_BYTES}`);
  }
  return prepared;
}

function jsonOf(type: string, name: string, value: object): Uint8Array {
  const fault = faultIn(value, name, []);
  if (fault !== undefined) throw new TypeError(`event ${type} cannot be stored: ${fault}`);
  return Buffer.from(JSON.stringify(value));
}

/** What JSON cannot hold, with its path; undefined when all is well. */
function faultIn(value: unknown, path: string, parents: readonly object[]): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) return `${path} is ${value}`;
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return undefined;
  }
  if (typeof value !== 'object') return `${path} is ${value === undefined ? 'undefined' : `a ${typeof value}`}`;
  if (parents.includes(value)) return `${path} contains itself`;
  // A field of that name is just a field; a method would put something else in the place of the value.
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return `${path} is not plain JSON but a ${value.constructor.name}`;
  }
  const within = [...parents, value];
  for (const [key, part] of Object.entries(value)) {
    const fault = faultIn(part, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, within);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
