import { afterEach, describe, expect, it } from '@jest/globals';
import { errorOf, Harness, until } from './harness.js';
import type { Client } from './harness.js';

let harness: Harness;
afterEach(() => harness.stop());

describe('signing in', () => {
  it('lets an unauthenticated socket ping and authenticate only', async () => {
    harness = await Harness.start();
    const client = await harness.client();
    client.send(
      ['ping', { at: 1 }],
      ['ping'],
      ['echo', 7, {}],
      ['authenticate', { token: 'alice' }],
      ['echo', 8, { a: 1 }],
    );
    expect(await client.take(5)).toEqual([
      ['pong', { at: 1 }],
      ['pong'],
      ['error', 7, { code: 'protocol.unauthenticated', message: 'Authenticate first.' }],
      ['authenticated', { user: 'alice' }],
      ['success', 8, { a: 1 }],
    ]);
  });

  it('closes with 4401 after a bad token, but not after a malformed sign-in or a store that is down', async () => {
    harness = await Harness.start();
    const client = await harness.client();
    client.send(
      ['authenticate', { token: 5 }],
      ['authenticate', { token: 'down' }],
      ['authenticate', { token: 'bad' }],
    );
    const frames = await client.take(3);
    expect(frames.map((frame) => errorOf(frame).code)).toEqual([
      'protocol.invalid',
      'server.unavailable',
      'auth.invalid_token',
    ]);
    expect(await client.closed).toEqual({ code: 4401, reason: 'auth.invalid_token' });
  });

  it('closes with 4401 who does not sign in, in time', async () => {
    harness = await Harness.start({ signInMs: 60 });
    const client = await harness.client();
    const signedIn = await harness.client('alice');
    expect(await client.closed).toEqual({ code: 4401, reason: 'protocol.unauthenticated' });
    signedIn.send(['ping', 1]);
    expect(await signedIn.next()).toEqual(['pong', 1]);
  });

  it('closes with 4401 when the token expires', async () => {
    harness = await Harness.start();
    const expiry = Date.now() + 150;
    const client = await harness.client(`alice@${expiry}`);
    const farAway = await harness.client(`bob@${Date.now() + 2 ** 40}`);
    expect(await client.closed).toEqual({ code: 4401, reason: 'auth.expired_token' });
    expect(Date.now() - expiry).toBeGreaterThanOrEqual(0);
    expect(Date.now() - expiry).toBeLessThan(2_000);
    farAway.send(['ping', 1]);
    expect(await farAway.next()).toEqual(['pong', 1]);
  });

  it('carries out nothing after the expiry, even between two sweeps', async () => {
    harness = await Harness.start({ sweepMs: 60_000 });
    const expiry = Date.now() + 100;
    const client = await harness.client(`alice@${expiry}`);
    await until(() => Date.now() >= expiry);
    client.send(['echo', 1, {}]);
    expect((await client.closed).code).toBe(4401);
    expect(harness.handler.calls).toEqual([]);
  });

  it('renews the token of the same user and refuses another', async () => {
    harness = await Harness.start();
    const expiry = Date.now() + 200;
    const client = await harness.client(`alice@${expiry}`);
    client.send(['authenticate', { token: 'bob' }], ['authenticate', { token: `alice@${expiry + 600_000}` }]);
    expect(errorOf(await client.next()).code).toBe('protocol.invalid');
    expect(await client.next()).toEqual(['authenticated', { user: 'alice' }]);
    await until(() => Date.now() > expiry + 50);
    client.send(['echo', 1, {}]);
    expect(await client.next()).toEqual(['success', 1, {}]);
  });

  it('holds to the world of the path', async () => {
    harness = await Harness.start();
    const { handler } = harness;
    handler.signIn = async () => ({ userId: 'alice', world: 'other', traits: [], profile: {} });
    const client = await harness.client();
    client.send(['authenticate', {}]);
    expect(errorOf(await client.next()).code).toBe('auth.wrong_world');
    expect((await client.closed).code).toBe(4401);
  });

  it('leaves nothing behind of a sign-in whose welcome fails', async () => {
    harness = await Harness.start({ rate: { framesPerSecond: 100, burst: 500, socketsPerUser: 1 } });
    const { handler } = harness;
    const welcome = handler.welcome.bind(handler);
    handler.welcome = async () => {
      throw Object.assign(new Error('no store'), { name: 'StoreUnavailable' });
    };
    const client = await harness.client();
    client.send(['authenticate', { token: 'alice' }], ['echo', 1, {}]);
    const frames = await client.take(2);
    expect(frames.map((frame) => errorOf(frame).code)).toEqual(['server.unavailable', 'protocol.unauthenticated']);
    handler.welcome = welcome;
    client.send(['authenticate', { token: 'alice' }]);
    expect(await client.next()).toEqual(['authenticated', { user: 'alice' }]);
  });

  it('answers the 51st socket of a user with rate_limited and closes it, until one is closed', async () => {
    harness = await Harness.start();
    const clients: Client[] = [];
    for (let n = 0; n < 50; n++) clients.push(await harness.client('alice'));
    const byFrame = await harness.client();
    byFrame.send(['authenticate', { token: 'alice' }]);
    expect(errorOf(await byFrame.next()).code).toBe('rate_limited');
    expect((await byFrame.closed).code).toBe(1013);
    const byHeader = await harness.client('alice').then((client) => client.closed);
    expect(byHeader.code).toBe(1013);
    await harness.client('alice', {}, '/ws/world/other'); // another world, another person
    clients[0]?.ws.close();
    await clients[0]?.closed;
    await until(() => harness.handler.gone.length === 1);
    const next = await harness.client('alice');
    next.send(['ping', 1]);
    expect(await next.next()).toEqual(['pong', 1]);
  });
});
