import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CallRefused, ConnectionLost, NoAnswer, SocketClient, type SocketEvent } from '../../src/cli/socket-client.js';
import { Harness } from '../gateway/harness.js';

describe('the socket client', () => {
  let harness: Harness;
  let client: SocketClient;

  const connect = (token: string, timeoutMs?: number): Promise<SocketClient> =>
    SocketClient.connect({ url: `http://${harness.host}`, world: 'demo', token, ...(timeoutMs && { timeoutMs }) });

  beforeEach(async () => {
    harness = await Harness.start();
    client = await connect('ann');
  });

  afterEach(() => harness.stop());

  it('is signed in when it is connected', async () => {
    expect(await client.welcome).toEqual({ user: 'ann' });
  });

  it('gives each call its own reply or refusal', async () => {
    const replies = await Promise.allSettled([
      client.call('echo', { a: 1 }),
      client.call('refuse'),
      client.call('echo', { b: 2 }),
    ]);
    expect(replies).toEqual([
      { status: 'fulfilled', value: { a: 1 } },
      { status: 'rejected', reason: new CallRefused('config.invalid', 'No.') },
      { status: 'fulfilled', value: { b: 2 } },
    ]);
    await expect(client.call('refuse')).rejects.toMatchObject({ code: 'config.invalid', details: [{ field: 'name' }] });
  });

  it('finds an event among those that came before and those to come, and leaves the others', async () => {
    await client.call('join', { topic: 't' });
    await client.call('say', { topic: 't', count: 3 });
    const saying =
      (n: number) =>
      ({ body }: SocketEvent) =>
        (body as { n: number }).n === n;
    expect((await client.waitFor(saying(1))).body).toMatchObject({ by: 'ann', n: 1 });
    const coming = client.waitFor(saying(3));
    await client.call('say', { topic: 't', count: 4 });
    expect((await coming).body).toMatchObject({ n: 3 });
    const rest: unknown[] = [];
    for await (const { name, body } of client.events()) {
      rest.push([name, (body as { n: number }).n]);
      if (rest.length === 5) break;
    }
    expect(rest).toEqual([0, 2, 0, 1, 2].map((n) => ['said', n]));
  });

  it('says when an answer or an event does not come', async () => {
    await expect(client.waitFor(() => false, 10)).rejects.toThrow(new NoAnswer('the event did not come within 10 ms'));
    await expect(client.call('wait', {}, 10)).rejects.toThrow(new NoAnswer('wait was not answered within 10 ms'));
    harness.handler.gate.shift()?.();
    expect(await client.call('echo', { late: 'answers are dropped' })).toEqual({ late: 'answers are dropped' });
  });

  it('ends everything that waits when the connection is lost', async () => {
    const waiting = [client.call('wait'), client.waitFor(() => false), client.events().next()];
    harness.connectionOf('ann').close(4401, 'expired');
    const [call, event, next] = await Promise.allSettled(waiting);
    expect([call, event]).toEqual(
      [0, 1].map(() => ({ status: 'rejected', reason: new ConnectionLost('the server closed the connection (4401)') })),
    );
    expect(next).toEqual({ status: 'fulfilled', value: { done: true, value: undefined } });
    expect(await client.closed).toEqual({ code: 4401, reason: 'expired' });
    await expect(client.call('echo')).rejects.toMatchObject({ name: 'ConnectionLost', closeCode: 4401 });
    expect(client.open).toBe(false);
  });

  it('tells a refused token from a server that is not there', async () => {
    await expect(connect('bad')).rejects.toMatchObject({ name: 'CallRefused', code: 'auth.invalid_token' });
    const nowhere = SocketClient.connect({ url: 'http://127.0.0.1:1', world: 'demo', token: 'ann' });
    await expect(nowhere).rejects.toMatchObject({ name: 'ConnectionLost' });
  });
});
