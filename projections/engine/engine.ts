import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Db } from 'mongodb';
import { Collections } from './collections.js';
import { UnknownReadModel } from './errors.js';
import type { Parked } from './parked-streams.js';
import { Projection } from './projection.js';
import type { Progress } from './projection.js';
import type { ReadModel } from './read-model.js';
import { ProjectionReader } from './reader.js';
import type { Log } from './session.js';
import { defaultSettings } from './settings.js';
import type { Settings } from './settings.js';

export interface ProjectionsOptions extends Partial<Settings> {
  readonly store: Log;
  readonly db: Db;
  readonly models: readonly ReadModel[];
}

/**
 * Runs the projections of a process. Returns at once; a store that cannot be reached is tried again until `stop`.
 * Several processes may run the same models: one of them projects, the others stand by.
 */
export function startProjections({ store, db, models, ...options }: ProjectionsOptions): Projections {
  const settings = { ...defaultSettings, owner: `${hostname()}:${process.pid}:${randomUUID()}`, ...options };
  const collections = new Collections(db);
  const running = models.map((model) => [model.name, new Projection(model, store, collections, settings)] as const);
  return new Projections({ db, models, log: store, pointerMs: settings.pointerMs, projections: new Map(running) });
}

/** The read side, and what only the process that projects can do. */
export class Projections extends ProjectionReader {
  readonly #projections: ReadonlyMap<string, Projection>;
  readonly #head: () => Promise<bigint>;

  constructor(
    options: ConstructorParameters<typeof ProjectionReader>[0] & { projections: ReadonlyMap<string, Projection> },
  ) {
    super(options);
    this.#projections = options.projections;
    this.#head = () => options.log.head();
  }

  /** Resolves when every read model reflects what is in the log now. @throws NotCaughtUp */
  async caughtUp(timeoutMs: number): Promise<void> {
    const head = await this.#head();
    await Promise.all([...this.#projections.keys()].map((name) => this.wait(name, head, timeoutMs)));
  }

  /**
   * Folds a parked stream again, after the code or the rows it stumbled on were repaired. Answers what it is parked for
   * now, undefined when it goes on. @throws NotProjecting, UnknownReadModel
   */
  retry(model: string, stream: string): Promise<Parked | undefined> {
    return this.#get(model).retry(stream);
  }

  /** Builds the rows anew beside the old ones; resolves when the new ones are read. @throws UnknownReadModel */
  rebuild(model: string, onProgress?: (progress: Progress) => void): Promise<void> {
    return this.#get(model).rebuild(onProgress);
  }

  /** Writes what is folded, lets go of the leases. */
  async stop(): Promise<void> {
    await Promise.all([...this.#projections.values()].map((projection) => projection.stop()));
  }

  #get(name: string): Projection {
    const projection = this.#projections.get(name);
    if (!projection) throw new UnknownReadModel(name);
    return projection;
  }
}
