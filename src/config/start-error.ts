import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { ConfigError, type Config } from './config.js';

/** Makes the data folder. @throws ConfigError when it cannot be used */
export async function prepareDataDir({ dataDir }: Config): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true });
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new ConfigError(`DATA_DIR must be a folder this process can write to (${codeOf(error)})`);
  }
}

/** An error of the stores as the setting behind it, if there is one. Never repeats a URL, which may hold a password. */
export function storeError(error: unknown, { mongodbUrl, eventStore, eventStoreGrpcPort }: Config): unknown {
  if (syscallOf(error) === 'listen') return new ConfigError(`READ_STORE_PORT must be a free port (${codeOf(error)})`);
  if (!(error instanceof Error)) return error;
  if (eventStoreGrpcPort !== undefined && new RegExp(`:${eventStoreGrpcPort}\\b`).test(error.message)) {
    return new ConfigError('EVENTSTORE_GRPC_PORT must be a free port');
  }
  if (eventStore && error.name === 'StoreUnavailable') {
    return new ConfigError('EVENTSTORE_URL must be an esdb:// URL of a server that answers and lets this account in');
  }
  if (mongodbUrl === undefined || !error.name.startsWith('Mongo')) return error;
  const reason = 'codeName' in error && typeof error.codeName === 'string' ? error.codeName : error.name;
  return new ConfigError(`MONGODB_URL must be a mongodb:// or mongodb+srv:// URL of a server that answers (${reason})`);
}

/** An error of listening as the setting behind it. */
export function listenError(error: unknown): unknown {
  const code = codeOf(error);
  if (code === 'EADDRINUSE' || code === 'EACCES') return new ConfigError(`PORT must be a port that is free (${code})`);
  const fromHost = syscallOf(error) === 'getaddrinfo' || code === 'EADDRNOTAVAIL' || code === 'EINVAL';
  return fromHost ? new ConfigError(`HOST must be a host name or IP address of this machine (${code})`) : error;
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'failed');

const syscallOf = (error: unknown): unknown =>
  error instanceof Error && 'syscall' in error ? error.syscall : undefined;
