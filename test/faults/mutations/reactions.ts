import type { Mutation } from './table.js';

const counter = 'test/reactions/reaction-counter.spec.ts';
const retention = 'test/event-store/retention.spec.ts';
const records = 'test/event-store/scavenged-records.spec.ts';
const ids = 'test/reactions/command-ids.spec.ts';
const rooms = 'test/reactions/room-reactions.spec.ts';

/** Guarantees of reactions, and of the retention of their streams. */
export const reactionMutations: readonly Mutation[] = [
  {
    name: 'a reaction counts once in 2 s',
    file: 'src/reactions/recent-reactions.ts',
    from: 'return entry && isRecent(entry, now) ? entry : undefined;',
    to: 'return undefined;',
    caughtBy: [[counter, 'counts once in 2 s per room, emoji and person']],
  },
  {
    name: 'a reaction whose append fails has not counted',
    file: 'src/reactions/reaction-counter.ts',
    from: 'this.recent.takeBack(key, counted);',
    to: '',
    caughtBy: [[counter, 'whose append fails has not counted']],
  },
  {
    name: 'a reaction is known from the log of all nodes',
    file: 'src/reactions/reaction-counter.ts',
    from: 'this.note(reaction);\n        if (event',
    to: 'if (event',
    caughtBy: [[counter, 'count and are told the same']],
  },
  {
    name: 'what was in the log before a process started is not told again',
    file: 'src/reactions/reaction-counter.ts',
    from: 'if (event.position > this.startedAt) this.parts',
    to: 'this.parts',
    caughtBy: [[counter, 'is known to a process that starts right after']],
  },
  {
    name: 'a reaction that does not count waits for the one that does',
    file: 'src/reactions/reaction-counter.ts',
    from: 'await before.underWay;',
    to: '',
    caughtBy: [[counter, 'counts once when two are under way']],
  },
  {
    name: 'reactions that wait fail with the append that failed',
    file: 'src/reactions/gathered-appends.ts',
    from: '[batch, ...batches.splice(0)]',
    to: '[batch]',
    caughtBy: [['test/reactions/gathered-appends.spec.ts', 'all fail with the one that failed']],
  },
  {
    name: 'a hash chain is never scavenged',
    file: 'src/event-store/embedded/retention.ts',
    from: 'metadata.hash !== undefined || ',
    to: '',
    caughtBy: [[retention, 'never touches a hash chain']],
  },
  {
    name: 'scavenging gives space back',
    file: 'src/event-store/embedded/database.ts',
    from: 'for (const { key } of records) void this.log.remove(key);',
    to: '',
    caughtBy: [[retention, 'gives the space back']],
  },
  {
    name: 'readers pass over what was scavenged',
    file: 'src/event-store/embedded/reader.ts',
    from: '!isScavenged(record) && (',
    to: '(',
    caughtBy: [[retention, 'takes what is older than its stream keeps it']],
  },
  {
    name: 'a chained event that was scavenged is damage',
    file: 'src/event-store/embedded/verify-log.ts',
    from: "if (hash !== '') return `${missing} from a hash chain`;",
    to: '',
    caughtBy: [[records, 'does not excuse an event of a hash chain']],
  },
  {
    name: 'what is gone between events is damage',
    file: 'src/event-store/embedded/verify-log.ts',
    from: 'scavengedTo !== revision - 1n &&',
    to: 'scavengedTo === -2n &&',
    caughtBy: [[records, 'is the beginning of its stream']],
  },
  {
    name: 'what is gone from a stream that keeps its events is damage',
    file: 'src/event-store/embedded/verify-log.ts',
    from: 'if (scavengedTo < 0n && !',
    to: 'if (scavengedTo < -1n && !',
    caughtBy: [[records, 'does not excuse an event of a hash chain']],
  },
  {
    name: 'a hash chain has a beginning',
    file: 'src/event-store/embedded/verify-log.ts',
    from: 'if (scavengedTo >= 0n && event',
    to: 'if (scavengedTo < -1n && event',
    caughtBy: [[records, 'does not excuse the beginning of a hash chain']],
  },
  {
    name: 'an audit finds what is gone between events',
    file: 'src/audit/verify-chain.ts',
    from: 'const begins = before === undefined && ',
    to: 'const begins = ',
    caughtBy: [[records, 'is the beginning of its stream']],
  },
  {
    name: 'what retention takes while it is verified is no damage',
    file: 'src/audit/verify-chain.ts',
    from: 'return event.revision !== revision;',
    to: 'return false;',
    caughtBy: [[retention, 'is no damage to those who verify']],
  },
  {
    name: 'a command id that was used is known from the log',
    file: 'src/reactions/reaction-counter.ts',
    from: 'this.ids.set(idOf(metadata, person), true);',
    to: '',
    caughtBy: [[ids, 'is answered as the first time']],
  },
  {
    name: 'a process that starts knows the command ids of 10 minutes',
    file: 'src/reactions/reaction-counter.ts',
    from: 'const since = this.clock() - readBackMs;',
    to: 'const since = this.clock() - countsOnceInMs;',
    caughtBy: [[ids, 'is looked for in the last 10 minutes']],
  },
  {
    name: "a reaction by someone with an invite is another person's",
    file: 'src/reactions/reaction-counter.ts',
    from: '...(anonymous && { anonymous: { room } })',
    to: '',
    caughtBy: [[counter, 'of someone with an invite']],
  },
  {
    name: 'a deleted room hears of no reactions',
    file: 'src/reactions/room-reactions.ts',
    from: "if (facts.rooms.get(room)?.status !== 'open') return;",
    to: '',
    caughtBy: [[rooms, 'when they were deleted']],
  },
  {
    name: 'who reacted is for those who may see who is there',
    file: 'src/gateway/wire/reactions.ts',
    from: "permission: 'room:viewers'",
    to: "permission: 'room:view'",
    caughtBy: [[rooms, 'are for those who may see']],
  },
  {
    name: 'retention is added to what metadata a stream has',
    file: 'src/event-store/eventstoredb/stream-metadata.ts',
    from: "expected: known?.revision ?? ('no_stream' as const)",
    to: "expected: 'any' as const",
    caughtBy: [['test/event-store/retention-served.spec.ts', 'is added to what the metadata says']],
  },
  {
    name: 'events of a large audience keep their order',
    file: 'src/gateway/broadcast.ts',
    from: ' && !this.#spreading) setImmediate',
    to: ') setImmediate',
    caughtBy: [['test/gateway/broadcast-spread.spec.ts', 'goes over several turns']],
  },
];
