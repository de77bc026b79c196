import type { Collection } from 'mongodb';
import { LeaseLost } from './errors.js';
import { BEFORE_ALL, encodePosition } from './stored-row.js';

/** One document per build: how far it is, and which process may write it. */
export interface CheckpointDocument {
  /** Name of the build's collection. */
  readonly _id: string;
  /** 20 digits; null before the first event. */
  readonly position: string | null;
  readonly owner: string;
  /** Grows with every change of owner. */
  readonly fence: number;
  readonly expiresAt: Date;
}

export const positionOf = (checkpoint: Pick<CheckpointDocument, 'position'> | null): bigint =>
  checkpoint?.position ? BigInt(checkpoint.position) : BEFORE_ALL;

export interface LeaseOptions {
  readonly checkpoints: Collection<CheckpointDocument>;
  /** The build to write. */
  readonly id: string;
  /** Unique per holder. */
  readonly owner: string;
  readonly durationMs: number;
  /** The caller knows that no other process can be writing, so a lease left by a killed one counts for nothing. */
  readonly exclusive: boolean;
}

/**
 * The right to write one build, kept in its checkpoint document so that the checkpoint and the fence are checked and
 * written in one step. Taken over when it expired; the old holder's next write then finds another fence.
 */
export class Lease {
  readonly #options: LeaseOptions;
  #fence: number | undefined;
  /** On this process's monotonic clock, counted from before the request: never later than what is stored. */
  #validUntil = -Infinity;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** The stored position when the lease was taken, undefined while another holds it. */
  async acquire(): Promise<bigint | undefined> {
    const { checkpoints, id, owner, exclusive } = this.#options;
    const free = { position: null, owner: '', fence: 0, expiresAt: new Date(0) };
    await checkpoints.updateOne({ _id: id }, { $setOnInsert: free }, { upsert: true });
    const { expiresAt, validUntil } = this.#term();
    const takeable = exclusive ? { _id: id } : { _id: id, expiresAt: { $lte: new Date() } };
    const change = { $inc: { fence: 1 }, $set: { owner, expiresAt } };
    const taken = await checkpoints.findOneAndUpdate(takeable, change, { returnDocument: 'after' });
    if (!taken) return undefined;
    this.#fence = taken.fence;
    this.#validUntil = validUntil;
    return positionOf(taken);
  }

  /** @throws LeaseLost */
  async renew(): Promise<void> {
    await this.#update({});
  }

  /** Stores the checkpoint and renews. @throws LeaseLost, then nothing was stored */
  async saveCheckpoint(position: bigint): Promise<void> {
    this.assertHeld();
    await this.#update({ position: encodePosition(position) });
  }

  /** Lets another process take over at once. */
  async release(): Promise<void> {
    const { checkpoints, id, owner } = this.#options;
    const fence = this.#fence;
    this.#validUntil = -Infinity;
    if (fence !== undefined)
      await checkpoints.updateOne({ _id: id, owner, fence }, { $set: { expiresAt: new Date(0) } });
  }

  /** @throws LeaseLost when the term is over: another process may be writing now */
  assertHeld(): void {
    if (performance.now() >= this.#validUntil) throw new LeaseLost(`the lease on ${this.#options.id} expired`);
  }

  async #update(fields: Partial<CheckpointDocument>): Promise<void> {
    const { checkpoints, id, owner } = this.#options;
    if (this.#fence === undefined) throw new LeaseLost(`the lease on ${id} was never held`);
    const { expiresAt, validUntil } = this.#term();
    const held = { _id: id, owner, fence: this.#fence };
    const { matchedCount } = await checkpoints.updateOne(held, { $set: { ...fields, expiresAt } });
    if (matchedCount === 0) {
      this.#validUntil = -Infinity;
      throw new LeaseLost(`the lease on ${id} was taken over`);
    }
    this.#validUntil = validUntil;
  }

  #term() {
    const { durationMs } = this.#options;
    return { expiresAt: new Date(Date.now() + durationMs), validUntil: performance.now() + durationMs };
  }
}
