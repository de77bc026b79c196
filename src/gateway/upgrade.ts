import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Refused } from '../eventsourcing/refused.js';
import type { Dialect, DialectOptions } from './dialects/dialect.js';

/** Path prefixes, each followed by the name of a world, and what is spoken there. */
export type Routes = ReadonlyMap<string, Dialect>;

export interface Target {
  readonly dialect: Dialect;
  readonly world: string;
}

const worldName = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Where an upgrade wants to go: 400 for a path that cannot be decoded, 404 for one that is not served.
 * @throws Refused `protocol.invalid` for options that are none
 */
export function targetOf(url: string, routes: Routes): Target | 400 | 404 {
  const [path = ''] = url.split('?', 1);
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return 400;
  }
  for (const [prefix, dialect] of routes) {
    const world = decoded.slice(prefix.length);
    if (decoded.startsWith(prefix) && worldName.test(world)) {
      return { dialect: dialect.with(optionsOf(url)), world };
    }
  }
  return 404;
}

/** What the query of a URL asks for; whatever else is in it is not looked at. @throws Refused `protocol.invalid` */
export function optionsOf(url: string): DialectOptions {
  const at = url.indexOf('?');
  const query = new URLSearchParams(at < 0 ? '' : url.slice(at));
  const has = (name: string, value: string): boolean => {
    const given = query.getAll(name);
    if (given.some((one) => one !== value)) {
      throw new Refused('protocol.invalid', `In the URL, ${name} can only be ${value}.`);
    }
    return given.length > 0;
  };
  return { epoch: has('timestamps', 'epoch'), deprecated: has('deprecated', '1') };
}

/** Browsers send an Origin: it must be this host or one of `allowed`. Everyone else sends none. */
export function isAllowedOrigin({ headers }: IncomingMessage, allowed: ReadonlySet<string>): boolean {
  const origin = headers.origin ?? headers['sec-websocket-origin'];
  if (origin === undefined) return true;
  const parsed = typeof origin === 'string' ? parseUrl(origin) : undefined;
  if (!parsed || parsed.host === '') return false;
  // Only the host counts: behind a proxy that ends TLS, the scheme differs. Parsing drops a port that is the scheme's own.
  return allowed.has(parsed.origin) || parseUrl(`${parsed.protocol}//${headers.host}`)?.host === parsed.host;
}

/** One of `allowed`: the scheme counts, too. */
export function isListedOrigin(origin: string, allowed: ReadonlySet<string>): boolean {
  return allowed.has(parseUrl(origin)?.origin ?? '');
}

/** Origins as browsers write them. */
export function normalizedOrigins(origins: readonly string[]): ReadonlySet<string> {
  return new Set(origins.map((origin) => parseUrl(origin)?.origin ?? origin));
}

/**
 * The token of the `Authorization` header, undefined without one.
 * @throws Refused `auth.missing_token`, `auth.invalid_token`
 */
export function bearerToken({ headers }: IncomingMessage): string | undefined {
  if (headers.authorization === undefined) return undefined;
  const [scheme = '', token = '', ...rest] = headers.authorization.trim().split(/ +/);
  if (scheme.toLowerCase() !== 'bearer' || rest.length > 0) {
    throw new Refused('auth.invalid_token', 'The Authorization header is "Bearer <token>".');
  }
  if (token === '') throw new Refused('auth.missing_token');
  return token;
}

/** Answers an upgrade with an HTTP error and ends the socket. */
export function refuseUpgrade(socket: Duplex, status: number, code: string, message: string): void {
  const body = JSON.stringify({ code, message });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const parseUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);
