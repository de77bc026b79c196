import { once } from 'node:events';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { Broadcast } from '../../src/gateway/broadcast.js';
import { arrayDialect } from '../../src/gateway/dialects/array.js';
import { SocketGateway } from '../../src/gateway/gateway.js';
import { defaultLimits } from '../../src/gateway/limits.js';
import { SocketServer } from '../../src/gateway/socket-server.js';
import { SocketAdapter } from '../../src/gateway/ws.adapter.js';
import { Client, TestHandler } from './harness.js';

it('serves sockets beside Fastify in a Nest application and stops with it', async () => {
  const log = { error: () => {} };
  const broadcast = new Broadcast(log);
  const handler = new TestHandler(broadcast);
  const routes = new Map([['/ws/world/', arrayDialect]]);
  const sockets = new SocketServer({ handler, broadcast, log, limits: defaultLimits, routes, origins: [] });
  const module = await Test.createTestingModule({ providers: [SocketGateway] }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  app.useWebSocketAdapter(new SocketAdapter(app, sockets));
  await app.listen(0, '127.0.0.1');
  const host = new URL(await app.getUrl()).host;

  const ws = new WebSocket(`ws://${host}/ws/world/demo`, { headers: { authorization: 'Bearer alice' } });
  const client = new Client(ws);
  await once(ws, 'open');
  client.send(['echo', 1, { a: 1 }]);
  expect(await client.take(2)).toEqual([
    ['authenticated', { user: 'alice' }],
    ['success', 1, { a: 1 }],
  ]);
  expect((await fetch(`http://${host}/nothing`)).status).toBe(404);

  await app.close();
  expect((await client.closed).code).toBe(1012);
  expect(handler.gone).toEqual(['alice']);
});
