import { once } from 'node:events';
import { expect } from '@jest/globals';
import { WebSocket } from 'ws';
import type { Harness } from './harness.js';
import { SocketIoClient } from './socket-io-client.js';

export type Options = Parameters<typeof SocketIoClient.of>[2];

export const none = { status: false, code: 0, message: '' };
export const failure = (code: number): object => ({ error: { status: true, code, message: expect.any(String) } });
export const event = (id: unknown): object => ({ event: { id } });

const clients: SocketIoClient[] = [];

/** Signed in; `user_info` was read. */
export async function connectTo({ host }: Harness, token: unknown, options?: Options): Promise<SocketIoClient> {
  const client = SocketIoClient.of(`http://${host}`, token, options);
  clients.push(client);
  await client.connect();
  await client.next('user_info');
  return client;
}

export function endClients(): void {
  for (const client of clients.splice(0)) client.end();
}

/** A WebSocket to Socket.IO that has said nothing yet. */
export async function openRaw({ host }: Harness): Promise<WebSocket> {
  const ws = new WebSocket(`ws://${host}/socket.io/?EIO=4&transport=websocket`);
  await once(ws, 'open');
  return ws;
}

/** Without Socket.IO's client: what no honest one does. Its handshake is done and it has read `user_info`. */
export async function connectRaw(harness: Harness, token: string) {
  const ws = await openRaw(harness);
  const texts: string[] = [];
  let wake = (): void => undefined;
  ws.on('message', (data) => {
    texts.push(String(data));
    wake();
  });
  const next = async (): Promise<string> => {
    while (texts.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return texts.shift() ?? '';
  };
  ws.send(`40${JSON.stringify({ token })}`);
  for (let text = ''; !text.startsWith('42["user_info"'); text = await next());
  return { ws, next };
}
