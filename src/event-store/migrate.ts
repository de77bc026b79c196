import { createHash, type Hash } from 'node:crypto';
import { canonicalJson } from '../eventsourcing/canonical.js';
import type { RecordedEvent } from '../eventsourcing/events.js';
import type { EventStore } from './event-store.js';

/** Events of one stream in a row go in one append of at most so many, and about so many bytes: EventStoreDB takes 1 MiB unless told otherwise. */
const eventsPerAppend = 200;
const bytesPerAppend = 512 * 1024;

/** The target cannot become a copy: it holds something else. Nothing of it was changed. */
export class NotACopy extends Error {
  override readonly name = 'NotACopy';
}

export interface MigrateOptions {
  /** Why a stream stays where it is; undefined for one that is copied. Asked once per stream, with its first event. */
  readonly staysBehind: (first: RecordedEvent) => string | undefined;
  readonly onProgress?: (phase: 'copying' | 'verifying', position: bigint, head: bigint) => void;
}

export interface Migrated {
  /** Copied now; fewer than `events` after an interruption. */
  readonly copied: number;
  /** In both logs. */
  readonly events: number;
  /** SHA-256 over all of them, equal for both logs. */
  readonly digest: string;
  /** Streams not copied, with the reason. */
  readonly leftBehind: ReadonlyMap<string, string>;
}

/**
 * Copies the events of `source`, which nobody may be writing to, into `target`: same order, ids, revisions, data and
 * metadata. Goes on where an earlier run was cut off, and compares everything at the end. @throws NotACopy, StoreUnavailable
 */
export async function migrate(source: EventStore, target: EventStore, options: MigrateOptions): Promise<Migrated> {
  const streams = new Map<string, string | undefined>();
  const copies = (event: RecordedEvent): boolean => {
    if (!streams.has(event.stream)) streams.set(event.stream, options.staysBehind(event));
    return streams.get(event.stream) === undefined;
  };
  const copied = await copy(source, target, copies, options);
  const { events, digest } = await compare(source, target, copies, options);
  const leftBehind = new Map<string, string>();
  for (const [stream, reason] of streams) if (reason !== undefined) leftBehind.set(stream, reason);
  return { copied, events, digest, leftBehind };
}

type Copies = (event: RecordedEvent) => boolean;

async function copy(
  source: EventStore,
  target: EventStore,
  copies: Copies,
  { onProgress }: MigrateOptions,
): Promise<number> {
  const head = await source.head();
  const after = await copiedUpTo(source, target);
  let copied = 0;
  let group: RecordedEvent[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const [first] = group;
    const last = group.at(-1);
    if (!first || !last) return;
    const events = group.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }));
    await target.append(first.stream, first.revision === 0n ? 'no_stream' : first.revision - 1n, events);
    copied += group.length;
    group = [];
    bytes = 0;
    onProgress?.('copying', last.position, head);
  };
  // One append after the other: the target's order has to be the source's.
  for await (const event of source.readAll(after === undefined ? {} : { after })) {
    if (!copies(event)) continue;
    const size = Buffer.byteLength(JSON.stringify([event.data, event.metadata]));
    const full = group.length === eventsPerAppend || bytes + size > bytesPerAppend;
    if (full || group[0]?.stream !== event.stream) await flush();
    group.push(event);
    bytes += size;
  }
  await flush();
  return copied;
}

/** Position in the source of the last event the target has; undefined for an empty target. @throws NotACopy */
async function copiedUpTo(source: EventStore, target: EventStore): Promise<bigint | undefined> {
  for await (const last of target.readAll({ direction: 'backwards', limit: 1 })) {
    for await (const { id, position } of source.readStream(last.stream, { from: last.revision, limit: 1 })) {
      if (id === last.id) return position;
    }
    throw new NotACopy(
      `the target holds other events, the last one is ${nameOf(last)}: it must be empty, or an unfinished copy`,
    );
  }
  return undefined;
}

async function compare(
  source: EventStore,
  target: EventStore,
  copies: Copies,
  { onProgress }: MigrateOptions,
): Promise<{ events: number; digest: string }> {
  const head = await source.head();
  const [ours, theirs] = [createHash('sha256'), createHash('sha256')];
  const found = target.readAll()[Symbol.asyncIterator]();
  let events = 0;
  for await (const event of source.readAll()) {
    if (!copies(event)) continue;
    const { value: there } = await found.next();
    if (!there) throw new NotACopy(`the target ends before ${nameOf(event)}`);
    if (add(ours, event) !== add(theirs, there)) {
      throw new NotACopy(`where the log has ${nameOf(event)}, the target has ${nameOf(there)} or other content`);
    }
    events++;
    onProgress?.('verifying', event.position, head);
  }
  const { value: more } = await found.next();
  if (more) throw new NotACopy(`the target has more than the log: ${nameOf(more)}`);
  const digest = ours.digest('hex');
  if (digest !== theirs.digest('hex')) throw new NotACopy('the logs have different hashes');
  return { events, digest };
}

/** Adds everything of an event but its position, which is each log's own. */
function add(hash: Hash, { stream, revision, id, type, data, metadata }: RecordedEvent): string {
  const line = canonicalJson({ stream, revision: String(revision), id, type, data, metadata: { ...metadata } });
  hash.update(line).update('\n');
  return line;
}

const nameOf = ({ stream, revision, type }: RecordedEvent): string => `${type} at revision ${revision} of ${stream}`;
