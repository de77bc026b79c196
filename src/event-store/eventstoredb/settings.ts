/** Times of the adapter in milliseconds; tests shorten them. */
export interface Timings {
  /** How long one call waits for an answer, or a page of a read for its next event. */
  readonly attemptMs: number;
  /** After so long no further attempt is made and a call fails with StoreUnavailable: a command must be answered within 5 s. */
  readonly budgetMs: number;
  /** Pauses between the tries of a call. */
  readonly retry: { readonly first: number; readonly longest: number };
  /** Pauses between the tries to go on with a subscription. */
  readonly resume: { readonly first: number; readonly longest: number };
  /** After so long without a message a subscription compares itself with the head of the log. */
  readonly quietMs: number;
  /** How often the head of the log is asked for. */
  readonly headMs: number;
  /** A subscription that lacks an event for so long is started anew. */
  readonly stallMs: number;
  /** How long opening waits for a server that is not there yet. */
  readonly openMs: number;
}

export const defaultTimings: Timings = {
  attemptMs: 1_500,
  budgetMs: 4_000,
  retry: { first: 50, longest: 800 },
  resume: { first: 100, longest: 5_000 },
  quietMs: 100,
  headMs: 1_000,
  stallMs: 5_000,
  openMs: 30_000,
};

/** gRPC pings, unless the URL says otherwise: a connection nobody answers on is given up after both, in milliseconds. */
export const keepAlive = { interval: 10_000, timeout: 5_000 };

export interface Log {
  warn(context: object, message: string): void;
}
