import { afterEach, describe, expect, it } from '@jest/globals';
import { Broadcast } from '../../src/gateway/broadcast.js';
import { Harness, until } from './harness.js';

let harness: Harness;
afterEach(() => harness?.stop());

describe('fan-out to more sockets than one turn serves', () => {
  it('goes over several turns, in the order published, to those who are members at their turn', async () => {
    harness = await Harness.start();
    const names = Array.from({ length: 7 }, (_, n) => `user-${n}`);
    const clients = await Promise.all([...names, 'late'].map((name) => harness.client(name)));
    const broadcast = new Broadcast({ error: () => undefined }, 2);
    for (const name of names) broadcast.join(harness.connectionOf(name), 'x');
    let turn = 0;
    const perTurn = new Map<number, number>();
    const count = (): void => {
      turn++;
      if (turn < 1_000) setImmediate(count);
    };
    const permitted = (): boolean => {
      perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1);
      return true;
    };
    const publish = (n: number): void => broadcast.publish('x', 'said', { n }, permitted);
    publish(0);
    setImmediate(count);
    await until(() => perTurn.size === 1);
    // Two have heard it. What comes now waits for the others; who joins hears what comes after that.
    publish(1);
    broadcast.join(harness.connectionOf('late'), 'x');
    broadcast.leave(harness.connectionOf('user-6'), 'x');
    publish(2);
    await until(() => [...perTurn.values()].reduce((sum, one) => sum + one, 0) === 6 + 7);
    expect([...perTurn.values()].slice(0, 4)).toEqual([2, 2, 2, 2]);
    expect(Math.max(...perTurn.values())).toBe(2);
    for (const [index, client] of clients.entries()) {
      client.send(['ping', 'end']);
      const heard: unknown[] = [];
      for (let frame = await client.next(); !JSON.stringify(frame).includes('end'); frame = await client.next()) {
        heard.push((frame as [string, { n: number }])[1].n);
      }
      expect([index, heard]).toEqual([index, index === 6 ? [] : index === 7 ? [2] : [0, 1, 2]]);
    }
  });
});
