import type { Collection, Db } from 'mongodb';

interface NodeDocument {
  readonly _id: string;
  /** Grows for as long as the process runs. Only whether it moved counts: no clocks are compared. */
  readonly beat: number;
}

/** Signs of life of the processes that share a read store, in the collection `nodes`. */
export class Heartbeats {
  private readonly collection: Collection<NodeDocument>;

  constructor(db: Db) {
    this.collection = db.collection('nodes');
  }

  /** One more sign of life. */
  async beat(node: string): Promise<void> {
    await this.collection.updateOne({ _id: node }, { $inc: { beat: 1 } }, { upsert: true });
  }

  /** The counters of these nodes; one that has none is missing. */
  async of(nodes: readonly string[]): Promise<Map<string, number>> {
    const found = await this.collection.find({ _id: { $in: [...nodes] } }).toArray();
    return new Map(found.map(({ _id, beat }) => [_id, beat]));
  }

  /** The node has ended, or was declared lost; one that was not begins anew with its next beat. */
  async forget(node: string): Promise<void> {
    await this.collection.deleteOne({ _id: node });
  }
}
