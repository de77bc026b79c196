import type { Collection, Db } from 'mongodb';
import type { CheckpointDocument } from './lease.js';
import type { Parked } from './parked-streams.js';
import type { StoredRow } from './stored-row.js';

/** One collection of rows: a read model's definition folded once over one log. */
export interface Build {
  readonly n: number;
  /** The definition's version. */
  readonly version: number;
  /** The log whose positions the rows carry. */
  readonly epoch: string;
}

/** Says which build of a read model is read, which is kept for rollback and which is being built. */
export interface PointerDocument {
  /** The read model's name. */
  readonly _id: string;
  readonly active: Build;
  readonly previous?: Build;
  readonly building?: Build;
  /** Grows with every change, so that two processes cannot change it at once. */
  readonly revision: number;
}

export interface ParkedDocument extends Omit<Parked, 'position' | 'revision' | 'heldUpTo'> {
  readonly _id: string;
  readonly model: string;
  readonly build: string;
  readonly position: string;
  readonly revision: string;
  readonly heldUpTo: string;
}

export const buildId = (model: string, build: Pick<Build, 'n'>): string => `${model}_v${build.n}`;

/** The engine's collections in the read store, documented for analysts. */
export class Collections {
  readonly pointers: Collection<PointerDocument>;
  readonly checkpoints: Collection<CheckpointDocument>;
  readonly parked: Collection<ParkedDocument>;

  constructor(readonly db: Db) {
    this.pointers = db.collection('projections');
    this.checkpoints = db.collection('projection_checkpoints');
    this.parked = db.collection('projection_parked');
  }

  rows<Row extends object = object>(id: string): Collection<StoredRow<Row>> {
    // An undefined field must be absent, as it is in memory, not null.
    return this.db.collection<StoredRow<Row>>(id, { ignoreUndefined: true });
  }
}
