import { meetingMutations } from './meetings.js';
import { reactionMutations } from './reactions.js';

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
const hazards = 'test/event-store/eventstoredb-hazards.spec.ts';
const readModels = 'test/faults/read-models.spec.ts';
const eventStreams = 'test/gateway/event-streams.spec.ts';
const killNine = ['test/faults/kill-nine.spec.ts', 'keeps what it acknowledged'] as const;
const flushed = [
  ['test/faults/embedded-log-flush.spec.ts', 'flushes before each of the answers'],
  ['test/faults/acknowledged.spec.ts', 'is on disk before the answer leaves'],
] as const;

export const mutations: readonly Mutation[] = [
  ...reactionMutations,
  ...meetingMutations,
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
    caughtBy: [
      ['test/projections/session.spec.ts', 'comes to the cold replay for every sequence'],
      [readModels, 'comes to the cold replay of real events'],
    ],
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
  {
    name: 'an unknown action is refused, not a fault of the server',
    file: 'src/gateway/dispatch.ts',
    from: "if (!entry) throw new Refused('protocol.unknown_command');",
    to: "if (!entry) throw new Error('unknown action');",
    caughtBy: [['test/faults/malformed-frames.spec.ts', 'are answered, change nothing']],
    built: true,
  },
  {
    name: 'a decision has event ids of its own',
    file: 'src/eventsourcing/ids.ts',
    from: 'stream, index, correlationId, now]',
    to: 'stream, index]',
    caughtBy: [[handle, 'keeps the chain when two processes carry out one command']],
  },
  {
    name: 'a damaged read store is built again',
    file: 'src/read-store/embedded/embedded-read-store.ts',
    from: 'return startEmpty(dir, damage);',
    to: 'throw new Error(damage);',
    caughtBy: [['test/faults/damaged-files.spec.ts', 'builds it again from the log']],
    built: true,
  },
  {
    name: 'history ends where the live log is',
    file: 'src/gateway/event-streams/event-streams.ts',
    from: 'position < this.live.position) {',
    to: 'position < -1n) {',
    caughtBy: [['test/gateway/event-streams-handover.spec.ts', 'there is no gap and no duplicate']],
  },
  {
    name: 'permission is asked for each event that is followed',
    file: 'src/gateway/event-streams/event-streams.ts',
    from: 'return !need || this.access.can(session, need.permission, need.room);',
    to: 'return true;',
    caughtBy: [[eventStreams, 'asks for permission for each event when it is sent']],
  },
  {
    name: 'history waits for its reader',
    file: 'src/gateway/event-streams/event-streams.ts',
    from: '&& connection.backlog < historyBacklog;',
    to: ';',
    caughtBy: [[eventStreams, 'gets its history as it reads']],
  },
  {
    name: 'EventStoreDB hazard 1: what is no JSON never reaches the client',
    file: 'src/event-store/eventstoredb/prepare.ts',
    from: 'if (fault !== undefined) throw new TypeError(',
    to: "if (fault === '') throw new TypeError(",
    caughtBy: [[hazards, '1: a BigInt in an event']],
  },
  {
    name: 'EventStoreDB hazard 2: a call has a time limit of ours',
    file: 'src/event-store/eventstoredb/connection.ts',
    from: 'Math.min(this.timings.attemptMs, deadline - startedAt)',
    to: '2 ** 30',
    caughtBy: [[hazards, '2: an append without an answer']],
  },
  {
    name: 'EventStoreDB hazard 3: an append whose answer was lost is known again',
    file: 'src/event-store/eventstoredb/eventstoredb-event-store.ts',
    from: 'const earlier = await this.earlierAnswer(append, error.actual, deadline);',
    to: 'const earlier = undefined;',
    caughtBy: [[hazards, '3: a wrong revision that is the answer to a resend']],
  },
  {
    name: 'EventStoreDB hazard 4: nothing is thrown at a checkpoint',
    file: 'src/event-store/eventstoredb/supervisor.ts',
    from: 'arrivals.nudge();',
    to: "throw new Error('planted');",
    caughtBy: [[hazards, '4: checkpoints move a subscription on']],
  },
  {
    name: 'EventStoreDB hazard 5: a subscription that ended is taken up again',
    file: 'src/event-store/eventstoredb/supervisor.ts',
    from: 'if (ended !== undefined) {',
    to: 'if (ended === null) {',
    caughtBy: [[hazards, '5: after an end']],
  },
  {
    name: 'EventStoreDB hazard 6: a subscription that stands still is seen',
    file: 'src/event-store/eventstoredb/supervisor.ts',
    from: 'if (arrived.length === 0 && heads.known > this.position) await this.compareWithLog();',
    to: '',
    caughtBy: [[hazards, '6: a subscription that stands still']],
  },
  {
    name: 'EventStoreDB hazard 7: metadata of others is made an object',
    file: 'src/event-store/eventstoredb/recorded.ts',
    from: 'asObject(asJson(event.metadata)) as Metadata',
    to: 'event.metadata as Metadata',
    caughtBy: [[hazards, '7: events that others wrote']],
  },
  {
    name: 'EventStoreDB hazard 8: an expected revision is sent',
    file: 'src/event-store/eventstoredb/batch-append.ts',
    from: "if (expected === 'any') return",
    to: 'return',
    caughtBy: [[hazards, '8: only `any` goes without']],
  },
  {
    name: 'EventStoreDB hazard 9: positions have gaps',
    file: 'src/event-store/eventstoredb/supervisor.ts',
    from: 'event.position <= this.position) continue;',
    to: 'event.position !== this.position + 1n) continue;',
    caughtBy: [[hazards, '9: positions have gaps']],
  },
];
