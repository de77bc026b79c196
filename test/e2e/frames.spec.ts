import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bad, broken } from './bad-frames.js';
import { RawSocket } from './raw-socket.js';
import { headOf } from './stored-log.js';
import { temporaryServers, tokenFor, type ServerProcess } from './support/server.js';

type Code = {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly { readonly field: string }[];
};
type ErrorFrame = readonly ['error', unknown, Code];

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: RawSocket;
let room: string;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
  admin = await RawSocket.signedIn(server, await tokenFor('admin', ['admin']));
  room = await createRoom(admin, 'Hall');
});

afterAll(() => servers.remove());

async function createRoom(socket: RawSocket, name: string, more: object = {}): Promise<string> {
  socket.send(['room.create', `create ${name}`, { name, ...more }]);
  for (;;) {
    const frame = (await socket.next()) as [string, unknown, { room: string }];
    if (frame[0] === 'error') throw new Error(JSON.stringify(frame));
    if (frame[0] === 'success') return frame[2].room;
  }
}

/** The reply to a frame, past any events. */
async function reply(socket: RawSocket, frame: unknown): Promise<unknown> {
  socket.send(frame);
  for (;;) {
    const next = (await socket.next()) as unknown[];
    if (next[0] === 'success' || next[0] === 'error' || next[0] === 'pong') return next;
  }
}

const codeOf = async (socket: RawSocket, action: string, payload: unknown): Promise<string> => {
  const [outcome, , body] = (await reply(socket, [action, 1, payload])) as [string, unknown, Partial<Code>];
  return outcome === 'success' ? 'success' : String(body.code);
};

describe('a malformed frame', () => {
  it('of every kind gets its error, nothing of it is stored, and the connection and the server live on', async () => {
    const head = await headOf(servers.dataDir);
    for (const [text, id] of broken) {
      const frame = (await reply(admin, text)) as ErrorFrame;
      expect([text, frame.length, frame[0], frame[1], frame[2].code]).toEqual([
        text,
        3,
        'error',
        id,
        'protocol.invalid',
      ]);
      expect(Object.keys(frame[2]).toSorted()).toEqual(['code', 'message']);
    }
    admin.ws.send(Buffer.from('["ping",1]'));
    expect(await admin.next()).toMatchObject(['error', null, { code: 'protocol.invalid' }]);
    for (const [action, payload, code, fields] of bad) {
      const text = JSON.stringify([action, 'x-1', payload]).replaceAll('"R"', JSON.stringify(room));
      const frame = (await reply(admin, text)) as ErrorFrame;
      expect([text, frame[0], frame[1], frame[2].code]).toEqual([text, 'error', 'x-1', code]);
      const named = frame[2].details?.map(({ field }) => field) ?? [];
      expect([text, named]).toEqual([text, fields ?? []]);
      expect([text, named.filter((field) => !frame[2].message.includes(field))]).toEqual([text, []]);
    }
    expect(await headOf(servers.dataDir)).toBe(head);
    expect(await reply(admin, ['ping', 'alive'])).toEqual(['pong', 'alive']);
  });

  it('is never echoed and carries no stack', async () => {
    const marker = 'Zz9-marker';
    const frames = [
      `{"${marker}`,
      [`room.${marker}`, 1, {}],
      ['room.create', 1, { name: { [marker]: marker } }],
      ['room.create', 1, { name: marker.repeat(40) }],
      ['room.enter', 1, { room: marker }],
      ['room.grant', 1, { room, user: 'bob', role: marker }],
      ['room.schedule', 1, { room, schedule_data: { [marker]: marker } }],
      ['room.create', 1, { name: 'A', command_id: { [marker]: 1 } }],
    ];
    for (const frame of frames) {
      const text = JSON.stringify(await reply(admin, frame));
      expect(text).toContain('"error"');
      expect(text).not.toContain(marker);
      expect(text).not.toMatch(/\bat .*[:(]\d+|node_modules|\.js/);
    }
  });

  it('takes 64 KiB and closes with 1009 above', async () => {
    const socket = await RawSocket.signedIn(server, await tokenFor('big', ['admin']));
    const frameOf = (bytes: number): string => `["ping","${'x'.repeat(bytes - 11)}"]`;
    expect(frameOf(65_536)).toHaveLength(65_536);
    expect(await reply(socket, frameOf(65_536))).toEqual(['pong', 'x'.repeat(65_525)]);
    socket.send(frameOf(65_537));
    expect((await socket.closed).code).toBe(1009);
  });
});

describe('a call is judged', () => {
  it('by shape, then existence, then permission, then the rules', async () => {
    const guest = await RawSocket.signedIn(server, await tokenFor('guest'));
    const anyone = await RawSocket.open(server);
    // Signing in comes before everything, and an action must be one before its payload counts.
    expect(await codeOf(anyone, 'room.fly', {})).toBe('protocol.unauthenticated');
    expect(await codeOf(anyone, 'room.create', {})).toBe('protocol.unauthenticated');
    expect(await codeOf(guest, 'room.fly', {})).toBe('protocol.unknown_command');
    // Shape before existence, existence before permission.
    expect(await codeOf(guest, 'room.config.patch', { room: 'nowhere', name: 5 })).toBe('config.invalid');
    expect(await codeOf(guest, 'room.schedule', { room: 'nowhere' })).toBe('protocol.invalid');
    for (const action of ['room.config.get', 'room.config.patch', 'room.delete', 'room.enter']) {
      expect([action, await codeOf(guest, action, { room: 'nowhere' })]).toEqual([action, 'room.unknown']);
    }
    expect(await codeOf(guest, 'room.schedule', { room: 'nowhere', schedule_data: null })).toBe('room.unknown');
    expect(await codeOf(guest, 'room.grant', { room: 'nowhere', user: 'x', role: 'admin' })).toBe('room.unknown');
    expect(await codeOf(guest, 'room.revoke', { room: 'nowhere', user: 'x', role: 'admin' })).toBe('room.unknown');
    expect(await codeOf(guest, 'room.config.reorder', ['nowhere'])).toBe('room.unknown');
    // Shape before permission.
    expect(await codeOf(guest, 'room.create', { name: 5 })).toBe('protocol.invalid');
    expect(await codeOf(guest, 'world.grant', { user: 'guest', role: 5 })).toBe('protocol.invalid');
    expect(await codeOf(guest, 'room.config.reorder', ['a', 'a'])).toBe('protocol.invalid');
    // Permission: of the world, of the room.
    expect(await codeOf(guest, 'room.create', { name: 'New' })).toBe('auth.denied');
    expect(await codeOf(guest, 'room.config.list', {})).toBe('auth.denied');
    expect(await codeOf(guest, 'room.config.reorder', [room])).toBe('auth.denied');
    expect(await codeOf(guest, 'world.grant', { user: 'guest', role: 'admin' })).toBe('auth.denied');
    // Which roles there are is the world's business.
    expect(await codeOf(guest, 'world.grant', { user: 'guest', role: 'king' })).toBe('auth.denied');
    expect(await codeOf(guest, 'world.revoke', { user: 'guest', role: 'admin' })).toBe('auth.denied');
    for (const action of ['room.config.get', 'room.config.patch', 'room.delete']) {
      expect([action, await codeOf(guest, action, { room })]).toEqual([action, 'protocol.denied']);
    }
    expect(await codeOf(guest, 'room.grant', { room, user: 'guest', role: 'admin' })).toBe('protocol.denied');
    // Permission before the rules.
    expect(await codeOf(guest, 'room.create', { name: 'Hall' })).toBe('auth.denied');
    expect(await codeOf(guest, 'room.schedule', { room, schedule_data: { x: 1 } })).toBe('protocol.denied');
    expect(await codeOf(admin, 'room.create', { name: 'Hall' })).toBe('room.invalid.name_taken');
    expect(await codeOf(admin, 'room.schedule', { room, schedule_data: { x: 1 } })).toBe('room.unknown_schedule_data');
    // Leaving needs nothing.
    expect(await reply(guest, ['room.leave', 'a', { room: 'nowhere' }])).toEqual(['success', 'a', {}]);
  });
});

describe('replies', () => {
  it('come in the order of the frames, with the ids as they were, however many are under way', async () => {
    const socket = await RawSocket.signedIn(server, await tokenFor('pipeliner', ['admin']));
    const ids = [0, -0.5, 1e15, 'a', 'ünï-🎉', '0', 'x'.repeat(200)];
    const frames = Array.from({ length: 420 }, (_one, n) => {
      const id = n % 2 === 0 ? n : `n-${n}`;
      const patch = ['room.config.patch', id, { room, description: `${n}` }];
      const others = [['room.config.get', id, { room }], ['ping', id], ['room.enter', id, { room: 'nowhere' }], '{'];
      return [patch, ...others][n % 5];
    });
    for (const frame of frames) socket.send(frame);
    for (const id of ids) socket.send(['room.leave', id, { room }]);
    const answers: [string, unknown, unknown][] = [];
    while (answers.length < frames.length + ids.length) {
      const frame = (await socket.next()) as [string, unknown, unknown];
      if (['success', 'error', 'pong'].includes(frame[0])) answers.push(frame);
    }
    const sent = frames.map((frame) => (Array.isArray(frame) ? frame[1] : null));
    expect(answers.slice(0, frames.length).map(([, id]) => id)).toEqual(sent);
    expect(answers.slice(frames.length)).toEqual(ids.map((id) => ['success', id, {}]));
    // Each read sees the write before it, on the same connection.
    const seen = answers.slice(0, frames.length).filter((_one, n) => n % 5 === 1);
    expect(seen.map(([, , body]) => (body as { description: string }).description)).toEqual(
      seen.map((_one, n) => `${n * 5}`),
    );
  });
});
