import { randomUUID } from 'node:crypto';
import { Backoff, pause } from './backoff.js';
import { buildId } from './collections.js';
import type { Build, Collections } from './collections.js';
import { LeaseLost } from './errors.js';
import { Lease } from './lease.js';
import { MongoSink } from './mongo-sink.js';
import type { ReadModel } from './read-model.js';
import { Session } from './session.js';
import type { Log } from './session.js';
import type { Settings } from './settings.js';

export interface BuildRunnerOptions {
  readonly model: ReadModel;
  readonly build: Build;
  readonly log: Log;
  readonly collections: Collections;
  readonly settings: Settings;
  /** Called after every write, and when the runner went live or got or lost its lease. */
  readonly onChange: () => void;
}

const STANDBY_POLL_MS = 500;

/**
 * Keeps one build up to date for as long as it runs: takes the lease or stands by for it, folds, and begins again from
 * the checkpoint whenever a store fails. Nothing that a store does ends it.
 */
export class BuildRunner {
  /** Why the last session failed, undefined while one runs well. */
  error: string | undefined;
  /** Present while this process holds the lease. */
  session: Session | undefined;
  readonly #options: BuildRunnerOptions;
  readonly #stop = new AbortController();
  readonly #backoff: Backoff;
  readonly #done: Promise<void>;

  constructor(options: BuildRunnerOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.settings.retryMs);
    this.#done = this.#run(this.#stop.signal);
  }

  get build(): Build {
    return this.#options.build;
  }

  /** Writes what is folded and lets go of the lease. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(stop: AbortSignal): Promise<void> {
    const { model, build, settings, onChange } = this.#options;
    while (!stop.aborted) {
      try {
        await this.#leadOrStandBy(stop);
      } catch (error) {
        const fields = { model: model.name, build: build.n, error };
        this.error = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
        if (error instanceof LeaseLost) settings.logger.info(fields, 'projection taken over by another process');
        else settings.logger.warn(fields, 'projection failed, trying again');
        onChange();
        await this.#backoff.pause(stop);
      }
    }
  }

  async #leadOrStandBy(stop: AbortSignal): Promise<void> {
    const { model, build, collections, settings } = this.#options;
    const lease = new Lease({
      checkpoints: collections.checkpoints,
      id: buildId(model.name, build),
      owner: `${settings.owner}/${randomUUID()}`,
      durationMs: settings.leaseMs,
      exclusive: settings.exclusive,
    });
    const position = await lease.acquire();
    if (position === undefined) {
      this.error = undefined;
      await pause(Math.min(STANDBY_POLL_MS, settings.leaseMs / 3), stop);
      return;
    }
    try {
      await this.#lead(lease, position, stop);
    } finally {
      await lease.release().catch(() => undefined);
    }
  }

  async #lead(lease: Lease, position: bigint, stop: AbortSignal): Promise<void> {
    const { model, build, log, collections, settings, onChange } = this.#options;
    const sink = new MongoSink(collections, model, build, lease);
    const parked = await sink.open();
    settings.logger.info(
      { model: model.name, build: build.n, after: String(position) },
      'projecting from the checkpoint',
    );
    const session = new Session({
      ...settings,
      model,
      log,
      sink,
      position,
      parked,
      onProgress: () => {
        this.#backoff.reset();
        onChange();
      },
    });
    const lost = new AbortController();
    const renewal = setInterval(() => {
      lease.renew().catch((error: unknown) => {
        if (error instanceof LeaseLost) lost.abort(error);
      });
    }, settings.leaseMs / 3);
    this.session = session;
    this.error = undefined;
    onChange();
    try {
      await session.run(AbortSignal.any([stop, lost.signal]));
      lost.signal.throwIfAborted();
    } finally {
      clearInterval(renewal);
      this.session = undefined;
      onChange();
    }
  }
}
