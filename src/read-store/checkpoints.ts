import type { Collection, Db } from 'mongodb';

interface CheckpointDocument {
  readonly _id: string;
  /** 20 digits, so that text order is number order. */
  readonly position: string;
}

/** How far each policy has come in the log. */
export class Checkpoints {
  private readonly collection: Collection<CheckpointDocument>;

  constructor(db: Db) {
    this.collection = db.collection('policy_checkpoints');
  }

  /** -1n before the first. */
  async load(name: string): Promise<bigint> {
    const found = await this.collection.findOne({ _id: name });
    return found ? BigInt(found.position) : -1n;
  }

  /** Never goes back. */
  async save(name: string, position: bigint): Promise<void> {
    const text = String(position).padStart(20, '0');
    await this.collection.updateOne({ _id: name }, { $max: { position: text } }, { upsert: true });
  }
}
