import { Backoff, pause } from './backoff.js';
import { BuildRunner } from './build-runner.js';
import { buildId } from './collections.js';
import type { Build, Collections, PointerDocument } from './collections.js';
import { NotProjecting } from './errors.js';
import { positionOf } from './lease.js';
import type { Parked } from './parked-streams.js';
import { Pointers, fits } from './pointers.js';
import type { ReadModel } from './read-model.js';
import type { Log, Session } from './session.js';
import type { Settings } from './settings.js';

const MAX_SWITCH_WAIT_MS = 5000;

/** How far a rebuild is. */
export interface Progress {
  readonly model: string;
  readonly position: bigint;
  readonly head: bigint;
}

/** One read model in this process: runs its active build and the one being built, and switches when that caught up. */
export class Projection {
  pointer: PointerDocument | undefined;
  readonly #pointers: Pointers;
  readonly #runners = new Map<number, BuildRunner>();
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  readonly #done: Promise<void>;

  constructor(
    readonly model: ReadModel,
    private readonly log: Log,
    private readonly collections: Collections,
    private readonly settings: Settings,
  ) {
    this.#pointers = new Pointers(collections);
    this.#done = this.#run(this.#stop.signal);
  }

  /** The session that keeps the active build, if it is in this process. */
  get session(): Session | undefined {
    return this.#active?.session;
  }

  get error(): string | undefined {
    return this.#active?.error;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#done;
    this.#changed();
  }

  /** @throws NotProjecting when another process holds the lease */
  async retry(stream: string): Promise<Parked | undefined> {
    const sessions = [...this.#runners.values()].map(({ session }) => session);
    if (!this.session) throw new NotProjecting(this.model.name);
    const results = await Promise.all(sessions.map((session) => session?.retry(stream)));
    return results.find((parked) => parked !== undefined);
  }

  /** Resolves when the new build is the one that is read. A rebuild already under way is joined. */
  async rebuild(onProgress: (progress: Progress) => void = () => undefined): Promise<void> {
    const pointer = await this.#pointers.beginRebuild(this.model, this.log.epoch);
    this.#see(pointer);
    const n = pointer.building?.n;
    if (n === undefined) return;
    const head = await this.log.head();
    const report = () => {
      const position = this.#runners.get(n)?.session?.reached.position;
      if (position !== undefined)
        onProgress({ model: this.model.name, position, head: position > head ? position : head });
    };
    this.#listeners.add(report);
    try {
      this.#wake.abort();
      await this.#until(() => this.pointer?.building?.n !== n);
    } finally {
      this.#listeners.delete(report);
    }
  }

  get #active(): BuildRunner | undefined {
    return this.pointer && this.#runners.get(this.pointer.active.n);
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const stopped = this.#stop.signal.aborted;
        if (!stopped && !condition()) return;
        this.#listeners.delete(check);
        if (stopped) reject(new NotProjecting(this.model.name));
        else resolve();
      };
      this.#listeners.add(check);
      check();
    });
  }

  async #run(stop: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.settings.retryMs);
    let settled = false;
    while (!stop.aborted) {
      this.#wake = new AbortController();
      try {
        if (settled) {
          const pointer = await this.#pointers.get(this.model.name);
          if (pointer) this.#see(pointer);
        } else {
          this.#see(await this.#pointers.settle(this.model, this.log.epoch));
          if (this.pointer) await this.#pointers.dropUnreferenced(this.pointer);
          settled = true;
        }
        await this.#reconcile();
        backoff.reset();
        await pause(this.settings.pointerMs, this.#wake.signal);
      } catch (error) {
        this.settings.logger.warn({ model: this.model.name, error }, 'read store failed, trying again');
        await backoff.pause(stop);
      }
    }
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop()));
    this.#runners.clear();
  }

  /** Runs the builds that are of this definition and log, and no others: those are other processes' business. */
  async #reconcile(): Promise<void> {
    if (!this.pointer) return;
    const { active, building } = this.pointer;
    const wanted = [active, building].filter((build) => build && fits(build, this.model, this.log.epoch));
    for (const [n, runner] of this.#runners) {
      if (!wanted.some((build) => build?.n === n)) {
        this.#runners.delete(n);
        await runner.stop();
      }
    }
    for (const build of wanted)
      if (build && !this.#runners.has(build.n)) this.#runners.set(build.n, this.#start(build));
    if (this.#isReadyToSwitch()) await this.#switch(active);
  }

  #start(build: Build): BuildRunner {
    const { model, log, collections, settings } = this;
    return new BuildRunner({ model, build, log, collections, settings, onChange: () => this.#changed() });
  }

  #isReadyToSwitch(): boolean {
    const { building } = this.pointer ?? {};
    return building !== undefined && this.#runners.get(building.n)?.session?.live === true;
  }

  /** The old build stops first, and the new one must reach what the old one showed: no reader goes back in time. */
  async #switch(old: Build): Promise<void> {
    const { building } = this.pointer ?? {};
    const session = building && this.#runners.get(building.n)?.session;
    if (!building || !session) return;
    const oldRunner = this.#runners.get(old.n);
    this.#runners.delete(old.n);
    await oldRunner?.stop();
    if (old.epoch === building.epoch) {
      const shown = await this.collections.checkpoints.findOne({ _id: buildId(this.model.name, old) });
      if (!(await session.reached.whenReached(positionOf(shown), MAX_SWITCH_WAIT_MS))) return;
    }
    const pointer = await this.#pointers.activate(this.model.name, building.n);
    this.#see(pointer);
    await this.#pointers.dropUnreferenced(pointer);
    this.settings.logger.info(
      { model: this.model.name, build: building.n, version: building.version },
      'read model rebuilt',
    );
  }

  #see(pointer: PointerDocument): void {
    if (this.pointer && pointer.revision < this.pointer.revision) return;
    this.pointer = pointer;
    this.#changed();
  }

  #changed(): void {
    if (this.#isReadyToSwitch()) this.#wake.abort();
    for (const listener of this.#listeners) listener();
  }
}
