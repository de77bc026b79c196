import { describe, expect, it } from '@jest/globals';
import { RawSocket } from './raw-socket.js';
import { temporaryServers, tokenFor } from './support/server.js';

type ErrorFrame = readonly ['error', unknown, { readonly code: string }];

describe('the rate limit', () => {
  it("counts the HTTP requests of a person, whatever they ask, and nobody else's", async () => {
    const limited = await temporaryServers();
    try {
      const { url } = await limited.start();
      const get = async (path: string, token: string): Promise<Response> =>
        fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const busy = await tokenFor('busy', ['admin']);
      const statuses: number[] = [];
      let refused: unknown;
      // Many times 100 a second, however slow the machine is.
      for (let round = 0; round < 80 && refused === undefined; round++) {
        const paths = Array.from({ length: 50 }, (_none, n) => (n % 2 === 0 ? '/slots' : '/audit/key'));
        for (const answer of await Promise.all(paths.map((path) => get(path, busy)))) {
          statuses.push(answer.status);
          const body: unknown = await answer.json();
          if (answer.status === 429) refused = body;
        }
      }
      expect(refused).toMatchObject({ status: 429, code: 'rate_limited' });
      expect(statuses.filter((status) => status !== 429).length).toBeGreaterThanOrEqual(500);
      expect((await get('/slots', await tokenFor('calm'))).status).toBe(400);
    } finally {
      await limited.remove();
    }
  });

  it('answers with the id of the frame, and counts sockets', async () => {
    const limited = await temporaryServers();
    try {
      const one = await limited.start();
      const token = await tokenFor('busy');
      const socket = await RawSocket.signedIn(one, token);
      for (let n = 0; n < 700; n++) socket.send(['room.leave', n, { room: 'x' }]);
      const answers: ErrorFrame[] = [];
      while (answers.length < 700) answers.push((await socket.next()) as ErrorFrame);
      expect(answers.map(([, id]) => id)).toEqual(answers.map((_one, n) => n));
      const refused = answers.filter(([outcome]) => outcome === 'error');
      expect(new Set(refused.map(([, , { code }]) => code))).toEqual(new Set(['rate_limited']));
      expect(refused.length).toBeGreaterThan(100);
      expect(refused.length).toBeLessThan(202);
      for (let n = 1; n < 50; n++) await RawSocket.signedIn(one, token);
      const many = await RawSocket.open(one);
      expect(await many.ask(['authenticate', { token }])).toMatchObject(['error', null, { code: 'rate_limited' }]);
      expect((await RawSocket.signedIn(one, await tokenFor('calm'))).frames[0]).toMatchObject(['authenticated', {}]);
    } finally {
      await limited.remove();
    }
  });
});
