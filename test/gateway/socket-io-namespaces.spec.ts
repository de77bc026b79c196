import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Harness, until } from './harness.js';
import { connectRaw, connectTo, endClients, openRaw } from './socket-io-parts.js';

let harness: Harness;
afterEach(async () => {
  endClients();
  await harness.stop();
});

/** None of them is the main namespace's. */
const begins = ['40/x,{}', '40/x', '40/', '40/x,{"token":"alice"}', '400-/x,{}', '40/?token=alice,{}'];
const goesOn = [
  '41/x,',
  '42/x,["echo",{}]',
  '42/x,7["echo",{}]',
  '43/x,7[]',
  '44/x,{}',
  '451-/x,["echo",{}]',
  '461-/x,7[]',
];

/** What the server answered until it closed the connection. */
async function answersTo(text: string): Promise<string[]> {
  const ws = await openRaw(harness);
  const told: string[] = [];
  ws.on('message', (data) => told.push(String(data)));
  for (let n = 0; n < 100; n++) ws.send(text);
  await once(ws, 'close');
  return told.filter((one) => !one.startsWith('0'));
}

describe('another namespace than the main one', () => {
  it.each([...begins.filter((text) => text !== '40/'), ...goesOn])(
    'is not answered before the sign-in, but the connection is closed: %s',
    async (text) => {
      harness = await Harness.start();
      expect(await answersTo(text)).toEqual([]);
      expect(harness.sockets.connections.size).toBe(0);
      expect(harness.handler.gone).toEqual([]);
      await connectTo(harness, 'alice');
      expect(harness.logged).toEqual([]);
    },
  );

  it.each([...begins, '41/x,'])('is not answered after the sign-in, but the connection is closed: %s', async (text) => {
    harness = await Harness.start();
    const { ws } = await connectRaw(harness, 'alice');
    const told: string[] = [];
    ws.on('message', (data) => told.push(String(data)));
    for (let n = 0; n < 100; n++) ws.send(text);
    await once(ws, 'close');
    await until(() => harness.handler.gone.length === 1);
    expect(told.filter((one) => one.startsWith('44'))).toEqual([]);
    expect(harness.sockets.connections.size).toBe(0);
    expect(harness.logged).toEqual([]);
  });

  it.each(goesOn.filter((text) => text !== '41/x,'))(
    'is refused after the sign-in like any message, and counted: %s',
    async (text) => {
      harness = await Harness.start({ rate: { framesPerSecond: 1, burst: 5, socketsPerUser: 1 } });
      const { ws, next } = await connectRaw(harness, 'alice');
      for (let n = 0; n < 10; n++) ws.send(text);
      const codes: string[] = [];
      while (codes.length < 10) {
        const [, code = ''] = /"code":"?([\w.]+)/.exec(await next()) ?? [];
        if (code !== '') codes.push(code);
      }
      expect([...new Set(codes.slice(0, 5))]).toHaveLength(1);
      expect(codes[0]).toMatch(/^(protocol.invalid|400)$/);
      expect(codes.slice(5).every((code) => /^(rate_limited|705)$/.test(code))).toBe(true);
      expect(harness.logged).toEqual([]);
    },
  );

  it('and a second sign-in are not answered in one payload of a client that polls', async () => {
    harness = await Harness.start();
    for (const beginning of ['40/x,{}', '40{}']) {
      const at = `http://${harness.host}/socket.io/?EIO=4&transport=polling`;
      const { sid } = JSON.parse((await (await fetch(at)).text()).slice(1)) as { sid: string };
      const body = Array.from({ length: 5_000 }, () => beginning).join('\u001e');
      await fetch(`${at}&sid=${sid}`, { method: 'POST', body });
      const told = await (await fetch(`${at}&sid=${sid}`)).text();
      expect(told.match(/44/g) ?? []).toHaveLength(0);
    }
    expect(harness.sockets.connections.size).toBe(0);
  });
});
