import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Execution, withExecution } from '../../src/eventsourcing/execution.js';
import { NotResent } from '../../src/eventsourcing/handle.js';
import { React } from '../../src/reactions/reactions.commands.js';
import { ReactHandler } from '../../src/reactions/reactions.handlers.js';
import { alice } from '../spec/decider-spec.js';
import { Clock, Node, ReactionLog } from './nodes.js';

let log: ReactionLog;
let clock: Clock;
const nodes: Node[] = [];

beforeEach(async () => {
  log = await ReactionLog.open();
  clock = new Clock();
});

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
  await log.close();
});

async function start(name = 'a'): Promise<Node> {
  const node = await new Node(log.store, clock, name).follow();
  nodes.push(node);
  return node;
}

describe('a command id that was used', () => {
  const sent = { commandId: 'c-1' };
  const nothingNew = { position: -1n };

  /** Gives the command as the bus does. */
  const give = (node: Node, who: string, over: object = {}, execution: Partial<Execution> = {}) => {
    const command = Object.assign(new React(), { room: 'r1', reaction: '👏' });
    const context = node.contextOf(who, { ...sent, ...over });
    return new ReactHandler(node.counter).execute(withExecution(command, { context, onlyResend: false, ...execution }));
  };

  it('is answered as the first time, on any node, and nothing is appended', async () => {
    const [one, two] = [await start('a'), await start('b')];
    const { position } = await give(one, 'bob');
    await Promise.all([one.saw(position), two.saw(position)]);
    clock.ms += 9 * 60_000;
    for (const node of [one, two]) {
      expect(await give(node, 'bob')).toEqual(nothingNew);
      // Who lost the right meanwhile is answered too.
      expect(await give(node, 'bob', {}, { onlyResend: true })).toEqual(nothingNew);
    }
    const restarted = new Node(log.store, clock, 'c');
    await restarted.counter.start();
    expect(await give(restarted, 'bob')).toEqual(nothingNew);
    expect(await log.events()).toHaveLength(1);
  });

  it('is remembered for its person in its world alone', async () => {
    const node = await start();
    await node.saw((await give(node, 'bob')).position);
    await expect(give(node, 'eve', {}, { onlyResend: true })).rejects.toThrow(NotResent);
    clock.ms += 2_000;
    expect(await give(node, 'bob', {}, { anonymous: true })).toEqual({ position: 1n });
    expect(await give(node, 'eve')).toEqual({ position: 2n });
    expect(await give(node, 'bob', { world: 'other' })).toEqual({ position: 3n });
    expect(await give(node, 'bob', { commandId: 'c-2' })).toEqual(nothingNew);
    clock.ms += 2_000;
    expect(await give(node, 'bob', { commandId: 'c-2' })).toEqual({ position: 4n });
  });

  it('is looked for in the last 10 minutes when a process starts, also behind events without a time', async () => {
    const node = await start();
    await give(node, 'bob');
    clock.ms += 5 * 60_000;
    await give(node, 'eve');
    const metadata = { ...alice, schema: 1, at: '' };
    await log.store.append('foreign-1', 'any', [{ id: '1', type: 'Note', data: {}, metadata }]);
    clock.ms += 6 * 60_000;
    const restarted = new Node(log.store, clock, 'c');
    await restarted.counter.start();
    expect(await give(restarted, 'eve')).toEqual(nothingNew);
    await expect(give(restarted, 'bob', {}, { onlyResend: true })).rejects.toThrow(NotResent);
  });
});
