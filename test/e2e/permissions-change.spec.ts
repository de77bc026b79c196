import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { codeOf } from './outcomes.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

describe('a change of rights', () => {
  it('acts on open sockets at once, whichever it is: on what they may do and on what they hear', async () => {
    const as = (user: string, ...traits: string[]) => connectAs(server, user, traits);
    const admin = await as('admin', 'admin');
    await admin.call('world.config.patch', {
      trait_grants: { admin: ['admin'], attendee: [] },
      roles: { steward: ['world:view'] },
    });
    const { room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' });
    // A guest in two of the traits, and one more who is in one of them only.
    const [both, one] = [await as('both', 'staff', 'paid'), await as('one', 'staff')];
    const [config, patch] = ['world.config.patch', 'room.config.patch'];
    const changes: [name: string, give: [string, object], take: [string, object], also: boolean][] = [
      [
        'world.grant',
        ['world.grant', { user: 'both', role: 'viewer' }],
        ['world.revoke', { user: 'both', role: 'viewer' }],
        false,
      ],
      [
        'room.grant',
        ['room.grant', { room, user: 'both', role: 'viewer' }],
        ['room.revoke', { room, user: 'both', role: 'viewer' }],
        false,
      ],
      [
        'the room’s traits, AND',
        [patch, { room, trait_grants: { viewer: ['staff', 'paid'] } }],
        [patch, { room, trait_grants: {} }],
        false,
      ],
      [
        'the room’s traits, OR',
        [patch, { room, trait_grants: { viewer: [['staff', 'x']] } }],
        [patch, { room, trait_grants: { viewer: ['x'] } }],
        true,
      ],
      [
        'the world’s traits, AND',
        [config, { trait_grants: { admin: ['admin'], attendee: [], viewer: ['paid', 'staff'] } }],
        [config, { trait_grants: { admin: ['admin'], attendee: [] } }],
        false,
      ],
      [
        'the world’s traits, OR',
        [config, { trait_grants: { admin: ['admin'], attendee: [], viewer: [['x', 'staff']] } }],
        [config, { trait_grants: { admin: ['admin'], attendee: [], viewer: [['x', 'y']] } }],
        true,
      ],
      [
        'a role',
        [config, { trait_grants: { admin: ['admin'], steward: [] }, roles: { steward: ['world:view', 'room:view'] } }],
        [config, { roles: { steward: ['world:view'] } }],
        true,
      ],
    ];
    let session = 0;
    for (const [name, give, take, also] of changes) {
      const enter = (client: SocketClient) => codeOf(client.call('room.enter', { room }));
      expect([name, await enter(both), await enter(one)]).toEqual([name, 'protocol.denied', 'protocol.denied']);
      await admin.call(...give);
      expect([name, await enter(both), await enter(one)]).toEqual([
        name,
        'success',
        also ? 'success' : 'protocol.denied',
      ]);
      const said = { room, schedule_data: { session: ++session } };
      const heard = both.waitFor((event) => event.name === 'room.schedule');
      await admin.call('room.schedule', said);
      expect((await heard).body).toEqual(said);
      await admin.call(...take);
      await admin.call('room.schedule', { room, schedule_data: { session: -session } });
      expect([name, await enter(both), await enter(one)]).toEqual([name, 'protocol.denied', 'protocol.denied']);
    }
    // Everything was told in the order of the log, so what was not heard by now does not come.
    await admin.call('world.config.patch', { title: 'The end' });
    const late: unknown[] = [];
    for await (const { name, body } of both.events()) {
      if (name === 'room.schedule') late.push(body);
      if (name === 'world.updated' && JSON.stringify(body).includes('The end')) break;
    }
    expect(late).toEqual([]);
  });
});
