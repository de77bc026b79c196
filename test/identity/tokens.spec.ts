import { describe, expect, it } from '@jest/globals';
import { SignJWT, type JWTPayload } from 'jose';
import { Refused } from '../../src/eventsourcing/refused.js';
import { isWorldName, isZone, Tokens } from '../../src/identity/tokens.js';

const secret = new TextEncoder().encode('s'.repeat(32));
const tokens = new Tokens({ secret, jwksUrl: undefined, issuer: undefined, audience: 'convoke' });

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    (error: unknown) => (error instanceof Refused ? error.code : String(error)),
  );

describe('a token', () => {
  it('describes the session, and nothing it does not say', async () => {
    const profile = { display_name: 'Ann' };
    const claims = { sub: 'ann', world: 'w', traits: ['a'], profile, email: 'a@x.org', zoneinfo: 'Europe/Paris' };
    const session = await tokens.verify(await tokens.sign(claims, '15m'), 'w');
    const { expiresAt = 0, ...rest } = session;
    expect(rest).toEqual({
      userId: 'ann',
      world: 'w',
      traits: ['a'],
      profile,
      email: 'a@x.org',
      zoneinfo: 'Europe/Paris',
      issuedAt: expect.any(Number),
    });
    expect(Math.abs(expiresAt - Date.now() - 900_000)).toBeLessThan(5_000);
    const plain = await new SignJWT({ uid: 'bob', aud: 'convoke' }).setProtectedHeader({ alg: 'HS256' }).sign(secret);
    expect(await tokens.verify(plain, 'demo')).toEqual({ userId: 'bob', world: 'demo', traits: [], profile: {} });
  });

  it.each<[claims: JWTPayload, code: string]>([
    [{ sub: '007' }, 'auth.invalid_token'],
    [{ sub: '٣٤' }, 'accepted'],
    [{ sub: '0x1' }, 'accepted'],
    [{ sub: ' ' }, 'auth.invalid_token'],
    // No part of a path.
    [{ sub: '..' }, 'auth.invalid_token'],
    [{ sub: '...' }, 'accepted'],
    [{ sub: 'x'.repeat(301) }, 'auth.invalid_token'],
    [{ world: '' }, 'auth.invalid_token'],
    [{ world: 'other' }, 'auth.wrong_world'],
    [{ traits: [''] }, 'auth.invalid_token'],
    [{ traits: { admin: true } }, 'auth.invalid_token'],
    [{ profile: [] }, 'auth.invalid_token'],
    [{ email: 5 }, 'auth.invalid_token'],
    [{ zoneinfo: '' }, 'auth.invalid_token'],
    [{ zoneinfo: '-08:00' }, 'auth.invalid_token'],
    [{ zoneinfo: 'America/Argentina/Buenos_Aires' }, 'accepted'],
  ])('with %j: %s', async (claims, code) => {
    const token = await tokens.sign({ sub: 'ann', ...claims }, '1h');
    expect(await codeOf(tokens.verify(token, 'demo'))).toBe(code);
  });

  it('that is missing is told from one that is bad', async () => {
    for (const missing of [undefined, null, '']) {
      expect(await codeOf(tokens.verify(missing, 'demo'))).toBe('auth.missing_token');
    }
    for (const bad of [5, {}, 'a.b', '..', 'a.b.c', '\u0000']) {
      expect([bad, await codeOf(tokens.verify(bad, 'demo'))]).toEqual([bad, 'auth.invalid_token']);
    }
  });
});

it('zones are IANA zones, world names plain', () => {
  expect(['Europe/Paris', 'UTC', 'Etc/GMT+5'].every(isZone)).toBe(true);
  expect(['+02:00', '-0800', '', 'Mars/Olympus', 5, null].some(isZone)).toBe(false);
  expect(['demo', 'a-b_C9', 'x'.repeat(64)].every(isWorldName)).toBe(true);
  expect(['', 'a b', 'a/b', 'ü', 'x'.repeat(65), 5, 'a\n'].some(isWorldName)).toBe(false);
});
