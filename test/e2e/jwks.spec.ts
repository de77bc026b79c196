import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { accepted, outcomes, refusedAs, soon } from './outcomes.js';
import { RawSocket, UpgradeRefused } from './raw-socket.js';
import { temporaryServers, tokenFor, type ServerProcess } from './support/server.js';

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

describe('with a JWKS', () => {
  const pairs: Record<string, Keys> = {};
  let jwks: Server;
  let guarded: ServerProcess;
  let both: ServerProcess;
  let servers: Awaited<ReturnType<typeof temporaryServers>>;

  beforeAll(async () => {
    const keys: object[] = [];
    for (const alg of ['RS256', 'ES256', 'EdDSA', 'PS256']) {
      const pair = (pairs[alg] = await generateKeyPair(alg, { extractable: true }));
      keys.push({ ...(await exportJWK(pair.publicKey)), alg, kid: alg, use: 'sig' });
    }
    jwks = createServer((_request, response) => response.end(JSON.stringify({ keys })));
    await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
    const AUTH_JWKS_URL = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks`;
    servers = await temporaryServers();
    guarded = await servers.start({ env: { AUTH_JWKS_URL, AUTH_SECRET: '' } });
    both = await servers.start({ dataDir: `${servers.dataDir}/both`, env: { AUTH_JWKS_URL } });
  });

  afterAll(async () => {
    jwks.close();
    await servers.remove();
  });

  const pairOf = (alg: string): Keys => {
    const pair = pairs[alg];
    if (!pair) throw new Error(`no keys for ${alg}`);
    return pair;
  };

  const signBy = (alg: string, kid = alg, claims: JWTPayload = {}): Promise<string> =>
    new SignJWT({ sub: 'alice', aud: 'convoke', exp: soon(), ...claims })
      .setProtectedHeader({ alg, kid })
      .sign(pairOf(alg).privateKey);

  it('accepts RS256, ES256 and EdDSA, and no other algorithm or key', async () => {
    for (const at of [guarded, both]) {
      for (const alg of ['RS256', 'ES256', 'EdDSA']) {
        expect([alg, await outcomes(at, await signBy(alg))]).toEqual([alg, accepted]);
      }
      expect(await outcomes(at, await signBy('PS256'))).toEqual(refusedAs('auth.invalid_token'));
      expect(await outcomes(at, await signBy('RS256', 'unknown'))).toEqual(refusedAs('auth.invalid_token'));
      const expired = await signBy('ES256', 'ES256', { exp: soon() - 3600 });
      expect(await outcomes(at, expired)).toEqual(refusedAs('auth.expired_token'));
      // The public key is no secret.
      const pem = new TextEncoder().encode(await exportSPKI(pairOf('RS256').publicKey));
      const confused = new SignJWT({ sub: 'alice', aud: 'convoke', exp: soon() });
      const token = await confused.setProtectedHeader({ alg: 'HS256', kid: 'RS256' }).sign(pem);
      expect(await outcomes(at, token)).toEqual(refusedAs('auth.invalid_token'));
    }
    // HS256 needs a secret that was set: with a JWKS none is generated.
    expect(await outcomes(guarded, await tokenFor('alice'))).toEqual(refusedAs('auth.invalid_token'));
    expect(await outcomes(both, await tokenFor('alice'))).toEqual(accepted);
  });

  it('that cannot be fetched says so, instead of calling the token bad', async () => {
    const broken = createServer((_request, response) => response.end('{')).unref();
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve));
    const { port } = broken.address() as AddressInfo;
    const env = { AUTH_JWKS_URL: `http://127.0.0.1:${port}/jwks`, AUTH_SECRET: '' };
    const at = await servers.start({ dataDir: `${servers.dataDir}/broken`, env });
    const unavailable = [503, 'server.unavailable'];
    const upgrade = async (): Promise<unknown> => {
      const response = await fetchUpgrade(at, await signBy('RS256'));
      return [response.status, response.code];
    };
    expect(await upgrade()).toEqual(unavailable);
    // The connection stays: the same token may be good in a moment.
    const socket = await RawSocket.open(at);
    const token = await signBy('RS256');
    expect(await socket.ask(['authenticate', { token }])).toMatchObject(['error', null, { code: unavailable[1] }]);
    expect(await socket.ask(['ping', 1])).toEqual(['pong', 1]);
    socket.ws.terminate();
    await new Promise((resolve) => broken.close(resolve));
    expect(await upgrade()).toEqual(unavailable);
    expect((await fetchUpgrade(at, 'nonsense')).code).toBe('auth.invalid_token');
  });
});

/** How an upgrade with this token is refused. */
async function fetchUpgrade(at: ServerProcess, token: string): Promise<{ status: unknown; code: unknown }> {
  const headers = { authorization: `Bearer ${token}` };
  const refused = await RawSocket.open(at, '/ws/world/demo', { headers }).catch((error: unknown) => error);
  if (!(refused instanceof UpgradeRefused)) throw new Error('the upgrade was not refused');
  return { status: refused.status, code: (refused.body as { code: unknown }).code };
}
