import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  SignJWT,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import type { Config } from '../config/config.js';
import type { JsonObject } from '../eventsourcing/events.js';
import { Refused } from '../eventsourcing/refused.js';
import { parseJson } from '../gateway/json.js';
import { isObject, isText } from '../eventsourcing/validation.js';
import { secretOf } from './secret.js';
import type { Session } from './session.js';
import { isUserId } from './user-id.js';

export interface TokenSettings {
  /** HS256 key; undefined where only a JWKS is trusted. */
  readonly secret: Uint8Array | undefined;
  readonly jwksUrl: URL | undefined;
  readonly issuer: string | undefined;
  readonly audience: string;
}

export const defaultWorld = 'demo';

/** With the secret of the configuration; without one and without a JWKS, with the data folder's own. */
export async function tokensOf({ auth, dataDir }: Config): Promise<Tokens> {
  const secret = auth.secret ?? (auth.jwksUrl ? undefined : await secretOf(dataDir));
  return new Tokens({ ...auth, secret: secret === undefined ? undefined : new TextEncoder().encode(secret) });
}

/** Signs and verifies the tokens of section 2 of the wire contract. The algorithm decides the key, and the list is fixed. */
export class Tokens {
  private readonly jwks: JWTVerifyGetKey | undefined;

  constructor(private readonly settings: TokenSettings) {
    this.jwks = settings.jwksUrl && remoteKeys(settings.jwksUrl);
  }

  /**
   * The session a token describes, for the world of the path it came on; where the path names none, for its own.
   * @throws Refused auth.missing_token, auth.invalid_token, auth.expired_token, auth.wrong_audience, auth.wrong_world
   */
  async verify(token: unknown, world?: string): Promise<Session> {
    if (token === undefined || token === null || token === '') throw new Refused('auth.missing_token');
    if (typeof token !== 'string') throw new Refused('auth.invalid_token');
    const session = toSession(await this.payloadOf(token));
    if (world !== undefined && session.world !== world) throw new Refused('auth.wrong_world');
    return session;
  }

  /** A token for development and tests, signed with the HS256 secret. `ttl` as in `15m`, `12h`, `1d`. */
  async sign(claims: JWTPayload & { readonly sub: string }, ttl: string): Promise<string> {
    if (!this.settings.secret) throw new Error('there is no secret to sign with');
    const jwt = new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience(this.settings.audience)
      .setIssuedAt()
      .setExpirationTime(ttl);
    if (this.settings.issuer) jwt.setIssuer(this.settings.issuer);
    return jwt.sign(this.settings.secret);
  }

  private async payloadOf(token: string): Promise<JWTPayload> {
    const { secret, issuer, audience } = this.settings;
    const claims = { audience, ...(issuer && { issuer }) };
    try {
      const { alg } = decodeProtectedHeader(token);
      if (secret && (alg === 'HS256' || !this.jwks)) {
        return (await jwtVerify(token, secret, { ...claims, algorithms: ['HS256'] })).payload;
      }
      if (!this.jwks) throw new Refused('auth.invalid_token');
      return (await jwtVerify(token, this.jwks, { ...claims, algorithms: ['RS256', 'ES256', 'EdDSA'] })).payload;
    } catch (error) {
      throw refusalOf(error);
    }
  }
}

/** The keys of a JWKS; whatever keeps them from being fetched is no fault of the token. */
function remoteKeys(url: URL): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url);
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw new Refused('server.unavailable', 'The keys that sign tokens cannot be fetched now.');
    }
  };
}

function refusalOf(error: unknown): Error {
  if (error instanceof Refused) return error;
  if (error instanceof errors.JWTExpired) return new Refused('auth.expired_token');
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud')
    return new Refused('auth.wrong_audience');
  return new Refused('auth.invalid_token');
}

function toSession(payload: JWTPayload): Session {
  const { world = defaultWorld, traits = [], profile = {}, email, zoneinfo, exp, iat } = payload;
  const userId = payload.sub ?? payload.uid;
  if (!isUserId(userId)) throw badClaim('sub must be a user id of at most 300 characters that is not digits only');
  if (!isWorldName(world)) throw badClaim('world must be 1 to 64 letters, digits, _ or -');
  if (!(Array.isArray(traits) && traits.every((trait) => isText(trait, 100))))
    throw badClaim('traits must be a list of texts');
  if (!isObject(profile)) throw badClaim('profile must be an object');
  if (email !== undefined && typeof email !== 'string') throw badClaim('email must be a text');
  if (zoneinfo !== undefined && !isZone(zoneinfo)) throw badClaim('zoneinfo must be an IANA zone');
  requireKeepable({ profile, email });
  return {
    userId,
    world,
    traits: traits.map(String),
    // Parsed from JSON, so it holds nothing else.
    profile: profile as JsonObject,
    ...(email !== undefined && { email }),
    ...(zoneinfo !== undefined && { zoneinfo }),
    ...(iat !== undefined && { issuedAt: iat }),
    ...(exp !== undefined && { expiresAt: exp * 1000 }),
  };
}

const badClaim = (message: string): Refused => new Refused('auth.invalid_token', `In the token, ${message}.`);

/** What is kept of a person holds no more than what clients may send: read models could not write it. */
function requireKeepable(claims: { readonly profile: unknown; readonly email: unknown }): void {
  try {
    parseJson(JSON.stringify(claims));
  } catch (error) {
    throw badClaim(`profile and email must be plain JSON${error instanceof Refused ? `: ${error.message}` : ''}`);
  }
}

export const isWorldName = (value: unknown): value is string =>
  typeof value === 'string' && /^[\w-]{1,64}$/.test(value);

export function isZone(value: unknown): value is string {
  // Newer versions of Node take an offset for a zone.
  if (typeof value !== 'string' || !/^[a-z]/i.test(value)) return false;
  try {
    Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}
