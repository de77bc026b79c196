import { Controller, Get, Query } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { StoreUnavailable } from '../../src/event-store/event-store.js';
import { Refused } from '../../src/eventsourcing/refused.js';
import { LOGGER } from '../../src/nest/injection.js';
import { ProblemFilter } from '../../src/rest/problem.filter.js';

const errors: Readonly<Record<string, Error>> = {
  refused: new Refused('reset_required'),
  detailed: new Refused('protocol.invalid', 'x is bad', [{ field: 'x', message: 'x is bad' }]),
  token: new Refused('auth.missing_token'),
  away: new StoreUnavailable('mongodb://user:pa55word@host is away'),
  fault: new TypeError('pa55word is not a function'),
};

@Controller()
class Failing {
  @Get('fail')
  fail(@Query('how') how: string): void {
    throw errors[how] ?? new Error('there is no such error');
  }
}

let app: NestFastifyApplication;
const logged: unknown[] = [];

beforeAll(async () => {
  const logger = { error: (context: object) => void logged.push(context) };
  const module = await Test.createTestingModule({
    controllers: [Failing],
    providers: [{ provide: LOGGER, useValue: logger }],
  }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
  app.useGlobalFilters(new ProblemFilter(logger));
  await app.listen(0, '127.0.0.1');
});

afterAll(() => app.close());

it.each([
  ['refused', 409, 'reset_required'],
  ['detailed', 400, 'protocol.invalid'],
  ['token', 401, 'auth.missing_token'],
  ['away', 503, 'server.unavailable'],
  ['fault', 500, 'server.fatal'],
])('%s is answered with %d and a code, as problem+json without inner details', async (how, status, code) => {
  const response = await fetch(`${await app.getUrl()}/fail?how=${how}`);
  const payload = await response.text();
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(response.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
  expect(JSON.parse(payload)).toMatchObject({ type: 'about:blank', title: expect.any(String), status, code });
  expect(payload).not.toMatch(/pa55word|stack|\.ts/);
});

it('what was unexpected is logged, and nothing else', () => {
  expect(logged).toEqual([{ err: errors['fault'], method: 'GET', route: '/fail' }]);
});
