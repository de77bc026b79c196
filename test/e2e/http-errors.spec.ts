import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { temporaryServers, type ServerProcess } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start();
});

afterAll(() => servers.remove());

/** What the server says to these bytes; then it hangs up. */
async function answerTo(lines: string, body = ''): Promise<{ readonly status: number; readonly text: string }> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (data) => (text += String(data)));
  socket.on('error', () => undefined);
  socket.write(`${lines}\r\nConnection: close\r\n\r\n${body}`);
  await once(socket, 'close');
  return { status: Number(text.split(' ', 2)[1]), text };
}

const host = 'HTTP/1.1\r\nHost: x';
const json = 'Content-Type: application/json\r\nContent-Length';

describe('an HTTP error never repeats what was sent', () => {
  it.each([
    ['a path that cannot be decoded', `GET /users/%ff/calendar.ics?secret=demo.S3cret ${host}`, ''],
    ['a part of a path that is too long', `GET /audit/streams/S3cret${'a'.repeat(2_000)} ${host}`, ''],
    ['a body that is no JSON', `POST /S3cret ${host}\r\n${json}: 6`, 'S3cret'],
    ['a body that is too long', `POST /S3cret ${host}\r\n${json}: 2000000`, ''],
    ['a type of content that is none', `POST /S3cret ${host}\r\nContent-Type: S3cret;;=\r\nContent-Length: 1`, 'x'],
  ])('%s', async (_what, lines, body) => {
    const { status, text } = await answerTo(lines, body);
    expect(status).toBe(400);
    expect(text).toMatch(/^content-type: application\/problem\+json/im);
    expect(text).toMatch(/"status":400,"code":"protocol.invalid","detail":"/);
    expect(text).not.toContain('S3cret');
    expect(text).not.toContain('FST_');
  });

  it.each(['GET /S3cret/x/y', 'DELETE /slots', 'PROPFIND /S3cret'])('no route: %s', async (what) => {
    const { status, text } = await answerTo(`${what} ${host}`);
    expect(status).toBe(404);
    expect(text).toMatch(/"status":404,"code":"path.unknown","detail":"/);
    expect(text).not.toMatch(/S3cret|slots/);
  });

  it.each([
    ['a URL that is too long', `GET /${'S3cret'.repeat(4_000)} ${host}`, 431],
    ['a header that is too long', `GET / ${host}\r\nX-S3cret: ${'S3cret'.repeat(4_000)}`, 431],
    ['a length that is none', `POST / ${host}\r\nContent-Length: S3cret`, 400],
    ['a method that is none', `S3CRET / ${host}`, 400],
    ['an expectation', `GET /slots ${host}\r\nExpect: S3cret`, 417],
  ])('%s', async (_what, lines, expected) => {
    const { status, text } = await answerTo(lines);
    expect(status).toBe(expected);
    expect(text).not.toMatch(/S3cret/i);
  });
});
