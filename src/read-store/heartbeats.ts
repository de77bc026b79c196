import type { Collection, Db } from 'mongodb';

interface NodeDocument {
  readonly _id: string;
  /** Grows for as long as the process runs. */
  readonly beat: number;
  /** By the read store's clock: those of the processes are not compared. Older versions did not write it. */
  readonly at?: Date;
}

/** The last sign of life of a process. */
export interface Heartbeat {
  readonly beat: number;
  /** Epoch milliseconds by the read store's clock, if known. */
  readonly at: number | undefined;
}

/** Signs of life of the processes that share a read store, in the collection `nodes`. */
export class Heartbeats {
  private readonly collection: Collection<NodeDocument>;

  constructor(db: Db) {
    this.collection = db.collection('nodes');
  }

  /** One more sign of life. */
  async beat(node: string): Promise<void> {
    await this.collection.updateOne({ _id: node }, { $inc: { beat: 1 }, $currentDate: { at: true } }, { upsert: true });
  }

  /** The last ones of these nodes; a node that has none is missing. */
  async of(nodes: readonly string[]): Promise<Map<string, Heartbeat>> {
    const found = await this.collection.find({ _id: { $in: [...nodes] } }).toArray();
    return new Map(found.map(({ _id, beat, at }) => [_id, { beat, at: at?.getTime() }]));
  }

  /** The node has ended, or was declared lost; one that was not begins anew with its next beat. */
  async forget(node: string): Promise<void> {
    await this.collection.deleteOne({ _id: node });
  }
}
