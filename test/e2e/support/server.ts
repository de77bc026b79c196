import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { JWTPayload } from 'jose';
import { ServerProcess, type ServerOptions } from '../../../src/cli/server-process.js';
import { SocketClient, type ConnectOptions } from '../../../src/cli/socket-client.js';
import { Tokens } from '../../../src/identity/tokens.js';

export { ServerProcess } from '../../../src/cli/server-process.js';
export {
  CallRefused,
  ConnectionLost,
  NoAnswer,
  SocketClient,
  type SocketEvent,
} from '../../../src/cli/socket-client.js';

/** The secret of every server `startServer` starts and every token `tokenFor` signs. */
export const secret = randomBytes(32).toString('base64url');

export const tokens = new Tokens({
  secret: new TextEncoder().encode(secret),
  jwksUrl: undefined,
  issuer: undefined,
  audience: 'convoke',
});

/** Starts the built server (`npm run build` first) on a free port; stop it yourself. */
export function startServer(options: ServerOptions): Promise<ServerProcess> {
  const env = { AUTH_SECRET: secret, ...options.env };
  return ServerProcess.start({ main: resolve('dist/src/main.js'), ...options, env });
}

/** `traits` decide the rights: `admin`, `moderator`, none. */
export function tokenFor(user: string, traits: readonly string[] = [], claims: JWTPayload = {}): Promise<string> {
  return tokens.sign({ world: 'demo', ...claims, sub: user, traits: [...traits] }, '1h');
}

/** A signed-in client. */
export async function connectAs(
  server: Pick<ServerProcess, 'url'>,
  user: string,
  traits: readonly string[] = [],
  options: Partial<ConnectOptions> = {},
): Promise<SocketClient> {
  const world = options.world ?? 'demo';
  return SocketClient.connect({ url: server.url, world, token: await tokenFor(user, traits, { world }), ...options });
}

/** A data folder and what runs on it; `remove` ends the servers and deletes the folder. */
export async function temporaryServers() {
  const dataDir = await mkdtemp(join(tmpdir(), 'convoke-e2e-'));
  const started: ServerProcess[] = [];
  return {
    dataDir,
    start: async (options: Partial<ServerOptions> = {}): Promise<ServerProcess> => {
      const server = await startServer({ dataDir, ...options });
      started.push(server);
      return server;
    },
    remove: async (): Promise<void> => {
      await Promise.all(started.map((server) => server.kill9()));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
