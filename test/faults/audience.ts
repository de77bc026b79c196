import { isDeepStrictEqual } from 'node:util';
import { eventRegistry } from '../../src/event-registry.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { wireTable } from '../../src/gateway/wire/index.js';
import { connectAs, type ServerProcess, type SocketClient } from '../e2e/support/server.js';

/** Who listens: in which world, whether it sees rooms that are not public, whether it enters the rooms it sees. */
interface Listener {
  readonly user: string;
  readonly world: string;
  readonly seesAll: boolean;
  readonly enters: boolean;
}

/** The worlds are opened by `openGatedWorld`; `moderator` is granted its role there. Public rooms have a `viewer: []`. */
export const listeners: readonly Listener[] = [
  { user: 'attendee', world: 'demo', seesAll: false, enters: false },
  { user: 'guest', world: 'demo', seesAll: false, enters: true },
  { user: 'moderator', world: 'demo', seesAll: true, enters: true },
  { user: 'attendee', world: 'other', seesAll: false, enters: true },
];

interface Frame {
  readonly name: string;
  readonly body: unknown;
}

/** What one connection heard, from its `authenticated` to its end. */
export interface Span {
  readonly listener: Listener;
  /** Connections in a row, from 1. */
  readonly epoch: number;
  /** Rooms of the `authenticated` frame: they say where in the log the connection began to hear of its world. */
  readonly rooms: readonly string[];
  /** Rooms it entered, with the number of commands that had been sent when the reply came. */
  readonly entered: Map<string, number>;
  readonly frames: Frame[];
  /** Resolves when the connection is gone and everything it received is in `frames`. */
  readonly ended: Promise<void>;
}

type WorldConfig = { readonly rooms: readonly { readonly id: string }[] };
const idsIn = (config: unknown): string[] => (config as WorldConfig).rooms.map(({ id }) => id);

/** Connects everyone who listens; `sent` is asked for the number of commands sent so far. */
export function join(server: ServerProcess, epoch: number, sent: () => number): Promise<Span[]> {
  return Promise.all(
    listeners.map(async (listener) => {
      const { user, world, enters } = listener;
      const client = await connectAs(server, user, [], { world });
      const welcome = (await client.welcome) as { readonly 'world.config': unknown };
      const rooms = idsIn(welcome['world.config']);
      const entered = new Map<string, number>();
      const frames: Frame[] = [];
      const span = { listener, epoch, rooms, entered, frames, ended: record(client, frames) };
      if (enters) await Promise.all(rooms.map((room) => enter(client, room, entered, sent)));
      return span;
    }),
  );
}

async function enter(client: SocketClient, room: string, entered: Span['entered'], sent: () => number): Promise<void> {
  const isIn = await client.call('room.enter', { room }).then(
    () => true,
    () => false, // deleted since
  );
  if (isIn) entered.set(room, sent());
}

async function record(client: SocketClient, frames: Frame[]): Promise<void> {
  for await (const { name, body } of client.events()) {
    // Who is where follows from several events at once: test/faults/presence-storm.spec.ts looks at that.
    if (name.startsWith('room.viewer.') || name === 'world.user_count_change') continue;
    frames.push(name === 'world.updated' ? { name, body: idsIn(body) } : { name, body });
  }
}

/** An event as the wire table sends it, with the number of the command that caused it, where one of the ledger did. */
interface Sent extends Frame {
  readonly topic: string;
  readonly position: bigint;
  readonly command: number;
}

/** What a listener may hear of the log, in order; `world.updated` aside, which is told once for several events. */
function permitted(
  { world, seesAll }: Listener,
  events: readonly RecordedEvent[],
  commands: ReadonlyMap<string, number>,
): Sent[] {
  const isPublic = new Set<string>();
  return events.flatMap((event) => {
    const { position, metadata } = event;
    if (metadata.world !== world) return [];
    const { roomId, config } = event.data;
    const grants = (config as { readonly trait_grants?: { readonly viewer?: unknown } } | undefined)?.trait_grants;
    if (event.type === 'RoomCreated' && grants?.viewer !== undefined) isPublic.add(String(roomId));
    const [delivery] = [wireTable.events[event.type]?.(eventRegistry.read(event)) ?? []].flat();
    if (!delivery || !('topic' in delivery) || !(seesAll || isPublic.has(String(roomId)))) return [];
    const { topic, name, body } = delivery;
    return [{ topic, name, body, position, command: commands.get(metadata.commandId) ?? -1 }];
  });
}

/**
 * Each connection heard exactly what the log holds for it between its start and its end, in order. The end is open where
 * the server was killed: what was committed last may not have left it. `complete` are the epochs that ended with SIGTERM.
 */
export function audienceProblems(
  spans: readonly Span[],
  events: readonly RecordedEvent[],
  ids: readonly string[],
  complete: number,
): string[] {
  const commands = new Map(ids.map((id, index) => [id, index]));
  return listeners.flatMap((listener) => {
    const all = permitted(listener, events, commands);
    const own = spans.filter((span) => span.listener === listener);
    const heard = own.reduce((sum, { frames }) => sum + frames.length, 0);
    const who = `${listener.user} of ${listener.world}`;
    const problems = own.flatMap((span) => {
      return spanProblems(span, all, span.epoch === complete).map((text) => `${who} (${span.epoch}): ${text}`);
    });
    return heard > 0 ? problems : [`${who} heard nothing at all`, ...problems];
  });
}

function spanProblems({ listener, rooms, entered, frames }: Span, all: readonly Sent[], isComplete: boolean): string[] {
  const topicOf = new Map(all.map((sent) => [keyOf(sent), sent]));
  const visible = new Set(all.flatMap(({ name, body }) => (name === 'room.create' ? [idOf(body)] : [])));
  const problems: string[] = [];
  const heard: Sent[] = [];
  for (const frame of frames) {
    if (frame.name === 'world.updated') {
      const unseen = (frame.body as string[]).filter((id) => !visible.has(id));
      if (unseen.length > 0) problems.push(`world.updated shows ${unseen.join()}, which it may not see`);
      continue;
    }
    const sent = topicOf.get(keyOf(frame));
    if (sent && isDeepStrictEqual(sent.body, frame.body)) heard.push(sent);
    else problems.push(`heard ${JSON.stringify(frame)}, which is not for it`);
  }
  const back = heard.findIndex(({ position }, i) => i > 0 && position <= (heard[i - 1]?.position ?? -1n));
  if (back > 0)
    problems.push(`${keyOf(heard[back])} at ${heard[back]?.position} came after ${heard[back - 1]?.position}`);

  const check = (topic: string, latestStart: (of: readonly Sent[]) => number, isExact: boolean): void => {
    const of = all.filter((sent) => sent.topic === topic);
    const got = heard.filter((sent) => sent.topic === topic);
    const latest = latestStart(of);
    const start = isExact || got.length === 0 ? latest : of.findIndex((sent) => sent === got[0]);
    const wanted = of.slice(start, isComplete ? undefined : start + got.length);
    const differs = wanted.findIndex((sent, i) => sent !== got[i]);
    if (start > latest) problems.push(`${topic}: began with ${keyOf(of[start])}, ${keyOf(of[latest])} came before it`);
    else if (differs >= 0 || wanted.length !== got.length)
      problems.push(`${topic}: ${got.length} events, the log has ${wanted.length}; missing ${keyOf(wanted[differs])}`);
  };
  check(`world:${listener.world}`, (of) => startOf(of, rooms), true);
  // Whatever was sent after the reply to `room.enter` is heard; an earlier event may be, if it was still on its way.
  for (const [room, sent] of entered) {
    check(
      `room:${room}`,
      (of) =>
        orEnd(
          of,
          of.findIndex(({ command }) => command >= sent),
        ),
      false,
    );
  }
  const foreign = heard.find(({ topic }) => topic.startsWith('room:') && !entered.has(topic.slice('room:'.length)));
  if (foreign) problems.push(`heard ${keyOf(foreign)} of a room it did not enter`);
  return problems;
}

const orEnd = (of: readonly Sent[], index: number): number => (index < 0 ? of.length : index);

/** Every event of the world's topic changes which rooms there are, for good: a set of rooms is one moment of the log. */
function startOf(of: readonly Sent[], rooms: readonly string[]): number {
  const wanted = new Set(rooms);
  const open = new Set<string>();
  let common = 0;
  for (let index = 0; index <= of.length; index++) {
    if (open.size === wanted.size && common === wanted.size) return index;
    const { name, body } = of[index] ?? {};
    const id = idOf(body);
    const change = wanted.has(id) ? 1 : 0;
    if (name === 'room.create' && open.add(id)) common += change;
    if (name === 'room.delete' && open.delete(id)) common -= change;
  }
  return of.length;
}

const idOf = (body: unknown): string => String((body as { readonly id?: unknown } | undefined)?.id);

/** Workloads give every schedule a title of its own, and a room is created and deleted once. */
function keyOf(frame: Frame | undefined): string {
  if (!frame) return 'nothing';
  const { room, schedule_data } = frame.body as {
    readonly room?: string;
    readonly schedule_data?: { title?: unknown };
  };
  return room === undefined ? `${frame.name} ${idOf(frame.body)}` : `${frame.name} ${room} ${schedule_data?.title}`;
}
