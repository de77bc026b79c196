import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { chained } from '../audit/logs.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess } from './support/server.js';

const total = 2_000;
const note = 'x'.repeat(16_384);

let place: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  place = await temporaryServers();
  const log = await openEmbeddedEventStore({ dir: join(place.dataDir, 'log') });
  const events = chained(
    'hall-1',
    'demo',
    Array.from({ length: total }, () => ({ type: 'HallOpened', data: { note } })),
  );
  for (let first = 0; first < total; first += 200) {
    const expected = first === 0 ? 'no_stream' : BigInt(first - 1);
    await log.append('hall-1', expected, events.slice(first, first + 200));
  }
  await log.close();
  server = await place.start();
});

afterAll(() => place.remove());

it('a stream under way is cut off when the right to it is taken away', async () => {
  const admin = await connectAs(server, 'ada', ['admin']);
  await admin.call('world.grant', { user: 'eve', role: 'admin' });
  const headers = { authorization: `Bearer ${await tokenFor('eve')}` };
  const request = get(`${server.url}/audit/events?format=ndjson`, { headers });
  const [response]: IncomingMessage[] = await once(request, 'response');
  if (!response) throw new Error('there is a response');
  response.pause();
  expect(response.statusCode).toBe(200);
  await admin.call('world.revoke', { user: 'eve', role: 'admin' });
  // Answered on current rights, so the revocation is known to the server.
  expect((await fetch(`${server.url}/audit/key`, { headers })).status).toBe(403);
  let bytes = 0;
  response.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume();
  const cut = await new Promise<boolean>((resolve) => {
    response.on('end', () => resolve(false));
    response.on('error', () => resolve(true));
  });
  expect(cut).toBe(true);
  expect(bytes).toBeLessThan(total * note.length);
  await admin.close();
});
