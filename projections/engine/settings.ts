import type { Upcast } from './fold.js';

/** The part of pino the engine uses. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface Settings {
  /** Names this process in the leases. */
  readonly owner: string;
  /** No other process can be writing these read models: leases are taken over at once. Default false. */
  readonly exclusive: boolean;
  readonly upcast: Upcast;
  readonly logger: Logger;
  /** Milliseconds a lease holds without renewal: with the half second between two looks of those who stand by, a killed holder is followed within 10 s. Default 5,000. */
  readonly leaseMs: number;
  /**
   * Milliseconds between two writes of rows that nobody waits for, and between two of the checkpoint, at least: many
   * events to one row make one write. Default 100.
   */
  readonly writeEveryMs: number;
  /** Milliseconds after which a pointer is read again, at most. Default 1,000. */
  readonly pointerMs: number;
  /** Milliseconds of the first and the longest pause before a failed store is tried again. Default 100 to 10,000. */
  readonly retryMs: { readonly first: number; readonly longest: number };
  /** Rows of one read model kept in memory. Default 20,000. */
  readonly cachedRows: number;
  /** Rows changed in memory before they are written while catching up (or five seconds went by). Default 10,000. */
  readonly catchUpRows: number;
}

const silent: Logger = { info: () => undefined, warn: () => undefined };

export const defaultSettings: Omit<Settings, 'owner'> = {
  exclusive: false,
  upcast: (event) => event,
  logger: silent,
  leaseMs: 5_000,
  writeEveryMs: 100,
  pointerMs: 1_000,
  retryMs: { first: 100, longest: 10_000 },
  cachedRows: 20_000,
  catchUpRows: 10_000,
};
