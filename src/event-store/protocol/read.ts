import { END, streamOf } from './append.js';
import type { streams } from './definitions.js';
import { InvalidArgument } from './errors.js';
import { fromWirePosition, toReadEvent } from './events.js';
import type { EventForm } from './events.js';
import { filterOf } from './filter.js';
import { firstPosition, lastPosition, streamNotFound } from './responses.js';
import type { Responses } from './responses.js';
import { isMetastream } from './served-streams.js';
import type { ServedStreams } from './served-streams.js';
import { subscribeToAll, subscribeToStream } from './subscribe.js';

/** Serves Read, which is four things: a stream or `$all`, to a count or for ever. */
export async function read(served: ServedStreams, options: streams.ReadReq.Options, to: Responses): Promise<void> {
  const form = { structuredIds: options.getUuidOption()?.hasString() !== true };
  const subscribes = options.hasSubscription();
  if (subscribes && isBackwards(options)) throw new InvalidArgument('a subscription goes forwards only');
  if (!subscribes && !options.hasCount()) throw new InvalidArgument('a read has a count, or is a subscription');
  if (options.hasAll()) await (subscribes ? subscribeToAll : readAll)(served, options, form, to);
  else if (options.hasStream()) await (subscribes ? subscribeToStream : readStream)(served, options, form, to);
  else throw new InvalidArgument('the read names neither a stream nor $all');
}

/** The enum's values are not in the types at run time. */
const isBackwards = (options: streams.ReadReq.Options): boolean => Number(options.getReadDirection()) === 1;

async function readAll(
  { store }: ServedStreams,
  options: streams.ReadReq.Options,
  form: EventForm,
  to: Responses,
): Promise<void> {
  const all = options.getAll();
  const position = all?.getPosition();
  const backwards = isBackwards(options);
  const count = BigInt(options.getCount());
  // Nothing lies before the start, or after the end.
  if (count === 0n || (backwards ? all?.hasStart() : all?.hasEnd())) return;
  const matches = filterOf(options)?.matches;
  const from = position && fromWirePosition(position.getCommitPosition());
  // A position is inclusive forwards and exclusive backwards, the port's always exclusive.
  const after = from === undefined || backwards ? from : from - 1n;
  let left = count;
  const events = store.readAll({
    direction: backwards ? 'backwards' : 'forwards',
    ...(after !== undefined && { after }),
    ...(matches === undefined && limitOf(count)),
  });
  for await (const event of events) {
    if (matches !== undefined && !matches(event)) continue;
    if (!(await to.send(toReadEvent(event, form)))) return;
    if (--left === 0n) return;
  }
}

async function readStream(
  served: ServedStreams,
  options: streams.ReadReq.Options,
  form: EventForm,
  to: Responses,
): Promise<void> {
  const where = options.getStream();
  if (where === undefined) return;
  const stream = streamOf(where);
  if (isMetastream(stream)) return readMetadata(served, stream, options, form, to);
  const visible = served.visible(stream);
  if (visible === undefined) {
    await to.send(streamNotFound(stream));
    return;
  }
  const { first, last, isFresh, ageless } = visible;
  const backwards = isBackwards(options);
  const count = BigInt(options.getCount());
  const asked = revisionOf(where);
  const nothing = count === 0n || first > last || (backwards && asked < first);
  let left = count;
  if (!nothing) {
    const from = backwards || asked > first ? asked : first;
    const direction = backwards ? 'backwards' : 'forwards';
    const events = served.store.readStream(stream, { from, direction, ...(ageless && limitOf(count)) });
    for await (const event of events) {
      if (event.revision < first || left === 0n) break;
      if (!isFresh(event)) continue;
      if (!(await to.send(toReadEvent(event, form)))) return;
      left--;
    }
  }
  // Clients that know of them say so, and hear where the stream begins and ends.
  if ((options.getControlOption()?.getCompatibility() ?? 0) < 1) return;
  if (left === count && !backwards && asked < first) await to.send(firstPosition(first));
  await to.send(lastPosition(last));
}

async function readMetadata(
  served: ServedStreams,
  metastream: string,
  options: streams.ReadReq.Options,
  form: EventForm,
  to: Responses,
): Promise<void> {
  const event = served.metadataEvent(metastream);
  if (event === undefined) {
    await to.send(streamNotFound(metastream));
    return;
  }
  const asked = revisionOf(options.getStream());
  const covered = isBackwards(options) ? asked >= event.revision : asked <= event.revision;
  if (covered && options.getCount() !== '0') await to.send(toReadEvent(event, form));
}

/** The revision a client names; the start is 0. */
function revisionOf(where: streams.ReadReq.Options.StreamOptions | undefined): bigint {
  if (where?.hasRevision()) return BigInt(where.getRevision());
  return where?.hasEnd() ? END : 0n;
}

/** A count the port can take; without one the reader stops by itself. */
function limitOf(count: bigint): { limit?: number } {
  return count <= BigInt(Number.MAX_SAFE_INTEGER) ? { limit: Number(count) } : {};
}
