import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Harness, until } from './harness.js';
import type { SocketIoClient } from './socket-io-client.js';
import { connectRaw, connectTo, endClients, event, failure, none, openRaw, type Options } from './socket-io-parts.js';

let harness: Harness;
afterEach(async () => {
  endClients();
  await harness.stop();
});

const connect = (token: unknown, options?: Options): Promise<SocketIoClient> => connectTo(harness, token, options);

describe('signing in', () => {
  it('is refused at connect with its code, and the connection ends', async () => {
    harness = await Harness.start();
    for (const [token, code] of [
      [undefined, 'auth.missing_token'],
      ['', 'auth.missing_token'],
      [5, 'auth.invalid_token'],
      ['bad', 'auth.invalid_token'],
      ['down', 'server.unavailable'],
    ]) {
      for (const transports of [['polling'], ['websocket']]) {
        await expect(connect(token, { transports })).rejects.toMatchObject({ code });
      }
    }
    expect(harness.handler.gone).toEqual([]);
    expect(harness.sockets.connections.size).toBe(0);
  });

  it('counts with the WebSockets of the user: the 51st is refused', async () => {
    harness = await Harness.start();
    const first = await connect('alice');
    for (let n = 0; n < 25; n++) {
      await harness.client('alice');
      if (n === 24) break;
      await connect('alice', { transports: ['websocket'] });
    }
    await expect(connect('alice')).rejects.toMatchObject({ code: 'rate_limited' });
    first.end();
    await until(() => harness.handler.gone.length === 1);
    await connect('alice');
    await expect(connect('alice')).rejects.toMatchObject({ code: 'rate_limited' });
    expect((await (await harness.client('alice')).closed).code).toBe(1013);
  });

  it('leaves nothing of one who vanishes while the token is looked at', async () => {
    harness = await Harness.start({ rate: { framesPerSecond: 100, burst: 500, socketsPerUser: 1 } });
    const signIn = harness.handler.signInByToken.bind(harness.handler);
    const gate: (() => void)[] = [];
    harness.handler.signInByToken = async (token) => {
      await new Promise<void>((resolve) => gate.push(resolve));
      return signIn(token);
    };
    const closed = new Promise((resolve) => {
      harness.http.once('connection', (socket: Socket) => socket.once('close', resolve));
    });
    const ws = await openRaw(harness);
    ws.send('40{"token":"alice"}');
    await until(() => gate.length === 1);
    ws.terminate();
    await closed;
    gate.shift()?.();
    harness.handler.signInByToken = signIn;
    await connect('alice');
    expect(harness.logged).toEqual([]);
  });

  it('gives back the place of one who vanishes before it was let in', async () => {
    harness = await Harness.start({ rate: { framesPerSecond: 100, burst: 500, socketsPerUser: 1 }, closeMs: 10 });
    const { sockets } = harness;
    const admit = sockets.admit.bind(sockets);
    sockets.admit = (connection, session) => {
      // Before Socket.IO goes on, which it does in the next turn.
      process.nextTick(() => connection.close(1012, 'restart'));
      return admit(connection, session);
    };
    const vanishing = await openRaw(harness);
    vanishing.send('40{"token":"alice"}');
    await once(vanishing, 'close');
    expect(sockets.connections.size).toBe(0);
    sockets.admit = admit;
    await connect('alice');
  });

  it('can be renewed, for the same user only; a bad token ends it', async () => {
    harness = await Harness.start();
    const expiry = Date.now() + 400;
    const client = await connect(`alice@${expiry}`);
    expect(await client.ask('authenticate', { data: { token: 'bob' } })).toEqual(failure(400));
    const welcome = { data: { user: 'alice' }, error: none };
    expect(await client.ask('authenticate', { data: { token: 'alice' } })).toEqual(welcome);
    expect(await client.next('user_info')).toEqual([welcome]);
    client.socket.emit('authenticate', { data: { token: 'alice' } });
    expect(await client.next('user_info')).toEqual([welcome]);
    await until(() => Date.now() > expiry + 50);
    expect(await client.ask('echo', { data: { a: 1 }, ...event(1) })).toEqual({ data: { a: 1 }, error: none });
    client.socket.emit('authenticate', { data: { token: 'bad' } });
    expect(await client.next('invalidConnection')).toEqual([failure(401)]);
    expect(await client.next('error')).toEqual([{ code: 'auth.invalid_token', message: expect.any(String) }]);
    expect(await client.disconnected).toBe('io server disconnect');
  });

  it('is done once for a connection, which cannot be kept by one who leaves', async () => {
    harness = await Harness.start();
    const { ws } = await connectRaw(harness, 'alice');
    ws.send('41');
    await once(ws, 'close');
    const twice = await connectRaw(harness, 'bob');
    twice.ws.send('40{"token":"bob"}');
    await once(twice.ws, 'close');
    await until(() => harness.sockets.connections.size === 0);
    const both = await openRaw(harness);
    both.send('40{"token":"eve"}');
    both.send('40{"token":"eve"}');
    await once(both, 'close');
    await until(() => harness.sockets.connections.size === 0);
    expect(harness.logged).toEqual([]);
  });

  it.each(['40[]', '40null', '405', '40{', '40{"token":"alice","__proto__":1}', '4', '', '49', '42["echo",{}]'])(
    'survives a beginning that is none: %s',
    async (text) => {
      harness = await Harness.start();
      const ws = await openRaw(harness);
      ws.send(text);
      await once(ws, 'close');
      expect(harness.sockets.connections.size).toBe(0);
      await connect('alice');
      expect(harness.logged).toEqual([]);
    },
  );

  it('has to come in time', async () => {
    harness = await Harness.start({ signInMs: 100 });
    const ws = await openRaw(harness);
    const opened = Date.now();
    await once(ws, 'close');
    expect(Date.now() - opened).toBeLessThan(2_000);
  });
});
