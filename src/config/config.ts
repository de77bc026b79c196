import { resolve } from 'node:path';
import { esdbUrl, toEsdbUrl } from './esdb-url.js';

/** Everything the environment can set. Source: wire contract, section 1. */
export interface Config {
  readonly port: number;
  readonly host: string;
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  readonly mongodbUrl: string | undefined;
  /** Undefined: the embedded log. */
  readonly eventStore:
    | {
        readonly url: string;
        /** With the account that may read `$all`. */
        readonly projectorUrl: string;
      }
    | undefined;
  /** Where the embedded log is served over the EventStoreDB protocol; undefined: it is not. */
  readonly eventStoreGrpcPort: number | undefined;
  /** `external`: the read models are projected by workers of their own (`npm run projections`). */
  readonly projections: 'inline' | 'external';
  /** Port of the embedded read store; 0 picks a free one. */
  readonly readStorePort: number;
  readonly auth: {
    /** HS256 secret; undefined: generated once into the data folder. */
    readonly secret: string | undefined;
    readonly jwksUrl: URL | undefined;
    readonly issuer: string | undefined;
    readonly audience: string;
  };
  /** Whether a person may organize or accept meetings that overlap. */
  readonly meetingConflicts: 'reject' | 'allow';
  readonly publicUrl: string;
  /** Browser origins besides the server's own host. */
  readonly allowedOrigins: readonly string[];
  readonly rateLimit: boolean;
  readonly logLevel: string;
}

/** A variable that cannot be used; the message is one line that names it and what it accepts. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Env = Readonly<Record<string, string | undefined>>;

/** Reads and validates every variable. @throws ConfigError for the first bad one; never repeats its value, which may be a secret */
export function readConfig(env: Env): Config {
  const text = (name: string): string | undefined => env[name] || undefined;
  const parsed = <T>(name: string, accepts: string, parse: (value: string) => T | undefined): T | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const result = parse(value);
    if (result === undefined) throw new ConfigError(`${name} must be ${accepts}`);
    return result;
  };
  const oneOf = <T extends string>(name: string, fallback: T, others: readonly T[]): T =>
    parsed(name, [fallback, ...others].join(' or '), (value) => [fallback, ...others].find((one) => one === value)) ??
    fallback;
  const port = (name: string): number | undefined => parsed(name, 'a port from 0 to 65535', toPort);

  const host =
    parsed('HOST', 'a host name or IP address', (value) => (/^[\w.:-]+$/.test(value) ? value : undefined)) ??
    '127.0.0.1';
  const httpPort = port('PORT') ?? 3000;
  const mongodbUrl = parsed('MONGODB_URL', 'a mongodb:// or mongodb+srv:// URL', (value) =>
    withScheme(value, ['mongodb:', 'mongodb+srv:']),
  );
  const esdb = (name: string): string | undefined => parsed(name, esdbUrl, toEsdbUrl);
  const eventStoreUrl = esdb('EVENTSTORE_URL');
  const projectorUrl = esdb('EVENTSTORE_PROJECTOR_URL');
  if (projectorUrl !== undefined && eventStoreUrl === undefined) {
    throw new ConfigError(
      'EVENTSTORE_PROJECTOR_URL must be unset without EVENTSTORE_URL: the embedded log has no accounts',
    );
  }
  const eventStoreGrpcPort = port('EVENTSTORE_GRPC_PORT');
  if (eventStoreGrpcPort !== undefined && eventStoreUrl !== undefined) {
    throw new ConfigError('EVENTSTORE_GRPC_PORT must be unset with EVENTSTORE_URL: it serves the embedded log');
  }
  const projections = oneOf('PROJECTIONS', 'inline', ['external']);
  if (projections === 'external' && (eventStoreUrl === undefined || mongodbUrl === undefined)) {
    throw new ConfigError(
      'PROJECTIONS must be inline without EVENTSTORE_URL and MONGODB_URL: workers cannot reach the embedded stores',
    );
  }
  return {
    port: httpPort,
    host,
    dataDir: resolve(text('DATA_DIR') ?? 'data'),
    mongodbUrl,
    eventStore:
      eventStoreUrl === undefined ? undefined : { url: eventStoreUrl, projectorUrl: projectorUrl ?? eventStoreUrl },
    eventStoreGrpcPort,
    projections,
    readStorePort: port('READ_STORE_PORT') ?? 0,
    auth: {
      secret: parsed('AUTH_SECRET', 'a text of at least 32 bytes', (value) =>
        Buffer.byteLength(value) >= 32 ? value : undefined,
      ),
      jwksUrl: parsed('AUTH_JWKS_URL', 'an http:// or https:// URL', toHttpUrl),
      issuer: text('AUTH_ISSUER'),
      audience: text('AUTH_AUDIENCE') ?? 'convoke',
    },
    meetingConflicts: oneOf('MEETING_CONFLICTS', 'reject', ['allow']),
    publicUrl:
      parsed('PUBLIC_URL', 'an http:// or https:// URL', toHttpUrl)?.href.replace(/\/$/, '') ??
      `http://${host.includes(':') ? `[${host}]` : host}:${httpPort}`,
    allowedOrigins:
      parsed('ALLOWED_ORIGINS', 'a comma-separated list of origins such as https://example.org', toOrigins) ?? [],
    rateLimit: oneOf('RATE_LIMIT', 'on', ['off']) === 'on',
    logLevel: oneOf('LOG_LEVEL', 'info', ['trace', 'debug', 'warn', 'error', 'fatal', 'silent']),
  };
}

function toPort(value: string): number | undefined {
  const port = Number(value);
  return /^\d{1,5}$/.test(value) && port <= 65_535 ? port : undefined;
}

function withScheme(value: string, schemes: readonly string[]): string | undefined {
  return schemes.some((scheme) => value.startsWith(`${scheme}//`) && value.length > scheme.length + 2)
    ? value
    : undefined;
}

function toHttpUrl(value: string): URL | undefined {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) ? new URL(value) : undefined;
}

function toOrigins(value: string): string[] | undefined {
  const origins = value.split(',').map((origin) => origin.trim());
  return origins.every((origin) => toHttpUrl(origin)?.origin === origin) ? origins : undefined;
}
