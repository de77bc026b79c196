import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RawSocket } from './raw-socket.js';
import { eventsOf } from './stored-log.js';
import { connectAs, secret, temporaryServers, tokenFor, type ServerProcess } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let elsewhere: string;

beforeAll(async () => {
  servers = await temporaryServers();
  elsewhere = await mkdtemp(join(tmpdir(), 'convoke-start-'));
});

afterAll(async () => {
  await servers.remove();
  await rm(elsewhere, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the server with nothing but this environment until it ends by itself; one that starts after all is stopped. */
async function run(env: Record<string, string>): Promise<Ended> {
  const child = spawn(process.execPath, ['dist/src/main.js'], {
    env: { PATH: process.env.PATH, DATA_DIR: join(elsewhere, 'data'), PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString();
    if (stdout.includes('Convoke is listening')) child.kill('SIGKILL');
  });
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** A value no message may repeat. */
const marker = 'Zz9secret';

/** Every kind of failure on the way to listening; what each variable accepts is in test/config. */
const bad: readonly (readonly [name: string, value: string, accepts: RegExp])[] = [
  ['LOG_LEVEL', marker, /info.*trace/],
  ['HOST', '203.0.113.77', /host name or IP/],
  ['DATA_DIR', `/dev/null/${marker}`, /folder/],
  ['MONGODB_URL', `mongodb://${marker}:${marker}@[`, /mongodb:\/\//],
  ['MONGODB_URL', `mongodb://root:${marker}@127.0.0.1:1/?serverSelectionTimeoutMS=300`, /mongodb:\/\//],
];

it('a bad variable stops the start with one line that names it, and does not repeat its value', async () => {
  const inPairs = bad.flatMap((_one, n) => (n % 2 === 0 ? [bad.slice(n, n + 2)] : []));
  for (const pair of inPairs) {
    await Promise.all(
      pair.map(async ([name, value, accepts], n) => {
        const env = { DATA_DIR: join(elsewhere, String(n)), LOG_LEVEL: 'trace', [name]: value };
        const { code, stderr, stdout } = await run(env);
        expect([name, stderr.trimEnd().split('\n').length]).toEqual([name, 1]);
        expect(stderr).toContain(name);
        expect(stderr).toMatch(accepts);
        expect(stderr + stdout).not.toContain(marker);
        expect(code).toBe(1);
      }),
    );
  }
});

it('a port or a data folder that is taken stops the start with one clear line, and harms nobody', async () => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const PORT = String((taken.address() as AddressInfo).port);
  for (const name of ['PORT', 'READ_STORE_PORT']) {
    const { code, stderr } = await run({ [name]: PORT, DATA_DIR: join(elsewhere, name) });
    expect([name, code, stderr.trimEnd().split('\n').length]).toEqual([name, 1, 1]);
    expect(stderr).toContain(` ${name} must be`);
  }
  taken.close();
  const first = await servers.start();
  const { code, stderr } = await run({ DATA_DIR: servers.dataDir });
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(/already|another/);
  expect(stderr).toContain(servers.dataDir);
  expect(code).toBeGreaterThan(0);
  const client = await connectAs(first, 'admin', ['admin']);
  expect(await client.call('room.create', { name: 'Still here' })).toMatchObject({ name: 'Still here' });
  expect(await first.stop()).toBe(0);
});

it('health says that it lives and that it is ready', async () => {
  const server = await servers.start();
  const read = async (path: string): Promise<[number, string, unknown]> => {
    const response = await fetch(`${server.url}${path}`);
    return [response.status, String(response.headers.get('content-type')), await response.json()];
  };
  expect(await read('/health/live')).toEqual([200, expect.stringContaining('application/json'), { status: 'ok' }]);
  await server.ready();
  expect(await read('/health/ready')).toMatchObject([
    200,
    expect.stringContaining('application/json'),
    { status: 'ok' },
  ]);
  expect(await server.stop()).toBe(0);
});

describe('SIGTERM', () => {
  it('under load ends with 0, closes with 1012, and loses nothing that was acknowledged', async () => {
    const server = await servers.start({ env: { RATE_LIMIT: 'off' } });
    const clients = await Promise.all(Array.from({ length: 10 }, (_one, n) => connectAs(server, `s-${n}`, ['admin'])));
    const acknowledged: string[] = [];
    let stopping: Promise<number | null> | undefined;
    let stopAt = 0;
    const load = clients.map(async (client, n) => {
      for (let i = 0; client.open; i++) {
        const burst = Array.from({ length: 5 }, (_one, j) => `load ${n} ${i} ${j}`);
        await Promise.all(
          burst.map((name) =>
            client.call('room.create', { name }).then(
              () => acknowledged.push(name),
              () => undefined,
            ),
          ),
        );
        if (acknowledged.length > 150 && !stopping) {
          stopAt = performance.now();
          stopping = server.stop();
        }
      }
    });
    const codes = (await Promise.all(clients.map(({ closed }) => closed))).map(({ code }) => code);
    await Promise.all(load);
    expect(await stopping).toBe(0);
    expect(performance.now() - stopAt).toBeLessThan(10_000);
    expect(new Set(codes)).toEqual(new Set([1012]));
    const stored = (await eventsOf(servers.dataDir)).flatMap(({ type, data }) =>
      type === 'RoomCreated' ? [(data as { config: { name: string } }).config.name] : [],
    );
    expect(acknowledged.filter((name) => !stored.includes(name))).toEqual([]);
  });

  it('waits for nobody who does not answer: half a request, an idle connection, a socket that reads nothing', async () => {
    const server = await servers.start();
    const { hostname, port } = new URL(server.url);
    const raw = [connect(Number(port), hostname), connect(Number(port), hostname), connect(Number(port), hostname)];
    for (const socket of raw) socket.on('error', () => undefined);
    await Promise.all(raw.map((socket) => once(socket, 'connect')));
    raw[1]?.write('GET /health/live HTTP/1.1\r\nHost: x\r\n');
    raw[2]?.write('POST /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
    const mute = await RawSocket.signedIn(server, await tokenFor('mute'));
    mute.ws.pause();
    const keepAlive = await fetch(`${server.url}/health/live`);
    expect(keepAlive.status).toBe(200);
    const before = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - before).toBeLessThan(10_000);
    mute.ws.terminate();
    for (const socket of raw) socket.destroy();
  });
});

describe('the log', () => {
  const said = (server: ServerProcess): string => [...server.stdout, ...server.stderr].join('\n');

  it('holds no secret, even at trace', async () => {
    const server = await servers.start({ env: { LOG_LEVEL: 'trace' } });
    const token = await tokenFor('admin', ['admin']);
    const expired = await tokenFor('admin', ['admin'], { aud: 'x' });
    const hidden = [token, expired].map((jwt) => String(jwt.split('.')[2]));
    const client = await connectAs(server, 'admin', ['admin']);
    for (const jwt of [token, expired, `${token}x`]) {
      const socket = await RawSocket.open(server);
      await socket.ask(['authenticate', { token: jwt }]);
      await RawSocket.open(server, '/ws/world/demo', { headers: { authorization: `Bearer ${jwt}` } }).catch(
        () => undefined,
      );
      await RawSocket.open(server, `/nowhere?token=${jwt}`).catch(() => undefined);
      await fetch(`${server.url}/nowhere?token=${jwt}`, {
        headers: { authorization: `Bearer ${jwt}`, cookie: `s=${jwt}` },
      });
      await fetch(`${server.url}/health/live`, {
        method: 'POST',
        body: `{"token":"${jwt}"`,
        headers: { 'content-type': 'application/json' },
      });
    }
    await client.call('room.create', { name: 'Traced' });
    await server.stop();
    expect(said(server).length).toBeGreaterThan(500);
    for (const text of [secret, ...hidden]) expect(said(server)).not.toContain(text);
  });
});
