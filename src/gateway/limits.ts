/** What one socket may do and how long it may take. Milliseconds, bytes and counts. Source: wire contract, sections 2 and 3. */
export interface SocketLimits {
  /** An unauthenticated socket is closed (4401) after this. */
  readonly signInMs: number;
  readonly pingEveryMs: number;
  /** A socket that did not answer a ping by then is destroyed. */
  readonly pongWithinMs: number;
  /** How often deadlines are looked at; none is met later than this. */
  readonly sweepMs: number;
  /** How long a close handshake may take before the socket is destroyed. */
  readonly closeMs: number;
  /** How long a graceful stop waits for the frames that were already received. */
  readonly drainMs: number;
  /** Larger messages close the socket (1009). */
  readonly maxFrameBytes: number;
  /** A reader for whom more than this waits is cut off (4408). */
  readonly maxBacklogBytes: number;
  /** How long a connection's next frame waits for its earlier replies to be read. */
  readonly repliesWithinMs: number;
  /** Frames that may wait before the socket is not read any further. */
  readonly maxQueuedFrames: number;
  /** Absent: neither frames, nor HTTP requests, nor sockets are counted. */
  readonly rate?: {
    /** Of one socket; a person's HTTP requests in a world together may be as many. */
    readonly framesPerSecond: number;
    readonly burst: number;
    /** Open sockets of one user of one world. */
    readonly socketsPerUser: number;
  };
}

export const defaultLimits: SocketLimits = {
  signInMs: 10_000,
  pingEveryMs: 25_000,
  pongWithinMs: 8_000,
  sweepMs: 500,
  closeMs: 3_000,
  drainMs: 2_500,
  maxFrameBytes: 64 * 1024,
  maxBacklogBytes: 1024 * 1024,
  repliesWithinMs: 2_000,
  maxQueuedFrames: 1_000,
  rate: { framesPerSecond: 100, burst: 500, socketsPerUser: 50 },
};

/** The limits as they are, or without the rate. */
export function limitsOf(rateLimit: boolean): SocketLimits {
  const { rate, ...unlimited } = defaultLimits;
  return rateLimit && rate ? { ...unlimited, rate } : unlimited;
}
