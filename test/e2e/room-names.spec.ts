import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { codeOf } from './outcomes.js';
import { headOf } from './stored-log.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from './support/server.js';

type Config = Record<string, unknown> & {
  readonly id: string;
  readonly name: string;
  readonly sorting_priority: number;
};

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let worlds = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

/** An admin of a world without rooms. */
const inNewWorld = (): Promise<SocketClient> => connectAs(server, 'admin', ['admin'], { world: `w-${++worlds}` });

const create = (client: SocketClient, name: string, more: object = {}): Promise<Config> =>
  client.call<Config>('room.create', { name, ...more });

describe('the name of a room', () => {
  it('keeps names unique, whatever their case and composition, until they are free again', async () => {
    const client = await inNewWorld();
    const { room } = await create(client, 'Café Straße');
    const { room: other } = await create(client, 'Other');
    const head = await headOf(servers.dataDir);
    for (const name of [
      'Café Straße',
      'CAFÉ STRAßE',
      'cafe\u0301 straße',
      ' Café Straße ',
      'CAFÉ STRASSE',
      'ＣＡＦÉ straße',
    ]) {
      expect([name, await codeOf(create(client, name))]).toEqual([name, 'room.invalid.name_taken']);
      const patch = client.call('room.config.patch', { room: other, name });
      expect([name, await codeOf(patch)]).toEqual([name, 'room.invalid.name_taken']);
    }
    expect(await headOf(servers.dataDir)).toBe(head);
    // A room may be renamed to another spelling of its own name.
    expect(await client.call('room.config.patch', { room, name: 'CAFÉ STRAßE' })).toMatchObject({
      name: 'CAFÉ STRAßE',
    });
    await client.call('room.config.patch', { room, name: 'Bar' });
    const { room: again } = await create(client, 'café straße');
    expect(await codeOf(create(client, 'bar'))).toBe('room.invalid.name_taken');
    await client.call('room.delete', { room: again });
    await create(client, 'CAFÉ STRAßE');
    // Another world's names are its own.
    await create(await inNewWorld(), 'Bar');
  });

  it('lets exactly one of many win a name', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, (_one, n) => connectAs(server, `c-${n}`, ['admin'])));
    const outcomes = await Promise.all(
      clients.flatMap((client, n) => [
        codeOf(create(client, 'Arena')),
        codeOf(create(client, n % 2 ? 'ARENA' : 'arena')),
      ]),
    );
    expect(outcomes.filter((code) => code === 'success')).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(['success', 'room.invalid.name_taken']));
    const renamed = await Promise.all(clients.map((client, n) => create(client, `arena ${n}`)));
    const renames = await Promise.all(
      clients.map((client, n) => codeOf(client.call('room.config.patch', { room: renamed[n]?.id, name: 'Dome' }))),
    );
    expect(renames.filter((code) => code === 'success')).toHaveLength(1);
  });
});
