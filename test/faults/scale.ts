/** `npm run test:faults` sets `FAULTS=long`; without it the fault suite takes a few minutes. */
export const isLong = process.env.FAULTS === 'long';

const either = (short: number, long: number): number => (isLong ? long : short);

/** How much each fault test does. Everything that differs between the two forms is here. */
export const scale = {
  /** `kill -9` under load, each followed by a restart; so many in one log, and so many logs. */
  kills: Number(process.env.FAULT_ROUNDS ?? either(12, 25)),
  killSeries: either(1, 20),
  /** Connections that write at the same time. */
  writers: 50,
  /** Commands acknowledged by a server whose system calls are traced. */
  tracedCommands: either(100, 1_000),
  /** Events of each type of which every byte is flipped. */
  flippedPerType: either(1, 5),
  /** Pages of the data file that are zeroed, one at a time, before a server is started on it. */
  zeroedPages: either(3, 24),
  /** Lengths the data file is cut to, one at a time, before a server is started on it. */
  cutLengths: either(3, 12),
  /** How long a test of damaged files may take: a server is started for each damage. */
  damagedFilesMs: either(120_000, 600_000),
  /** Random histories, each with crashes, per read model. */
  crashRuns: either(60, 1_000),
  /** Open sockets, one in 20 of which reads nothing. */
  sockets: either(200, 1_000),
  /** Events sent to each of them, per run. */
  fanOutEvents: either(120, 300),
  /** Runs with and without slow readers, in turns. */
  fanOutRuns: either(1, 3),
  /** How long the event store is away or frozen, in milliseconds. */
  downMs: either(3_000, 20_000),
  frozenMs: either(6_000, 30_000),
  /** Connections that enter, leave, drop and return at random, and for how long. */
  stormSockets: either(100, 1_000),
  stormMs: either(6_000, 60_000),
  /** The longest pause of a connection between two things it does. */
  stormPauseMs: either(20, 1_000),
  /** Slots that 200 bookings each want at once. */
  bookingRounds: either(10, 100),
  /** `kill -9` while meetings are booked, moved and answered. */
  bookingKills: either(4, 50),
  malformedFrames: either(5_000, 50_000),
  /** What is measured has bounds in the long form only: in the short one other tests share the machine. */
  maxCutOffMs: either(Infinity, 10_000),
  maxHeapGrowth: either(Infinity, 1.1),
} as const;
