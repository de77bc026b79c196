import { describe, expect, it } from '@jest/globals';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { StoreUnavailable } from '../../src/event-store/event-store.js';
import { isOutage } from '../../src/health/outage.js';

describe('an outage of a store', () => {
  it.each([
    new StoreUnavailable('away'),
    new MongoNetworkError('cut off'),
    Object.assign(new Error('write ECONNRESET'), { code: 'ECONNRESET', syscall: 'write' }),
  ])('is %s', (error) => {
    expect(isOutage(error)).toBe(true);
  });

  it.each([
    new Error('a fault of ours'),
    new MongoServerError({ message: 'bad query' }),
    { code: 'ECONNRESET' },
    undefined,
  ])('is not %s', (error) => {
    expect(isOutage(error)).toBe(false);
  });
});
