import { describe, expect, it } from '@jest/globals';
import { RawSocket } from './raw-socket.js';
import { temporaryServers, tokenFor } from './support/server.js';

type ErrorFrame = readonly ['error', unknown, { readonly code: string }];

describe('the rate limit', () => {
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
