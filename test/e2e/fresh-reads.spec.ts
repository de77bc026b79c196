import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connectAs, temporaryServers, type ServerProcess } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

it('whoever asks after somebody was told of a change sees it', async () => {
  const [writer, reader] = await Promise.all([
    connectAs(server, 'writer', ['admin']),
    connectAs(server, 'reader', ['admin']),
  ]);
  const { room } = await writer.call<{ room: string }>('room.create', { name: 'Hall' });
  // Rows that nobody waits for are written ten times a second: of so many changes most would be missed.
  for (let change = 0; change < 30; change++) {
    await writer.call('room.config.patch', { room, description: `change ${change}` });
    expect(await reader.call('room.config.get', { room })).toMatchObject({ description: `change ${change}` });
    const [listed] = await reader.call<{ description: string }[]>('room.config.list', {});
    expect(listed?.description).toBe(`change ${change}`);
  }
});
