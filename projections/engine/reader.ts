import type { Collection, Db } from 'mongodb';
import { pause } from './backoff.js';
import { Collections, buildId } from './collections.js';
import type { Build, PointerDocument } from './collections.js';
import { NotCaughtUp, UnknownReadModel } from './errors.js';
import { positionOf } from './lease.js';
import { fromDocument } from './mongo-sink.js';
import type { Parked } from './parked-streams.js';
import { Pointers } from './pointers.js';
import type { Projection } from './projection.js';
import type { ReadModel } from './read-model.js';
import type { Log } from './session.js';
import { defaultSettings } from './settings.js';
import type { StoredRow } from './stored-row.js';

/** A read model, or its name where the rows' type does not matter. */
export type ModelRef<Row extends object> = string | ReadModel<Row>;

/** The rows as they are read now. `position` was read first: the rows reflect it or more. */
export interface ActiveRows<Row extends object> {
  readonly collection: Collection<StoredRow<Row>>;
  readonly position: bigint;
  readonly parked: readonly Parked[];
  /** What the rows were folded with; undefined before the first projection. */
  readonly build?: Build;
}

export interface Lag {
  readonly model: string;
  /** Name of the collection that is read. */
  readonly build: string;
  readonly position: bigint;
  readonly head: bigint;
  readonly caughtUp: boolean;
  /** Streams that are held back. */
  readonly parked: number;
  /** Set while this process cannot go on with the projection. */
  readonly error?: string;
  /** Set while a new build is made beside the active one. */
  readonly building?: { readonly build: string; readonly position: bigint };
}

export interface ReaderOptions {
  readonly db: Db;
  readonly log: Pick<Log, 'head'>;
  readonly models: readonly ReadModel[];
  /** Milliseconds a pointer is trusted. Default 1,000. */
  readonly pointerMs?: number;
  /** Given by the process that runs the projections: what it knows without asking the database. */
  readonly projections?: ReadonlyMap<string, Projection>;
}

const POLL_MS = 20;
/** Another process's checkpoint is always a little behind a log that grows: so much counts as caught up. */
const CLOSE_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;

/** Reads what the projections of this or another process write. */
export class ProjectionReader {
  readonly #collections: Collections;
  readonly #pointers: Pointers;
  readonly #names: ReadonlySet<string>;
  /** The head as it was asked for, oldest first, of the last `CLOSE_MS`. */
  readonly #heads: { readonly at: number; readonly head: bigint }[] = [];
  readonly #known = new Map<string, { readonly pointer: PointerDocument | undefined; readonly readAt: number }>();

  constructor(private readonly options: ReaderOptions) {
    this.#collections = new Collections(options.db);
    this.#pointers = new Pointers(this.#collections);
    this.#names = new Set(options.models.map(({ name }) => name));
  }

  /** The collection that is active now. Ask for it at every query: a rebuild makes it another one. @throws UnknownReadModel */
  async collection<Row extends object = object>(model: ModelRef<Row>): Promise<Collection<StoredRow<Row>>> {
    const name = this.#nameOf(model);
    return this.#collections.rows<Row>(buildId(name, await this.#activeBuild(name)));
  }

  /** @throws UnknownReadModel */
  async active<Row extends object = object>(model: ModelRef<Row>): Promise<ActiveRows<Row>> {
    const name = this.#nameOf(model);
    const pointer = await this.#pointer(name);
    const build = pointer?.active ?? FIRST;
    const position = await this.#positionOf(name, build);
    const parked = await this.#collections.parked.find({ build: buildId(name, build) }).toArray();
    return {
      position,
      collection: this.#collections.rows<Row>(buildId(name, build)),
      parked: parked.map(fromDocument),
      ...(pointer && { build: pointer.active }),
    };
  }

  /**
   * Resolves when the active rows reflect `position`: at once in the process that projects them, by polling elsewhere.
   * @throws NotCaughtUp after `timeoutMs`, UnknownReadModel
   */
  async wait(model: ModelRef<object>, position: bigint, timeoutMs: number): Promise<void> {
    const name = this.#nameOf(model);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const left = deadline - performance.now();
      const session = this.options.projections?.get(name)?.session;
      if (session) {
        if (await session.reached.whenReached(position, Math.min(left, LONGEST_WAIT_MS))) return;
        if (left <= 0) throw new NotCaughtUp(name, position, session.reached.position);
        continue;
      }
      const reached = await this.#positionOf(name, await this.#activeBuild(name, 0));
      if (reached >= position) return;
      if (left <= 0) throw new NotCaughtUp(name, position, reached);
      await pause(Math.min(POLL_MS, left));
    }
  }

  /** How far every read model is behind the log. */
  async lag(): Promise<Lag[]> {
    const head = await this.options.log.head();
    const close = this.#closeTo(head);
    return Promise.all([...this.#names].map((name) => this.#lagOf(name, head, close)));
  }

  /** The position that is near enough to the head. */
  #closeTo(head: bigint): bigint {
    const at = performance.now();
    this.#heads.push({ at, head });
    while ((this.#heads[0]?.at ?? at) < at - CLOSE_MS) this.#heads.shift();
    return this.#heads[0]?.head ?? head;
  }

  /** Streams held back in the active builds. */
  async parked(model?: ModelRef<object>): Promise<(Parked & { readonly model: string })[]> {
    const names = model === undefined ? [...this.#names] : [this.#nameOf(model)];
    const builds = await Promise.all(names.map(async (name) => buildId(name, await this.#activeBuild(name, 0))));
    const documents = await this.#collections.parked.find({ build: { $in: builds } }).toArray();
    return documents.map((document) => ({ model: document.model, ...fromDocument(document) }));
  }

  async #lagOf(name: string, head: bigint, close: bigint): Promise<Lag> {
    const projection = this.options.projections?.get(name);
    const pointer = await this.#pointer(name, 0);
    const build = pointer?.active ?? FIRST;
    const session = projection?.session;
    const position = session?.reached.position ?? (await this.#positionOf(name, build));
    const parked = await this.#collections.parked.countDocuments({ build: buildId(name, build) });
    const building = pointer?.building;
    return {
      model: name,
      build: buildId(name, build),
      position,
      head: position > head ? position : head,
      caughtUp: session?.live ?? position >= close,
      parked,
      ...(projection?.error === undefined ? {} : { error: projection.error }),
      ...(building && {
        building: { build: buildId(name, building), position: await this.#positionOf(name, building) },
      }),
    };
  }

  #nameOf(model: string | { readonly name: string }): string {
    const name = typeof model === 'string' ? model : model.name;
    if (!this.#names.has(name)) throw new UnknownReadModel(name);
    return name;
  }

  async #activeBuild(name: string, maxAgeMs?: number): Promise<Pick<Build, 'n'>> {
    return (await this.#pointer(name, maxAgeMs))?.active ?? FIRST;
  }

  async #pointer(name: string, maxAgeMs = this.options.pointerMs ?? defaultSettings.pointerMs) {
    const local = this.options.projections?.get(name)?.pointer;
    if (local) return local;
    const known = this.#known.get(name);
    if (known?.pointer && performance.now() - known.readAt < maxAgeMs) return known.pointer;
    const readAt = performance.now();
    const pointer = await this.#pointers.get(name);
    this.#known.set(name, { pointer, readAt });
    return pointer;
  }

  async #positionOf(name: string, build: Pick<Build, 'n'>): Promise<bigint> {
    return positionOf(await this.#collections.checkpoints.findOne({ _id: buildId(name, build) }));
  }
}

/** What the first process to project a read model begins with; until then its collection is empty. */
const FIRST: Pick<Build, 'n'> = { n: 1 };
