import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RawSocket } from './raw-socket.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess } from './support/server.js';

describe('one who hangs up while history waits for it', () => {
  let servers: Awaited<ReturnType<typeof temporaryServers>>;
  let server: ServerProcess;

  beforeAll(async () => {
    servers = await temporaryServers();
    server = await servers.start();
    const admin = await connectAs(server, 'admin', ['admin']);
    const description = 'd'.repeat(9_900);
    for (let n = 0; n < 120; n++) await admin.call('room.create', { name: `room ${n}`, description });
    await admin.close();
  });

  afterAll(() => servers.remove());

  it('is forgotten, and the others are served', async () => {
    const reader = await RawSocket.signedIn(server, await tokenFor('reader', ['admin']));
    reader.ws.pause();
    const all = { topics: ['world'], after: 'start' };
    // Asked again and again without reading: more waits than any buffer below takes.
    for (let n = 1; n <= 12; n++) {
      reader.send(['events.subscribe', n, all]);
      const other = await connectAs(server, 'other', ['admin']);
      await other.close();
    }
    // The command is answered after the end of the socket was seen: then it takes nothing any more, and is not closed yet.
    const socket = Reflect.get(reader.ws, '_socket') as Socket;
    socket.cork();
    reader.send(['room.create', 98, { name: 'last' }]);
    reader.send(['events.subscribe', 99, all]);
    socket.uncork();
    socket.end();
    const admin = await connectAs(server, 'admin', ['admin']);
    for (let n = 0; n < 5; n++) {
      const live = await fetch(`${server.url}/health/live`, { signal: AbortSignal.timeout(5_000) });
      expect(live.status).toBe(200);
      await admin.call('room.config.list', {});
    }
    reader.ws.terminate();
  });
});
