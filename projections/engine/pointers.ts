import { buildId } from './collections.js';
import type { Build, Collections, PointerDocument } from './collections.js';
import type { ReadModel } from './read-model.js';

const DUPLICATE_KEY = 11000;
const MAX_TRIES = 10;

/** True when rows of the build are what this definition makes of this log. */
export const fits = (build: Build, model: ReadModel, epoch: string): boolean =>
  build.version === model.version && build.epoch === epoch;

/** Reads and changes the pointer documents. Every change is one atomic step from the state it was decided on. */
export class Pointers {
  constructor(private readonly collections: Collections) {}

  async get(name: string): Promise<PointerDocument | undefined> {
    return (await this.collections.pointers.findOne({ _id: name })) ?? undefined;
  }

  /**
   * Called when a process starts: the first build is active at once. When the active one is of another version or
   * log, the build that fits is resumed (the previous one after a rollback of the code), or a new one is begun.
   */
  settle(model: ReadModel, epoch: string): Promise<PointerDocument> {
    return this.#change(model.name, (pointer) => {
      if (!pointer) return { active: { n: 1, version: model.version, epoch } };
      const { active, previous, building } = pointer;
      if (fits(active, model, epoch) || (building && fits(building, model, epoch))) return undefined;
      const resumed = previous && fits(previous, model, epoch) ? previous : next(pointer, model, epoch);
      return { ...pointer, building: resumed };
    });
  }

  /** Begins a new build beside the active one, unless one for this definition is under way. */
  beginRebuild(model: ReadModel, epoch: string): Promise<PointerDocument> {
    return this.#change(model.name, (pointer) => {
      if (!pointer) return { active: { n: 1, version: model.version, epoch } };
      if (pointer.building && fits(pointer.building, model, epoch)) return undefined;
      return { ...pointer, building: next(pointer, model, epoch) };
    });
  }

  /** Makes the build the active one, and keeps the one it replaces. */
  activate(name: string, n: number): Promise<PointerDocument> {
    return this.#change(name, (pointer) => {
      if (pointer?.building?.n !== n) return undefined;
      return { active: pointer.building, previous: pointer.active };
    });
  }

  /** Drops what is older than the previous build. Called after a switch, and at start for what a crash left behind. */
  async dropUnreferenced({ _id: name, active, previous, building }: PointerDocument): Promise<void> {
    const { db, checkpoints, parked } = this.collections;
    const kept = new Set([active, previous, building].map((build) => build?.n));
    const newest = Math.max(active.n, previous?.n ?? 0);
    const ids = await checkpoints.find({}, { projection: { _id: 1 } }).toArray();
    for (const { _id: id } of ids) {
      const n = buildNumber(name, id);
      // A newer one may have been begun after the pointer was read.
      if (n === undefined || n > newest || kept.has(n)) continue;
      await db.dropCollection(id).catch(ignoreMissing);
      await parked.deleteMany({ build: id });
      await checkpoints.deleteOne({ _id: id });
    }
  }

  async #change(
    name: string,
    decide: (
      pointer: PointerDocument | undefined,
    ) => Pick<PointerDocument, 'active' | 'previous' | 'building'> | undefined,
  ): Promise<PointerDocument> {
    const { pointers } = this.collections;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const current = await this.get(name);
      const decided = decide(current);
      if (!decided) {
        if (current) return current;
        throw new Error(`read model ${name} has no pointer yet`);
      }
      const changed = { ...decided, _id: name, revision: (current?.revision ?? 0) + 1 };
      if (current) {
        const { _id, ...replacement } = changed;
        const { matchedCount } = await pointers.replaceOne({ _id, revision: current.revision }, replacement);
        if (matchedCount === 1) return changed;
      } else {
        const inserted = await pointers.insertOne(changed).catch(ignoreDuplicate);
        if (inserted) return changed;
      }
    }
    throw new Error(`the pointer of read model ${name} keeps changing`);
  }
}

function next({ active, previous, building }: PointerDocument, model: ReadModel, epoch: string): Build {
  const n = Math.max(active.n, previous?.n ?? 0, building?.n ?? 0) + 1;
  return { n, version: model.version, epoch };
}

function buildNumber(name: string, id: string): number | undefined {
  const prefix = buildId(name, { n: 0 }).slice(0, -1);
  const digits = id.startsWith(prefix) ? id.slice(prefix.length) : '';
  return /^\d+$/.test(digits) ? Number(digits) : undefined;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function ignoreDuplicate(error: unknown): undefined {
  if (codeOf(error) !== DUPLICATE_KEY) throw error;
}

function ignoreMissing(error: unknown): void {
  const NAMESPACE_NOT_FOUND = 26;
  if (codeOf(error) !== NAMESPACE_NOT_FOUND) throw error;
}
