import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { verifyDataDir } from '../../src/cli/commands/log.js';
import { runImport, type ImportOptions } from '../../src/cli/import/run-import.js';
import { parseSchedule } from '../../src/cli/import/schedule.js';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { RoomConfigView } from '../../src/rooms/room-fields.js';
import { bundled, bundledPath, hasReal, realPath } from '../cli/schedules.js';
import { runCli, type CliResult } from './support/cli.js';
import {
  ConnectionLost,
  connectAs,
  secret,
  temporaryServers,
  type ServerProcess,
  type SocketClient,
} from './support/server.js';

const schedule = parseSchedule(JSON.stringify(bundled()));

type Place = Awaited<ReturnType<typeof temporaryServers>>;

async function roomsOf(server: ServerProcess, world: string): Promise<RoomConfigView[]> {
  const client = await connectAs(server, 'reader', ['admin'], { world });
  try {
    return await client.call<RoomConfigView[]>('room.config.list');
  } finally {
    await client.close();
  }
}

const importFile = (server: ServerProcess, world: string, file: string): Promise<CliResult> =>
  runCli(['import', file, '--url', server.url, '--world', world], { AUTH_SECRET: secret });

describe('convoke import', () => {
  let place: Place;
  let server: ServerProcess;
  let folder: string;

  beforeAll(async () => {
    place = await temporaryServers();
    server = await place.start();
    folder = await mkdtemp(join(tmpdir(), 'convoke-import-'));
  });

  afterAll(async () => {
    await place.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const saved = async (name: string, content: unknown): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  const eventCount = async (): Promise<number> => (await verifyDataDir(place.dataDir)).events;

  const importBundled = (world: string) =>
    runImport(schedule, { connect: () => connectAs(server, 'import', ['admin'], { world }) });

  it('makes the rooms once: a second run changes nothing and says so', async () => {
    const first = await importFile(server, 'twice', bundledPath);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('created 5, changed 0, unchanged 0') });
    const rooms = await roomsOf(server, 'twice');
    expect(rooms.map(({ name, sorting_priority }) => [name, sorting_priority])).toEqual([
      ['Harbour Hall', 1],
      ['Lantern Room', 2],
      ['Reading Room', 3],
      ['Workshop Loft', 4],
      ['Online Lounge', 5],
    ]);
    const events = await eventCount();
    const second = await importFile(server, 'twice', bundledPath);
    expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining('created 0, changed 0, unchanged 5') });
    expect(second.stdout).toContain('nothing had to be changed');
    expect([await roomsOf(server, 'twice'), await eventCount()]).toEqual([rooms, events]);
  });

  it('brings changes over: a changed room is patched, a new one made, the others are left', async () => {
    await importBundled('changes');
    const before = await roomsOf(server, 'changes');
    const file = bundled();
    file.schedule.conference.rooms?.push({ name: 'Attic', slug: 'attic' });
    Object.assign(file.schedule.conference.days[0]?.rooms['Reading Room']?.[0] ?? {}, { title: 'Moved on' });
    const result = await importFile(server, 'changes', await saved('changed.json', file));
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('created 1, changed 1, unchanged 4') });
    const after = await roomsOf(server, 'changes');
    const differing = after.filter((room) => !before.some((one) => JSON.stringify(one) === JSON.stringify(room)));
    expect(differing.map(({ name }) => name)).toEqual(['Reading Room', 'Attic']);
    expect(JSON.stringify(differing[0]?.module_config)).toContain('Moved on');
  });

  it('sends nothing of a file with mistakes, and lists them', async () => {
    await roomsOf(server, 'mistakes');
    const events = await eventCount();
    const file = bundled();
    Object.assign(file.schedule.conference.days[0]?.rooms['Reading Room']?.[0] ?? {}, { duration: '45', title: '' });
    const result = await importFile(server, 'mistakes', await saved('mistakes.json', file));
    const path = 'schedule.conference.days[0].rooms["Reading Room"][0]';
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain(`${path}.title: a text`);
    expect(result.stderr).toContain(`${path}.duration: a duration such as 01:30`);
    const cut = await importFile(server, 'mistakes', await saved('cut.json', '{\n"schedule": '));
    expect(cut).toMatchObject({ code: 1, stderr: expect.stringContaining('line 2, column 13: not JSON') });
    expect([await roomsOf(server, 'mistakes'), await eventCount()]).toEqual([[], events]);
  });

  it('sends nothing when a name is taken, and names the room', async () => {
    const client = await connectAs(server, 'someone', ['admin'], { world: 'taken' });
    await client.call('room.create', { name: 'ONLINE LOUNGE' });
    await client.close();
    const result = await importFile(server, 'taken', bundledPath);
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('room "Online Lounge": the name is taken'),
    });
    expect((await roomsOf(server, 'taken')).map(({ name }) => name)).toEqual(['ONLINE LOUNGE']);
  });

  it('does not make a room again that was deleted since, and says so', async () => {
    await importBundled('deleted');
    const client = await connectAs(server, 'someone', ['admin'], { world: 'deleted' });
    const [first] = await client.call<RoomConfigView[]>('room.config.list');
    await client.call('room.delete', { room: first?.id });
    await client.close();
    const result = await importFile(server, 'deleted', bundledPath);
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('not made again: Harbour Hall') });
    expect(await roomsOf(server, 'deleted')).toHaveLength(4);
  });

  it('sends a command whose answer was lost again, with the same id', async () => {
    let lost = 0;
    const connect = async (): Promise<SocketClient> => {
      const client = await connectAs(server, 'import', ['admin'], { world: 'lost' });
      const call = client.call.bind(client);
      client.call = async <Reply>(action: string, payload: unknown): Promise<Reply> => {
        const reply = await call<Reply>(action, payload);
        if (action === 'room.config.list' || lost++ > 0) return reply;
        client.ws.terminate();
        throw new ConnectionLost('the answer was lost');
      };
      return client;
    };
    const { created } = await runImport(schedule, { connect });
    expect([lost, created.length]).toEqual([6, 5]);
    expect(await roomsOf(server, 'lost')).toHaveLength(5);
  });

  it('says in one line that a server is not there or does not let it in', async () => {
    const away = await runCli(['import', bundledPath, '--url', 'http://127.0.0.1:1'], { AUTH_SECRET: secret });
    expect(away).toMatchObject({ code: 1, stdout: '' });
    expect(away.stderr).toMatch(/^convoke: http:\/\/127\.0\.0\.1:1 cannot be reached: .*\n$/);
    const refused = await runCli(['import', bundledPath, '--url', server.url], { AUTH_SECRET: 'another '.repeat(5) });
    expect(refused).toEqual({ code: 1, stdout: '', stderr: 'convoke: The token is not valid.\n' });
  });

  (hasReal ? describe : describe.skip)('of a real conference', () => {
    it('makes its 13 rooms', async () => {
      const result = await importFile(server, 'real', realPath);
      expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('13 rooms, 93 sessions') });
      expect(await roomsOf(server, 'real')).toHaveLength(13);
    });
  });
});

describe('an import cut off half-way', () => {
  let place: Place;

  beforeAll(async () => {
    place = await temporaryServers();
  });

  afterEach(() => place.remove());

  const connectTo = (server: ServerProcess) => () => connectAs(server, 'import', ['admin']);
  /** Kills the server once, while the third room is being made. */
  const killing = (server: ServerProcess, options: ImportOptions): ImportOptions => ({
    ...options,
    onProgress: (done) => {
      if (done === 2) void server.kill9();
    },
  });

  async function expectEachRoomOnce(server: ServerProcess): Promise<void> {
    const ids = (await roomsOf(server, 'demo')).map(({ import_id }) => import_id);
    expect(ids).toEqual(schedule.rooms.map(({ key }) => `lighthouse-2027/${key}`));
    expect((await verifyDataDir(place.dataDir)).problems).toEqual([]);
    const log = await openEmbeddedEventStore({ dir: join(place.dataDir, 'log'), readOnly: true });
    const types = new Map<string, number>();
    for await (const { type } of log.readAll()) types.set(type, (types.get(type) ?? 0) + 1);
    await log.close();
    expect([types.get('RoomRegistered'), types.get('RoomCreated')]).toEqual([5, 5]);
  }

  it('by kill -9 is completed by the next run, without a duplicate', async () => {
    const first = await place.start();
    const cutOff = runImport(schedule, killing(first, { connect: connectTo(first), retries: 0 }));
    await expect(cutOff).rejects.toThrow('room "Reading Room"');
    const second = await place.start();
    const { created, unchanged } = await runImport(schedule, { connect: connectTo(second) });
    expect([...unchanged, ...created]).toEqual(schedule.rooms.map(({ name }) => name));
    expect(unchanged.slice(0, 2)).toEqual(['Harbour Hall', 'Lantern Room']);
    await expectEachRoomOnce(second);
  });

  it('goes on by itself when the server comes back', async () => {
    place = await temporaryServers();
    const first = await place.start();
    const reasons: string[] = [];
    let back: Promise<ServerProcess> | undefined;
    const onRetry = (reason: string): void => {
      reasons.push(reason);
      back ??= first.exited.then(() => place.start({ port: first.port }));
    };
    const { created } = await runImport(schedule, killing(first, { connect: connectTo(first), onRetry }));
    expect(created).toEqual(schedule.rooms.map(({ name }) => name));
    expect(reasons[0]).toBe('the server closed the connection (1006)');
    await expectEachRoomOnce((await back) ?? first);
  });
});
