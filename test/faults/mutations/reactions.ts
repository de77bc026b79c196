import type { Mutation } from './table.js';

const counter = 'test/reactions/reaction-counter.spec.ts';
const retention = 'test/event-store/retention.spec.ts';

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
    caughtBy: [[retention, 'does not excuse an event of a hash chain']],
  },
  {
    name: 'events of a large audience keep their order',
    file: 'src/gateway/broadcast.ts',
    from: ' && !this.#spreading) setImmediate',
    to: ') setImmediate',
    caughtBy: [['test/gateway/broadcast-spread.spec.ts', 'goes over several turns']],
  },
];
