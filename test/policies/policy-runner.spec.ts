import { once, EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  openEmbeddedEventStore,
  type EmbeddedEventStore,
} from '../../src/event-store/embedded/embedded-event-store.js';
import { StoreUnavailable, type EventStore } from '../../src/event-store/event-store.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import type { Policy } from '../../src/eventsourcing/policy.js';
import { Refused } from '../../src/eventsourcing/refused.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';
import { PolicyRunner } from '../../src/policies/policy-runner.js';
import { Checkpoints } from '../../src/read-store/checkpoints.js';
import { connectReadStore } from '../../src/read-store/connect.js';
import type { ReadStore } from '../../src/read-store/read-store.js';
import { roomDirectory } from '../../src/rooms/room-directory.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { changeListing, roomDirectoryPolicy } from '../../src/rooms/rooms.policy.js';
import { rooms } from '../../src/rooms/rooms.js';
import { alice, recorded } from '../spec/decider-spec.js';

const registry = new EventRegistry(roomDirectory.events, rooms.events);

let dir: string;
let store: EmbeddedEventStore;
let read: ReadStore;
let loop: CommandLoop;
let checkpoints: Checkpoints;
let runners: PolicyRunner[];
/** What the runner logged; `said` tells when. */
let errors: string[];
let said: EventEmitter;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'convoke-policies-'));
  store = await openEmbeddedEventStore({ dir: join(dir, 'log') });
  read = await connectReadStore({ dir: join(dir, 'read'), port: 0 });
  loop = new CommandLoop(store, registry);
  checkpoints = new Checkpoints(read.db, store.epoch);
  runners = [];
  errors = [];
  said = new EventEmitter();
});

afterEach(async () => {
  await Promise.all(runners.map((runner) => runner.stop()));
  await read.close();
  await store.close();
  await rm(dir, { recursive: true });
});

const log = {
  error: (_context: object, message: string): void => {
    errors.push(message);
    said.emit('error logged');
  },
};

/** A policy that notes what it was given, in the form `name of the room`, and may fail on some. */
function noting(fail: (name: string, time: number) => Error | undefined = () => undefined) {
  const seen: string[] = [];
  const told = new EventEmitter();
  const policy: Policy = {
    name: 'noting',
    types: ['RoomRegistered'],
    react: (event) => {
      const name = (event.data.config as { name: string }).name;
      seen.push(name);
      const error = fail(name, seen.filter((one) => one === name).length);
      if (error) return Promise.reject(error);
      told.emit(name);
      return Promise.resolve();
    },
  };
  return { policy, seen, told };
}

function run(policy: Policy, on: EventStore = store): { runner: PolicyRunner; started: Promise<void> } {
  const runner = new PolicyRunner(policy, on, registry, loop, checkpoints, log);
  runners.push(runner);
  return { runner, started: runner.start() };
}

/** Appends the directory's event only, as a crash before the follow-up would leave it. */
async function register(name: string): Promise<bigint> {
  const command = { type: 'RegisterRoom', name, defaults: emptyConfig } as const;
  return (await loop.handle(roomDirectory, command, { ...alice, action: 'room.create', commandId: name })).position;
}

describe('a policy runner', () => {
  it('starts on an empty log, follows it, and resumes from its checkpoint', async () => {
    const first = noting();
    // An empty log has no position a checkpoint could hold.
    const idle = run(first.policy);
    await idle.started;
    await idle.runner.stop();
    expect(await checkpoints.load('noting')).toBe(-1n);
    const { runner, started } = run(first.policy);
    await started;
    const a = once(first.told, 'a');
    await register('a');
    await a;
    const b = once(first.told, 'b');
    const position = await register('b');
    await b;
    await runner.stop();
    expect(await checkpoints.load('noting')).toBe(position);
    await register('c');

    const second = noting();
    await run(second.policy).started;
    expect(first.seen).toEqual(['a', 'b']);
    expect(second.seen).toEqual(['c']);
    expect(errors).toEqual([]);
  });

  it('has carried out the follow-ups of all that was in the log when its start resolves', async () => {
    const names = Array.from({ length: 50 }, (_one, i) => `room ${i}`);
    for (const name of names) await register(name);
    await run(roomDirectoryPolicy).started;
    const created: string[] = [];
    for await (const event of store.readAll({ filter: { types: ['RoomCreated'] } })) {
      created.push((event.data.config as { name: string }).name);
    }
    expect(created).toEqual(names);
  });

  it('does nothing a second time, whether it comes before, beside or after the inline follow-up', async () => {
    const { runner, started } = run(roomDirectoryPolicy);
    await started;
    const create = async (name: string): Promise<void> => {
      const command = { type: 'RegisterRoom', name, defaults: emptyConfig } as const;
      const context = { ...alice, commandId: name };
      await changeListing(loop, command, { context, onlyResend: false });
    };
    await Promise.all(Array.from({ length: 50 }, (_one, i) => create(`room ${i}`)));
    await runner.stop();
    // Without its checkpoint it sees every event again.
    await read.db.dropDatabase();
    await run(roomDirectoryPolicy).started;
    const types: string[] = [];
    for await (const { type } of store.readAll()) types.push(type);
    expect(types.filter((type) => type === 'RoomCreated')).toHaveLength(50);
    expect(types).toHaveLength(150);
    expect(errors).toEqual([]);
  });

  it.each([
    ['the log failed', () => new StoreUnavailable('away')],
    ['the read store failed', () => Object.assign(new Error('away'), { name: 'MongoNetworkError' })],
    ['a read model is behind', () => new Refused('server.unavailable')],
  ])('tries again where %s, before going on', async (_why, failure) => {
    await register('a');
    await register('b');
    const { policy, seen, told } = noting((name, time) => (name === 'a' && time === 1 ? failure() : undefined));
    const b = once(told, 'b');
    await run(policy).started;
    await b;
    expect(seen).toEqual(['a', 'a', 'b']);
    expect(errors).toEqual(['a policy was cut off, it goes on where it was']);
  });

  it('tries again after a conflict with another process', async () => {
    await register('a');
    const { policy, seen } = noting((_name, time) => (time === 1 ? new Refused('concurrency.conflict') : undefined));
    await run(policy).started;
    expect(seen).toEqual(['a', 'a']);
  });

  it('goes on when its subscription breaks', async () => {
    await register('a');
    let broken = 0;
    const breaking: EventStore = Object.create(store, {
      subscribeToAll: {
        value: async function* (options: Parameters<EventStore['subscribeToAll']>[0]) {
          if (broken++ === 0) throw new StoreUnavailable('away');
          yield* store.subscribeToAll(options);
        },
      },
    });
    const { policy, seen } = noting();
    await run(policy, breaking).started;
    expect(seen).toEqual(['a']);
  });

  it('is not stopped by what fails for good: a refusal, a fault', async () => {
    for (const name of ['a', 'b', 'c']) await register(name);
    const failures: Record<string, Error> = { a: new Refused('room.unknown'), b: new TypeError('a fault') };
    const { policy, seen } = noting((name) => failures[name]);
    await run(policy).started;
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(errors).toEqual(['a follow-up failed for good', 'a follow-up failed for good']);
  });

  it('follows nothing where the room was deleted first', async () => {
    const command = { type: 'RegisterRoom', name: 'a', defaults: emptyConfig } as const;
    const { room } = await changeListing(loop, command, { context: alice, onlyResend: false });
    const patch = { type: 'PatchRoomConfig', room, name: 'b' } as const;
    await loop.handle(roomDirectory, patch, { ...alice, commandId: 'c-2' });
    await loop.handle(rooms, { type: 'DeleteRoom', room }, { ...alice, commandId: 'c-3' });
    const last = await register('d');
    const { runner, started } = run(roomDirectoryPolicy);
    await started;
    await runner.stop();
    expect(errors).toEqual([]);
    expect(await checkpoints.load(roomDirectoryPolicy.name)).toBeGreaterThanOrEqual(last);
  });

  it('passes over an event it cannot read, and a follow-up on a stream it cannot read', async () => {
    const { id: _id, ...foreign } = recorded({ type: 'RoomRegistered', data: { roomId: 'r-1' } });
    const future = { ...foreign.metadata, schema: 99 };
    const of = (type: string, id: string) => ({ id, type, data: foreign.data, metadata: future });
    await store.append('room_directory-other', 'no_stream', [of('RoomRegistered', crypto.randomUUID())]);
    const target = recorded({ type: 'RoomRelisted', data: { roomId: 'r-1', patch: { name: 'x' } } });
    const relisted = { id: crypto.randomUUID(), type: target.type, data: target.data, metadata: target.metadata };
    await store.append('room_directory-third', 'no_stream', [relisted]);
    await store.append('room-r-1', 'no_stream', [of('RoomCreated', crypto.randomUUID())]);
    await register('a');
    await run(roomDirectoryPolicy).started;
    const created: string[] = [];
    for await (const event of store.readAll({ filter: { types: ['RoomCreated'] } })) created.push(event.stream);
    expect(created).toHaveLength(2);
    expect(errors).toEqual(['a policy passed over an event', 'a follow-up failed for good']);
  });

  it('stops at once, also while it waits to try again', async () => {
    await register('a');
    const { policy } = noting(() => new StoreUnavailable('away'));
    const failed = once(said, 'error logged');
    const { runner, started } = run(policy);
    await failed;
    await runner.stop();
    await expect(started).resolves.toBeUndefined();
    expect(await checkpoints.load(policy.name)).toBe(-1n);
  });
});
