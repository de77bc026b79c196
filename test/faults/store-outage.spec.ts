import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Proxy } from '../contract/proxy.js';
import { CallRefused, connectAs, tokenFor, type ServerProcess, type SocketClient } from '../e2e/support/server.js';
import { clusterStage } from './cluster-stage.js';
import { scale } from './scale.js';

/** What an answer was, and how long it took. */
interface Answered {
  readonly code: string;
  readonly ms: number;
}

async function answerOf(call: Promise<unknown>): Promise<Answered> {
  const begin = performance.now();
  const code = await call.then(
    () => 'done',
    (error: unknown) => (error instanceof CallRefused ? error.code : String(error)),
  );
  return { code, ms: performance.now() - begin };
}

describe('a server whose stores go away', () => {
  let stage: Awaited<ReturnType<typeof clusterStage>>;
  let log: Proxy;
  let mongo: Proxy;
  let server: ServerProcess;
  let admin: SocketClient;
  let listener: SocketClient;
  let room: string;
  let calls = 0;

  beforeAll(async () => {
    stage = await clusterStage();
    log = await Proxy.to(Number(new URL(stage.env.EVENTSTORE_URL.replace('esdb:', 'http:')).port));
    mongo = await Proxy.to(Number(new URL(stage.env.MONGODB_URL.replace('mongodb:', 'http:')).port));
    server = await stage.startApi({
      EVENTSTORE_URL: `esdb://127.0.0.1:${log.port}?tls=false`,
      MONGODB_URL: `mongodb://127.0.0.1:${mongo.port}/?directConnection=true`,
      PROJECTIONS: 'inline',
    });
    await server.ready();
    admin = await connectAs(server, 'admin', ['admin']);
    listener = await connectAs(server, 'listener', ['admin']);
    ({ room } = await admin.call<{ room: string }>('room.create', { name: 'Foyer' }));
    await listener.call('room.enter', { room });
  });

  afterAll(async () => {
    await Promise.all([log.close(), mongo.close()]);
    await stage.close();
    await stage.remove();
  });

  const schedule = (title: string): Promise<Answered> =>
    answerOf(admin.call('room.schedule', { room, schedule_data: { title }, command_id: `c-${++calls}` }));
  const heard = (title: string) =>
    listener.waitFor(
      ({ name, body }) =>
        name === 'room.schedule' && (body as { schedule_data: { title: string } }).schedule_data.title === title,
    );
  /** Every command is refused in time, until one is carried out again; those refused for an unknown outcome may be done once. */
  const untilDone = async (title: string): Promise<void> => {
    for (;;) {
      const { code } = await schedule(title);
      if (code === 'done') return;
      expect(code).toBe('server.unavailable');
    }
  };

  it.each([
    ['down', () => log.refuse(true), () => log.refuse(false), scale.downMs],
    ['frozen', () => log.freeze({ coming: true }), () => log.thaw(), scale.frozenMs],
  ])(
    'answers server.unavailable within 5 s while the log is %s, and goes on when it is back',
    async (title, cut, mend, ms) => {
      cut();
      const until = performance.now() + ms;
      while (performance.now() < until) {
        const { code, ms: took } = await schedule(`${title} away`);
        expect(code).toBe('server.unavailable');
        expect(took).toBeLessThan(5_000);
      }
      expect((await fetch(`${server.url}/health/ready`)).status).toBe(503);
      expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
      mend();
      await untilDone(`${title} back`);
      await heard(`${title} back`);
      expect([admin.open, listener.open]).toEqual([true, true]);
      await server.ready();
    },
    120_000,
  );

  it.each([
    ['down', () => mongo.refuse(true), () => mongo.refuse(false)],
    ['frozen', () => mongo.freeze({ coming: true }), () => mongo.thaw()],
  ])(
    'carries out commands while the read store is %s, refuses queries in time, and catches up',
    async (title, cut, mend) => {
      cut();
      expect(await schedule(`${title} unread`)).toMatchObject({ code: 'done' });
      await heard(`${title} unread`);
      const { code, ms } = await answerOf(admin.call('room.config.get', { room }));
      expect(code).toBe('server.unavailable');
      expect(ms).toBeLessThan(6_500);
      mend();
      for (;;) {
        const answer = await answerOf(admin.call('room.config.get', { room }));
        if (answer.code === 'done') break;
        expect(answer.code).toBe('server.unavailable');
        await delay(20);
      }
      expect(await admin.call('room.config.get', { room })).toMatchObject({
        schedule_data: { title: `${title} unread` },
      });
      await server.ready();
    },
    120_000,
  );

  it('refuses an audit in time while the log is away, and stops in time without any store', async () => {
    log.refuse(true);
    const begin = performance.now();
    const audit = await fetch(`${server.url}/audit/events`, {
      headers: { authorization: `Bearer ${await tokenFor('admin', ['admin'])}` },
    });
    expect(audit.status).toBe(503);
    expect(performance.now() - begin).toBeLessThan(9_000);
    mongo.refuse(true);
    const stopping = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - stopping).toBeLessThan(10_000);
  });
});
