import { RawSocket } from './raw-socket.js';
import type { ServerProcess } from './support/server.js';

export const soon = (): number => Math.floor(Date.now() / 1000) + 600;

/** The answers at the upgrade and to a frame: the code and what happened to the connection. */
export async function outcomes(
  at: ServerProcess,
  token: string,
  world = 'demo',
): Promise<{ frame: unknown; upgrade: unknown }> {
  const path = `/ws/world/${world}`;
  const socket = await RawSocket.open(at, path);
  const [kind, second, third] = (await socket.ask(['authenticate', { token }])) as [string, unknown, { code?: string }];
  const frame = kind === 'error' ? [third.code, second, (await socket.closed).code] : kind;
  if (kind !== 'error') socket.ws.terminate();
  const upgrade = await RawSocket.open(at, path, { headers: { authorization: `Bearer ${token}` } }).then(
    async (open) => {
      const [name] = (await open.next()) as [string];
      open.ws.terminate();
      return name;
    },
    ({ status, body }: { status?: number; body?: { code: string } }) => [status, body?.code],
  );
  return { frame, upgrade };
}

export const refusedAs = (code: string) => ({ frame: [code, null, 4401], upgrade: [401, code] });
export const accepted = { frame: 'authenticated', upgrade: 'authenticated' };

/** What became of a call: its code, or `success`. */
export const codeOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'success',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
