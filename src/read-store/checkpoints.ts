import type { Collection, Db } from 'mongodb';

interface CheckpointDocument {
  readonly _id: string;
  /** 20 digits, so that text order is number order. */
  readonly position: string;
}

/** How far each policy has come in one log: positions of another epoch mean nothing in it. */
export class Checkpoints {
  private readonly collection: Collection<CheckpointDocument>;

  constructor(
    db: Db,
    private readonly epoch: string,
  ) {
    this.collection = db.collection('policy_checkpoints');
  }

  /** -1n before the first. */
  async load(name: string): Promise<bigint> {
    const found = await this.collection.findOne({ _id: this.idOf(name) });
    return found ? BigInt(found.position) : -1n;
  }

  /** Never goes back; the position of a log that is still empty is none. */
  async save(name: string, position: bigint): Promise<void> {
    if (position < 0n) return;
    const text = String(position).padStart(20, '0');
    await this.collection.updateOne({ _id: this.idOf(name) }, { $max: { position: text } }, { upsert: true });
  }

  private idOf(name: string): string {
    return `${name}@${this.epoch}`;
  }
}
