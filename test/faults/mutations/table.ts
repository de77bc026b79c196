/** A guarantee taken out of the program, and the tests that must notice. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** A spec, and the beginning of the title of its test that must fail. */
  readonly caughtBy: readonly (readonly [spec: string, title: string])[];
  /** The tests start the built server. */
  readonly built?: true;
}

const handle = 'test/eventsourcing/handle.spec.ts';
const killNine = ['test/faults/kill-nine.spec.ts', 'keeps what it acknowledged'] as const;
const flushed = [
  ['test/faults/embedded-log-flush.spec.ts', 'flushes before each of the answers'],
  ['test/faults/acknowledged.spec.ts', 'is on disk before the answer leaves'],
] as const;

export const mutations: readonly Mutation[] = [
  {
    name: 'a resend is looked up',
    file: 'src/eventsourcing/handle.ts',
    from: 'if (first) return first;',
    to: 'if (first && onlyResend) return first;',
    caughtBy: [[handle, 'answers a resend with the first success']],
  },
  {
    name: 'commands of one stream take turns',
    file: 'src/eventsourcing/handle.ts',
    from: 'if (before) await before.catch(() => undefined);',
    to: '',
    caughtBy: [[handle, 'lets 50 commands of one process through without a conflict']],
  },
  {
    name: 'an append needs the expected revision',
    file: 'src/event-store/embedded/writer.ts',
    from: 'if (required !== actual) {',
    to: 'if (required > actual) {',
    caughtBy: [['test/contract/event-store-embedded.spec.ts', 'lets exactly one of 20 parallel writers win']],
  },
  {
    name: 'a commit is flushed (noSync)',
    file: 'src/event-store/embedded/database.ts',
    from: 'overlappingSync: false,',
    to: 'overlappingSync: false, noSync: true,',
    caughtBy: flushed,
    built: true,
  },
  {
    name: 'an append is answered after its commit',
    file: 'src/event-store/embedded/writer.ts',
    from: 'await this.db.commit(encodeRecords(events));',
    to: 'void this.db.commit(encodeRecords(events)); await nextTurn();',
    caughtBy: flushed,
    built: true,
  },
  {
    name: 'one process writes the log',
    file: 'src/lmdb/writer-lock.ts',
    from: "if (rival !== 'dead') throw this.refusal(rival.pid);",
    to: "if (rival !== 'dead') continue;",
    caughtBy: [['test/faults/embedded-log-lock.spec.ts', 'refuses a second process by name']],
  },
  {
    name: 'a record has to match its checksum',
    file: 'src/event-store/embedded/record.ts',
    from: "if (crc32(bytes.subarray(4)) !== bytes.readUInt32BE(0)) throw new CorruptEvent(position, 'its checksum differs');",
    to: '',
    caughtBy: [['test/faults/damaged-events.spec.ts', 'is refused by name, whichever byte it was']],
  },
  {
    name: 'the log is checked before it is opened',
    file: 'src/event-store/embedded/check.ts',
    from: 'if (problem !== undefined) throw refuse(dir,',
    to: "if (problem === '') throw refuse(dir,",
    caughtBy: [['test/faults/damaged-files.spec.ts', 'refuses to start on a file zeroed']],
    built: true,
  },
  {
    name: 'a row is only replaced by a newer one',
    file: 'projections/engine/mongo-sink.ts',
    from: 'const older = { _id, position: { $lt: replacement.position } };',
    to: 'const older = { _id };',
    caughtBy: [['test/projections/lease.spec.ts', 'does not let an older row replace a newer one']],
  },
  {
    name: 'the checkpoint is written after the rows',
    file: 'projections/engine/session.ts',
    from: 'if (rows.size > 0) await sink.writeRows(rows);',
    to: 'await sink.saveCheckpoint(position); if (rows.size > 0) await sink.writeRows(rows);',
    caughtBy: [['test/projections/session.spec.ts', 'comes to the cold replay for every sequence']],
  },
  {
    name: 'follow-ups are made good before anyone is let in',
    file: 'src/app.module.ts',
    from: 'await Promise.all(this.runners.map((runner) => runner.start()));',
    to: '',
    caughtBy: [['test/faults/cut-off.spec.ts', 'is made good before anyone is let in']],
    built: true,
  },
  {
    name: 'permission is asked at delivery',
    file: 'src/gateway/broadcast.ts',
    from: 'if (permitted && !this.#may(connection, permitted)) continue;',
    to: 'if (permitted && !this.#may(connection, () => true)) continue;',
    caughtBy: [['test/gateway/broadcast.spec.ts', 'asks for permission at delivery'], killNine],
    built: true,
  },
  {
    name: 'every event of a commit is told',
    file: 'src/gateway/live-log.ts',
    from: 'for (const event of events) {',
    to: 'for (const event of events.slice(-1)) {',
    caughtBy: [killNine],
    built: true,
  },
  {
    name: 'a connection’s frames are handled one at a time',
    file: 'src/gateway/connection.ts',
    from: 'await this.#handle(frame);',
    to: 'void this.#handle(frame);',
    caughtBy: [['test/gateway/connection.spec.ts', 'are handled one at a time']],
  },
  {
    name: 'a slow reader is cut off',
    file: 'src/gateway/connection.ts',
    from: 'if (waiting > 0 && waiting + frames.length > this.#host.limits.maxBacklogBytes) {',
    to: 'if (waiting > 64 * this.#host.limits.maxBacklogBytes) {',
    caughtBy: [['test/faults/slow-readers.spec.ts', 'are cut off']],
  },
];
