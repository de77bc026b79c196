import { execFileSync, spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CallRefused, connectAs, temporaryServers, type SocketClient } from '../e2e/support/server.js';
import { codeOf } from '../e2e/outcomes.js';
import { followUpProblems, logProblems, readLog, readModelProblems } from './oracle.js';

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;
const note = hasPrlimit ? '' : ' (skipped: prlimit is not installed)';

describe('a server whose disk is full', () => {
  async function goesOn(): Promise<void> {
    const { dataDir, start, remove } = await temporaryServers();
    try {
      const server = await start({ env: { RATE_LIMIT: 'off' } });
      const admin = await connectAs(server, 'admin', ['admin']);
      const acknowledged: string[] = [];
      const { room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' });
      const change = async (client: SocketClient, id: string): Promise<string> => {
        const description = `${id} ${'x'.repeat(9_000)}`;
        try {
          await client.call('room.config.patch', { room, description, command_id: id });
        } catch (error) {
          if (error instanceof CallRefused) return error.code;
          throw error;
        }
        acknowledged.push(id);
        return 'success';
      };
      const inside = await connectAs(server, 'inside', ['admin']);
      await inside.call('room.enter', { room });
      await (await connectAs(server, 'guest', ['admin'])).close();
      // The log grows past the read store, so that the limit below is one for the log.
      for (let n = 0; n < 60; n++) await change(admin, `before ${n}`);
      const { size } = await stat(join(dataDir, 'log', 'data.mdb'));
      const limit = (to: string): void => {
        execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${to}:unlimited`]);
      };
      limit(String(size));
      const writers = await Promise.all(Array.from({ length: 10 }, () => connectAs(server, 'admin', ['admin'])));
      const codes = new Set<string>();
      // Some still fit into free pages.
      for (let n = 0; n < 30; n++) {
        const all = await Promise.all(writers.map((client, i) => change(client, `full ${n} ${i}`)));
        for (const code of all) codes.add(code);
      }
      expect(codes).toContain('server.unavailable');
      codes.delete('success');
      expect([...codes]).toEqual(['server.unavailable']);

      // Reading goes on, and signing in for whoever is known. Who is in a room stays there; who comes anew, to the room or
      // to the world, cannot be recorded, unless it fits.
      const guest = await connectAs(server, 'guest', ['admin']);
      expect(await guest.call('room.config.get', { room })).toMatchObject({ id: room, name: 'Hall' });
      expect(await inside.call('room.enter', { room })).toEqual({ viewers: [{ id: 'inside', profile: {} }] });
      expect(['success', 'server.unavailable']).toContain(await codeOf(guest.call('room.enter', { room })));
      expect(['success', 'server.unavailable']).toContain(await codeOf(connectAs(server, 'newcomer')));
      expect((await fetch(`${server.url}/health/live`)).status).toBe(200);

      limit('unlimited');
      expect(await change(admin, 'after')).toBe('success');
      await connectAs(server, 'newcomer');
      // Whatever it was told, it is in now that there is room, and whoever was in hears of it.
      const added = { user: { id: 'guest', profile: {} } };
      expect((await inside.waitFor(({ name }) => name === 'room.viewer.added')).body).toEqual(added);
      const viewers = ['inside', 'guest'].map((id) => ({ id, profile: {} }));
      expect(await guest.call('room.enter', { room })).toEqual({ viewers });
      expect(await change(admin, 'full 29 0')).toBe('success');
      expect(await admin.call('room.config.get', { room })).toMatchObject({
        description: expect.stringMatching(/^full 29 0 x/),
      });
      await server.ready();
      await server.kill9();

      const events = await readLog(dataDir);
      expect([...(await logProblems(dataDir, events)), ...followUpProblems(events)]).toEqual([]);
      const stored = events
        .filter(({ type }) => type === 'RoomConfigPatched')
        .map(({ metadata }) => metadata.commandId);
      // Exactly: what was answered with server.unavailable is not there either.
      expect(stored.toSorted()).toEqual([...new Set(acknowledged)].toSorted());
      const again = await start();
      await again.ready();
      expect(await again.stop()).toBe(0);
      expect(await readModelProblems(dataDir, await readLog(dataDir))).toEqual([]);
    } finally {
      await remove();
    }
  }

  const title = `acknowledges nothing it cannot keep, still answers questions, and writes again when there is room${note}`;
  (hasPrlimit ? it : it.skip)(title, goesOn);
});
