import { randomUUID } from 'node:crypto';
import { END, streamOf } from './append.js';
import type { streams } from './definitions.js';
import { InvalidArgument, NotServed } from './errors.js';
import { fromWirePosition, toReadEvent } from './events.js';
import type { EventForm } from './events.js';
import { filterOf } from './filter.js';
import { caughtUp, checkpoint, confirmation } from './responses.js';
import type { Responses } from './responses.js';
import type { ServedStreams } from './served-streams.js';

/** Serves a catch-up subscription to `$all`: what comes after the position, then what is appended. Ends when the client leaves. */
export async function subscribeToAll(
  { store }: ServedStreams,
  options: streams.ReadReq.Options,
  form: EventForm,
  to: Responses,
): Promise<void> {
  const all = options.getAll();
  const position = all?.getPosition();
  const filter = filterOf(options);
  const head = await store.head();
  const place = position?.getCommitPosition() ?? '0';
  const after = all?.hasEnd() || BigInt(place) === END ? head : fromWirePosition(place);
  // Of another log: waiting there until this one is as long would look like being up to date.
  if (after > head) throw new InvalidArgument(`position ${after + 1n} is beyond the end of this log`);
  if (!(await to.send(confirmation(randomUUID())))) return;
  let seen = 0;
  // Unfiltered: the filters of the protocol are more than the port's, and what they drop counts for checkpoints.
  for await (const message of store.subscribeToAll({ after, signal: to.signal })) {
    if (message.type === 'caughtUp') await to.send(caughtUp());
    if (message.type !== 'events') continue;
    for (const event of message.events) {
      if (filter === undefined || filter.matches(event)) {
        if (!(await to.send(toReadEvent(event, form)))) return;
      }
      if (filter !== undefined && ++seen >= filter.checkpointInterval) {
        seen = 0;
        if (!(await to.send(checkpoint(event.position)))) return;
      }
    }
  }
}

/**
 * Serves a catch-up subscription to one stream, which need not exist yet.
 * @throws StreamDeleted when the stream is, or gets, deleted for good
 */
export async function subscribeToStream(
  served: ServedStreams,
  options: streams.ReadReq.Options,
  form: EventForm,
  to: Responses,
): Promise<void> {
  const { store } = served;
  const where = options.getStream();
  if (where === undefined) return;
  const stream = streamOf(where);
  if (stream.startsWith('$')) throw new NotServed(`subscriptions to ${stream} are not served`);
  // From here on the live part takes over, so the position is noted before the stream is read.
  const head = await store.head();
  const visible = served.visible(stream);
  let sent = where.hasRevision() ? BigInt(where.getRevision()) : -1n;
  if (where.hasEnd() || sent === END) sent = store.streams.lastRevision(stream);
  const stopListening = served.whenDeleted(stream, (error) => to.fail(error));
  to.signal.addEventListener('abort', stopListening);
  if (!(await to.send(confirmation(randomUUID())))) return;
  if (visible !== undefined && sent < visible.last) {
    const from = sent + 1n > visible.first ? sent + 1n : visible.first;
    for await (const event of store.readStream(stream, { from })) {
      if (visible.isFresh(event) && !(await to.send(toReadEvent(event, form)))) return;
      sent = event.revision;
    }
  }
  const live = store.subscribeToAll({ after: head, filter: { streamPrefixes: [stream] }, signal: to.signal });
  for await (const message of live) {
    if (message.type === 'caughtUp') await to.send(caughtUp());
    if (message.type !== 'events') continue;
    for (const event of message.events) {
      if (event.stream !== stream || event.revision <= sent) continue;
      if (!(await to.send(toReadEvent(event, form)))) return;
      sent = event.revision;
    }
  }
}
