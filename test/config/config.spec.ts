import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, readConfig } from '../../src/config/config.js';

const marker = 'Zz9secret';

function refusal(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('the configuration', () => {
  it('has the defaults of the contract, and takes an empty variable for an unset one', () => {
    const defaults = {
      port: 3000,
      host: '127.0.0.1',
      dataDir: resolve('data'),
      mongodbUrl: undefined,
      eventStore: undefined,
      eventStoreGrpcPort: undefined,
      projections: 'inline',
      readStorePort: 0,
      auth: { secret: undefined, jwksUrl: undefined, issuer: undefined, audience: 'convoke' },
      meetingConflicts: 'reject',
      publicUrl: 'http://127.0.0.1:3000',
      allowedOrigins: [],
      rateLimit: true,
      logLevel: 'info',
    };
    expect(readConfig({})).toEqual(defaults);
    const names = [
      'PORT',
      'HOST',
      'DATA_DIR',
      'MONGODB_URL',
      'EVENTSTORE_URL',
      'AUTH_SECRET',
      'RATE_LIMIT',
      'LOG_LEVEL',
    ];
    expect(readConfig(Object.fromEntries(names.map((name) => [name, ''])))).toEqual(defaults);
  });

  it('takes what each variable accepts', () => {
    expect(
      readConfig({
        PORT: '0',
        HOST: '::1',
        DATA_DIR: '/var/lib/convoke',
        MONGODB_URL: 'mongodb+srv://u:p@db.example/x',
        READ_STORE_PORT: '65535',
        AUTH_SECRET: 'é'.repeat(16),
        AUTH_JWKS_URL: 'https://id.example/jwks',
        AUTH_ISSUER: 'https://id.example',
        AUTH_AUDIENCE: 'aud',
        EVENTSTORE_URL: 'esdb+discover://u:p@log.example',
        EVENTSTORE_PROJECTOR_URL: 'esdb+discover://admin:p@log.example',
        PROJECTIONS: 'external',
        MEETING_CONFLICTS: 'allow',
        PUBLIC_URL: 'https://convoke.example/base/',
        ALLOWED_ORIGINS: 'https://a.example, http://b.example:8080',
        RATE_LIMIT: 'off',
        LOG_LEVEL: 'silent',
      }),
    ).toEqual({
      port: 0,
      host: '::1',
      dataDir: '/var/lib/convoke',
      mongodbUrl: 'mongodb+srv://u:p@db.example/x',
      eventStore: { url: 'esdb+discover://u:p@log.example', projectorUrl: 'esdb+discover://admin:p@log.example' },
      eventStoreGrpcPort: undefined,
      projections: 'external',
      readStorePort: 65_535,
      auth: {
        secret: 'é'.repeat(16),
        jwksUrl: new URL('https://id.example/jwks'),
        issuer: 'https://id.example',
        audience: 'aud',
      },
      meetingConflicts: 'allow',
      publicUrl: 'https://convoke.example/base',
      allowedOrigins: ['https://a.example', 'http://b.example:8080'],
      rateLimit: false,
      logLevel: 'silent',
    });
    const cluster = 'esdb://u:p%40@a.example:2113,b.example?tls=true&keepAliveInterval=5000&tlsCAFile=/etc/ca.pem';
    for (const url of ['esdb://localhost:2113?tls=false', 'esdb://localhost/', cluster]) {
      expect(readConfig({ EVENTSTORE_URL: url }).eventStore).toEqual({ url, projectorUrl: url });
    }
    expect(readConfig({ EVENTSTORE_GRPC_PORT: '0' }).eventStoreGrpcPort).toBe(0);
    expect(readConfig({ HOST: '::1' }).publicUrl).toBe('http://[::1]:3000');
  });

  it.each<[name: string, value: string, accepts: RegExp]>([
    ['PORT', `8${marker}`, /port from 0 to 65535/],
    ['PORT', '65536', /port from 0 to 65535/],
    ['PORT', '-1', /port from 0 to 65535/],
    ['PORT', ' 80', /port from 0 to 65535/],
    ['PORT', '8e3', /port from 0 to 65535/],
    ['HOST', `${marker} x`, /host name or IP/],
    ['EVENTSTORE_URL', `https://admin:${marker}@localhost:2113`, /esdb:\/\//],
    ['EVENTSTORE_URL', `esdb://admin:${marker}@localhost:2113?tls=maybe`, /options/],
    ['EVENTSTORE_URL', `esdb://admin:${marker}@localhost:2113?tlsVerifyCert=false`, /options/],
    ['EVENTSTORE_URL', `esdb://admin:${marker}@localhost:2113?nodePreference=follower`, /options/],
    ['EVENTSTORE_URL', `esdb://admin:${marker}@localhost:2113?__proto__=x`, /options/],
    ['EVENTSTORE_URL', `esdb://admin:${marker}@`, /options/],
    ['EVENTSTORE_PROJECTOR_URL', `esdb://admin:${marker}@localhost`, /unset without EVENTSTORE_URL/],
    ['EVENTSTORE_GRPC_PORT', marker, /port from 0 to 65535/],
    ['MONGODB_URL', `https://${marker}`, /mongodb:\/\//],
    ['MONGODB_URL', 'mongodb://', /mongodb:\/\//],
    ['READ_STORE_PORT', marker, /port from 0 to 65535/],
    ['AUTH_SECRET', 'x'.repeat(31), /32 bytes/],
    ['AUTH_JWKS_URL', `ftp://${marker}`, /https?:\/\//],
    ['AUTH_JWKS_URL', marker, /https?:\/\//],
    ['PROJECTIONS', marker, /inline or external/],
    ['PROJECTIONS', 'external', /inline without EVENTSTORE_URL and MONGODB_URL/],
    ['MEETING_CONFLICTS', marker, /reject or allow/],
    ['PUBLIC_URL', marker, /https?:\/\//],
    ['ALLOWED_ORIGINS', `https://a.example, ${marker}`, /origins such as/],
    ['ALLOWED_ORIGINS', 'https://a.example/path', /origins such as/],
    ['ALLOWED_ORIGINS', '*', /origins such as/],
    ['RATE_LIMIT', 'ON', /on or off/],
    ['LOG_LEVEL', marker, /info.*trace.*silent/],
  ])('refuses %s=%s with one line that names it and what it accepts', (name, value, accepts) => {
    const message = refusal({ [name]: value });
    expect(message).toMatch(new RegExp(`^${name} must be [^\n]+$`));
    expect(message).toMatch(accepts);
    expect(message).not.toContain(marker);
  });

  it('serves the embedded log over its protocol only where there is one', () => {
    expect(refusal({ EVENTSTORE_URL: 'esdb://localhost', EVENTSTORE_GRPC_PORT: '2113' })).toMatch(
      /^EVENTSTORE_GRPC_PORT must be unset with EVENTSTORE_URL/,
    );
  });
});
