import type { QueryBus } from '@nestjs/cqrs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readerOf } from '../../src/eventsourcing/execution.js';
import { SlotsController } from '../../src/rest/slots.controller.js';

const caller = { world: 'demo', userId: 'ada', traits: [], profile: {} };
const good = 'users=ada&startDate=2031-05-05T00:00:00Z&endDate=2031-05-06T00:00:00Z';

/** A process at position 5 of a log that reaches to 9. */
class Behind {
  readonly live = {
    position: 5n,
    reached: (position: bigint): Promise<void> | undefined => {
      if (position <= this.live.position) return undefined;
      return new Promise((resolve) => (this.#reach = resolve));
    },
  };
  /** The positions that queries were given. */
  readonly asked: bigint[] = [];
  #reach: () => void = () => undefined;

  get(after: string): Promise<unknown> {
    const queries = { execute: async (query: object) => void this.asked.push(readerOf(query).after) };
    const store = { epoch: 'e', head: async () => 9n };
    const controller = new SlotsController(queries as Pick<QueryBus, 'execute'> as QueryBus, this.live, store);
    const request = { url: `/slots?${good}&after=${after}` } as FastifyRequest;
    const reply = { header: () => reply } as Pick<FastifyReply, 'header'> as FastifyReply;
    return controller.slots(request, reply, caller);
  }

  readOn(): void {
    this.live.position = 9n;
    this.#reach();
  }
}

describe('GET /slots with a position', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('waits until this process has read it', async () => {
    const behind = new Behind();
    const answer = behind.get('e.9');
    await jest.advanceTimersByTimeAsync(4_900);
    expect(behind.asked).toEqual([]);
    behind.readOn();
    await answer;
    expect(behind.asked).toEqual([9n]);
    await behind.get('e.3');
    expect(behind.asked).toEqual([9n, 9n]);
  });

  it('is server.unavailable where that takes longer than 5 s', async () => {
    const behind = new Behind();
    const answer = behind.get('e.9').catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await answer).toMatchObject({ code: 'server.unavailable' });
    expect(behind.asked).toEqual([]);
  });

  it('is refused for another log, beyond the end and what is no position', async () => {
    const behind = new Behind();
    await expect(behind.get('f.3')).rejects.toMatchObject({ code: 'reset_required' });
    await expect(behind.get('e.10')).rejects.toMatchObject({ code: 'reset_required' });
    await expect(behind.get('3')).rejects.toMatchObject({ code: 'protocol.invalid', details: [{ field: 'after' }] });
    expect(behind.asked).toEqual([]);
  });
});
