import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RawSocket } from './raw-socket.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess, type SocketClient } from './support/server.js';

/** Where the original documents lie beside the repository; absent in a plain clone. */
const seed = '../shared/seeds/000_11a9e291f3cc9826.txt';

/** Every frame of the seed as it is printed there, in its order. `…` stands for anything. */
const printed = [
  '=> ["room.enter", 123, {"room": "room_1"}]',
  '<- ["success", 123, {"viewers": [{"id": "…", "profile": {…}, …}]}]',
  '<= ["room.viewer.added", {"user": {"id": "…", "profile": {…}, …}}]',
  '<= ["room.viewer.removed", {"user_id": "…"}]',
  '=> ["room.react", 123, {"room": "room_1", "reaction": "👏"}]',
  '<- ["success", 123, {}]',
  '<= ["room.reaction", {"room": "room_1", "reactions": {"👏": 42, "👍": 12}}]',
  '=> ["room.delete", 123, {"room": "room_1"}]',
  '<- ["success", 123, {}]',
  '=> ["room.config.get", 123, {"room": "room_1"}]',
  '<- ["success", 123, {…}]',
  '=> ["room.config.patch", 123, {"room": "room_1", "name": "Bla"}]',
  '<- ["success", 123, {…}]',
  '=> ["room.config.list", 123, {}]',
  '<- ["success", 123, [{…}, …]]',
  '=> ["room.config.reorder", 123, [$id, $id2, $id3…]]',
  '<- ["success", 123, [{…}, …]]',
  '=> ["room.schedule", 123, {"room": "room_1", "schedule_data": {"session": 1}}]',
  '<- ["success", 123, {}]',
  // A broadcast, whatever its arrow says.
  '=> ["room.schedule", {"room": "room_1", "schedule_data": {"session": 1}}]',
  '=> ["room.invite.anonymous.link", 123, {"room": "room_1"}]',
  '<- ["success", 123, {"url": "https://vnls.io/kLeNv6"}]',
] as const;

type Printed = (typeof printed)[number];

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: SocketClient;
/** Reads and writes the frames themselves. */
let alice: RawSocket;
let room: string;
let others: string[];

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off', PUBLIC_URL: 'https://vnls.io' } });
  admin = await connectAs(server, 'admin', ['admin']);
  const ids: string[] = [];
  for (const name of ['Hall', 'Foyer', 'Attic'])
    ids.push((await admin.call<{ room: string }>('room.create', { name })).room);
  [room = '', ...others] = ids;
  alice = await RawSocket.signedIn(server, await tokenFor('alice', ['admin'], { profile: { display_name: 'Alice' } }));
});
afterAll(() => servers.remove());

/** A printed frame with the room's real id; the arrow is left out. */
const frame = (text: Printed): string => text.slice(3).replaceAll('room_1', room);
const frameOf = (text: Printed): unknown => JSON.parse(frame(text));

/** Sends what is printed and reads on until its answer; what was heard before it comes along. */
async function ask(text: Printed | string): Promise<{ answer: unknown; heard: unknown[] }> {
  alice.send(text.startsWith('=> ') ? frame(text as Printed) : text);
  const heard: unknown[] = [];
  for (;;) {
    const next = await alice.next();
    if (Array.isArray(next) && (next[0] === 'success' || next[0] === 'error')) return { answer: next, heard };
    heard.push(next);
  }
}

/** The next event of this name. */
async function hear(name: string): Promise<unknown> {
  for (;;) {
    const next = await alice.next();
    if (Array.isArray(next) && next[0] === name) return next;
  }
}

const user = (id: string, profile: object = {}): object => ({ id, profile });
const config = (id: string, more: object = {}): object =>
  expect.objectContaining({ id, name: expect.any(String), ...more });

function hasAllFrames(): void {
  const frames = readFileSync(seed, 'utf8').match(/^(?:=>|<-|<=) \[.*\]/gm);
  expect(frames).toEqual(printed);
}

describe('every frame of the original document works as printed', () => {
  (existsSync(seed) ? it : it.skip)('and the table above has all of them', hasAllFrames);

  it('viewers', async () => {
    const bob = await connectAs(server, 'bob', []);
    const { answer } = await ask(printed[0]);
    expect(answer).toEqual(['success', 123, { viewers: [user('alice', { display_name: 'Alice' })] }]);
    await bob.call('room.enter', { room });
    expect(await hear('room.viewer.added')).toEqual(['room.viewer.added', { user: user('bob') }]);
    await bob.call('room.leave', { room });
    expect(await hear('room.viewer.removed')).toEqual(['room.viewer.removed', { user_id: 'bob' }]);
    await bob.close();
  });

  it('reactions', async () => {
    const people = await Promise.all(Array.from({ length: 41 }, (_, n) => connectAs(server, `person-${n}`)));
    const expected = frameOf(printed[6]) as [string, { reactions: Record<string, number> }];
    await Promise.all([
      ask(printed[4]).then(({ answer }) => expect(answer).toEqual(frameOf(printed[5]))),
      ...people.map((client) => client.call('room.react', { room, reaction: '👏' })),
      ...people.slice(0, 12).map((client) => client.call('room.react', { room, reaction: '👍' })),
    ]);
    const totals: Record<string, number> = {};
    // On a busy machine they may fall into two ticks.
    for (let counted = 0; counted < 54;) {
      const [name, body] = (await hear('room.reaction')) as [
        string,
        { room: string; reactions: Record<string, number> },
      ];
      expect([name, Object.keys(body), body.room]).toEqual(['room.reaction', ['room', 'reactions'], room]);
      for (const [emoji, count] of Object.entries(body.reactions)) {
        totals[emoji] = (totals[emoji] ?? 0) + count;
        counted += count;
      }
    }
    expect(totals).toEqual(expected[1].reactions);
    await Promise.all(people.map((client) => client.close()));
  });

  it('room management', async () => {
    expect((await ask(printed[9])).answer).toEqual(['success', 123, config(room, { name: 'Hall' })]);
    expect((await ask(printed[11])).answer).toEqual(['success', 123, config(room, { name: 'Bla' })]);
    const [foyer = '', attic = ''] = others;
    expect((await ask(printed[13])).answer).toEqual(['success', 123, [config(room), config(foyer), config(attic)]]);
    const reordered = [attic, room, foyer];
    expect((await ask(JSON.stringify(['room.config.reorder', 123, reordered]))).answer).toEqual([
      'success',
      123,
      reordered.map((id, n) => config(id, { sorting_priority: n + 1 })),
    ]);
  });

  it('schedule changes', async () => {
    const { answer, heard } = await ask(printed[17]);
    expect(answer).toEqual(frameOf(printed[18]));
    const told = heard.some((one) => Array.isArray(one) && one[0] === 'room.schedule')
      ? heard
      : [await hear('room.schedule')];
    expect(told).toContainEqual(frameOf(printed[19]));
  });

  it('anonymous invites', async () => {
    const { answer } = await ask(printed[20]);
    expect(answer).toEqual(['success', 123, { url: expect.stringMatching(/^https:\/\/vnls\.io\/[A-Za-z0-9]{6}$/) }]);
  });

  it('and a room can be deleted', async () => {
    expect((await ask(printed[7])).answer).toEqual(frameOf(printed[8]));
    expect((await ask(printed[9])).answer).toMatchObject(['error', 123, { code: 'room.unknown' }]);
  });
});
