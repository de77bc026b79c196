import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EnvelopeClient } from './support/envelope.js';
import { temporaryServers, tokenFor, type ServerProcess } from './support/server.js';

interface Explained {
  readonly slots: readonly { readonly startDate: string; readonly endDate: string }[];
  readonly gaps: readonly { readonly reasons: readonly { readonly user?: string }[] }[];
}

const day = { startDate: '2031-05-05T00:00:00Z', endDate: '2031-05-06T00:00:00Z' };
const nine = { startDate: '2031-05-05T09:00:00.000Z', endDate: '2031-05-05T17:00:00.000Z' };

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let token = '';
let position = '';

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
  token = await tokenFor('bob', [], { zoneinfo: 'UTC', email: 'Bob@Example.org' });
  const client = await EnvelopeClient.signedIn(server, token);
  const { event } = await client.reply('meeting:setUserAvailability', {
    availability: { status: 'Available', dates: [nine] },
    localDate: day.startDate,
  });
  client.close();
  position = event?.position ?? '';
});

afterAll(() => servers.remove());

async function explain(parameters: Record<string, string>, status = 200): Promise<Explained> {
  const url = `${server.url}/slots?${new URLSearchParams({ ...day, ...parameters })}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(status);
  return (await answer.json()) as Explained;
}

describe('GET /slots', () => {
  it('names people as the caller did: who was asked for by e-mail only is not told by id', async () => {
    const namesFor = async (users: string): Promise<unknown[]> => {
      const { gaps } = await explain({ users });
      return gaps.flatMap(({ reasons }) => reasons.map(({ user }) => user));
    };
    expect(await namesFor('bob')).toEqual(['bob', 'bob']);
    expect(await namesFor('BOB@example.org')).toEqual(['BOB@example.org', 'BOB@example.org']);
    expect(await namesFor('bob,bob@example.org')).toEqual(['bob', 'bob']);
    expect(await namesFor('bob@example.org,bob')).toEqual(['bob', 'bob']);
  });

  it('knows what happened up to a position, and none of another log', async () => {
    const [, digits = ''] = position.split('.');
    expect(digits).not.toBe('');
    expect((await explain({ users: 'bob', after: position })).slots).toEqual([nine]);
    for (const unreachable of [`another.${digits}`, `${position}000`])
      expect(await explain({ users: 'bob', after: unreachable }, 409)).toMatchObject({ code: 'reset_required' });
    expect(await explain({ users: 'bob', after: digits }, 400)).toMatchObject({ code: 'protocol.invalid' });
  });
});
