import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { Tokens } from '../src/identity/tokens.js';
import { Child } from './child.js';

const secret = randomBytes(32).toString('base64url');
const tokens = new Tokens({
  secret: new TextEncoder().encode(secret),
  jwksUrl: undefined,
  issuer: undefined,
  audience: 'convoke',
});

/** Only what the environment of a benchmark should not decide. */
const settings = { HOST: '', MONGODB_URL: '', READ_STORE_PORT: '', AUTH_JWKS_URL: '', AUTH_ISSUER: '', PUBLIC_URL: '' };

/** `BENCH_PROFILE=<folder>`: a CPU profile of each server that is ended by SIGTERM. */
const { BENCH_PROFILE } = process.env;
const profile = BENCH_PROFILE ? ['--cpu-prof', '--cpu-prof-dir', BENCH_PROFILE] : [];

/** The built server, as `npm start` runs it, without rate limit. */
export class Server {
  private constructor(
    readonly child: Child,
    readonly url: string,
  ) {}

  /** Resolves when it listens. */
  static async start(dataDir: string, nodeArgs: readonly string[] = []): Promise<Server> {
    const env = {
      ...settings,
      DATA_DIR: dataDir,
      PORT: '0',
      AUTH_SECRET: secret,
      RATE_LIMIT: 'off',
      LOG_LEVEL: 'info',
    };
    const child = Child.start('../dist/src/main.js', { env, nodeArgs: [...nodeArgs, ...profile] });
    return new Server(child, await listening(child));
  }

  /** Resolves when `/health/ready` answers 200. It is asked more seldom later: each answer costs the server time. */
  async ready(withinMs = 120_000): Promise<void> {
    const begin = performance.now();
    for (;;) {
      const response = await fetch(`${this.url}/health/ready`);
      await response.arrayBuffer();
      if (response.ok) return;
      const waited = performance.now() - begin;
      if (waited > withinMs) throw new Error(`the server was not ready within ${withinMs} ms`);
      await delay(Math.max(10, waited / 50));
    }
  }

  static token(user: string, traits: readonly string[] = ['admin']): Promise<string> {
    return tokens.sign({ sub: user, world: 'demo', traits: [...traits] }, '1h');
  }

  /** A socket that was welcomed, signed in by its header as a person of its own. */
  async connect(user: string, traits?: readonly string[]): Promise<WebSocket> {
    const token = await Server.token(user, traits);
    const ws = new WebSocket(`${this.url.replace('http', 'ws')}/ws/world/demo`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    const [welcome] = await answers(ws, 1);
    if (!welcome?.startsWith('["authenticated"')) throw new Error(`not signed in: ${welcome}`);
    return ws;
  }
}

function listening(child: Child): Promise<string> {
  const { stdout } = child.process;
  return new Promise((resolve, reject) => {
    child.exited.then(() => reject(new Error('the server ended instead of listening')), reject);
    if (!stdout) throw new Error('the server has no output');
    createInterface(stdout).on('line', (line) => {
      if (line.includes('Convoke is listening')) resolve((JSON.parse(line) as { url: string }).url);
    });
  });
}

/** The next messages of a socket. */
export function answers(ws: WebSocket, count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const got: string[] = [];
    const take = (data: unknown): void => {
      if (got.push(String(data)) < count) return;
      ws.off('message', take).off('error', reject).off('close', reject);
      resolve(got);
    };
    ws.on('message', take).on('error', reject).on('close', reject);
  });
}
