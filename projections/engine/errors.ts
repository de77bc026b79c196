/** A read model did not reach the wanted position in time: the caller may ask again. */
export class NotCaughtUp extends Error {
  override readonly name = 'NotCaughtUp';
  constructor(
    readonly model: string,
    readonly wanted: bigint,
    readonly reached: bigint,
  ) {
    super(`read model ${model} is at position ${reached}, not yet at ${wanted}`);
  }
}

/** Another process took the projection over: this one must not write any more. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

export class UnknownReadModel extends Error {
  override readonly name = 'UnknownReadModel';
  constructor(readonly model: string) {
    super(`there is no read model ${model} here`);
  }
}

/** The process asked does not run this projection now, so it must not change its rows. */
export class NotProjecting extends Error {
  override readonly name = 'NotProjecting';
  constructor(readonly model: string) {
    super(`read model ${model} is projected by another process`);
  }
}
