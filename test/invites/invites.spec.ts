import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  openEmbeddedEventStore,
  type EmbeddedEventStore,
} from '../../src/event-store/embedded/embedded-event-store.js';
import { StoreUnavailable, type EventStore } from '../../src/event-store/event-store.js';
import { withExecution } from '../../src/eventsourcing/execution.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';
import { InviteLookup } from '../../src/invites/invite-lookup.js';
import { GetInviteLink } from '../../src/invites/invites.commands.js';
import { GetInviteLinkHandler, newToken, type InviteLink } from '../../src/invites/invites.handlers.js';
import { inviteTokens, roomInvites } from '../../src/invites/invites.js';
import { SignInService } from '../../src/identity/sign-in.js';
import { Tokens } from '../../src/identity/tokens.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { alice } from '../spec/decider-spec.js';

const registry = new EventRegistry(inviteTokens.events, roomInvites.events);

let dir: string;
let store: EmbeddedEventStore;
let commands = 0;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'convoke-invites-'));
  store = await openEmbeddedEventStore({ dir });
});

afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true });
});

/** A server of its own on the one log. */
function server(log: EventStore = store) {
  const loop = new CommandLoop(log, registry);
  const handler = new GetInviteLinkHandler(loop, { publicUrl: 'https://vnls.io' });
  return {
    lookup: new InviteLookup(loop),
    ask: (room: string, commandId = `c-${++commands}`, now = alice.now): Promise<InviteLink> => {
      const command = Object.assign(new GetInviteLink(), { room });
      return handler.execute(withExecution(command, { context: { ...alice, commandId, now }, onlyResend: false }));
    },
  };
}

async function eventsOf(type: string): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of store.readAll()) if (event.type === type) events.push(event);
  return events;
}

const tokenOf = (url: string): string => url.slice('https://vnls.io/'.length);

describe('a link', () => {
  it('is one of a room, whoever asks for it at the same time on whatever server', async () => {
    const servers = [server(), server(), server()];
    const links = await Promise.all(Array.from({ length: 30 }, (_one, n) => servers[n % 3]?.ask('r1')));
    expect(new Set(links.map((link) => link?.url)).size).toBe(1);
    expect(await eventsOf('InviteCreated')).toHaveLength(1);
    const head = await store.head();
    const again = await server().ask('r1');
    expect(again.url).toBe(links[0]?.url);
    expect(again.position).toBeLessThanOrEqual(head);
    expect(await store.head()).toBe(head);
  });

  it('is of six characters, each of 62 as likely as any other', async () => {
    expect(tokenOf((await server().ask('r1')).url)).toMatch(/^[A-Za-z0-9]{6}$/);
    const characters = Array.from({ length: 20_000 }, newToken).join('');
    const seen = new Map<string, number>();
    for (const character of characters) seen.set(character, (seen.get(character) ?? 0) + 1);
    expect(seen.size).toBe(62);
    // Six standard deviations; the remainder of a byte would make some a quarter as likely again.
    const mean = characters.length / 62;
    const far = [...seen.values()].filter((count) => Math.abs(count - mean) > 6 * Math.sqrt(mean));
    expect(far).toEqual([]);
  });

  it('lets in where it was given out, at once on every server', async () => {
    const { url, position } = await server().ask('r1');
    const { lookup } = server();
    const expiresAt = '2026-04-01T09:00:00.000Z';
    expect(await lookup.find(tokenOf(url))).toEqual({ room: 'r1', expiresAt, position });
    for (const token of ['', 'aaaaa', 'aaaaaaa', '../../', 'AAAAA*', '______']) {
      expect(await lookup.find(token)).toBeUndefined();
    }
  });

  it('is asked for again after a crash between its two streams; what was left out there lets nobody in', async () => {
    let failed = false;
    const failing: EventStore = Object.create(store, {
      append: {
        value: (...[stream, ...rest]: Parameters<EventStore['append']>) => {
          if (failed || !stream.startsWith('room_invites-')) return store.append(stream, ...rest);
          failed = true;
          return Promise.reject(new StoreUnavailable('cut off'));
        },
      },
    });
    const { ask } = server(failing);
    await expect(ask('r1', 'same')).rejects.toThrow(StoreUnavailable);
    const [reserved] = await eventsOf('InviteTokenReserved');
    const { lookup } = server();
    expect(await lookup.find(String(reserved?.data.token))).toBeUndefined();
    const { url } = await ask('r1', 'same');
    expect((await lookup.find(tokenOf(url)))?.room).toBe('r1');
    expect((await ask('r1', 'same')).url).toBe(url);
    expect(await eventsOf('InviteCreated')).toHaveLength(1);
  });

  it('lets in until it is over', async () => {
    const { ask, lookup } = server();
    const day = 24 * 60 * 60 * 1_000;
    const given = async (days: number): Promise<string> => {
      const now = new Date(Date.now() - days * day).toISOString();
      return tokenOf((await ask(`since-${days}`, undefined, now)).url);
    };
    const [over, open] = [await given(90), await given(89)];
    const row = { ...emptyConfig, world: 'demo', status: 'open', name: 'x', sorting_priority: 1, grants: [] } as const;
    const facts = { worlds: new Map(), rooms: new Map([90, 89].map((days) => [`since-${days}`, row])) };
    const tokens = new Tokens({ secret: undefined, jwksUrl: undefined, issuer: undefined, audience: 'convoke' });
    const signIns = new SignInService(
      tokens,
      new CommandLoop(store, registry),
      facts,
      { reached: () => undefined },
      lookup,
      // Who comes with an invite is nobody's to know.
      { record: () => Promise.reject(new Error('recorded')) },
    );
    const signIn = (invite_token: string) => signIns.signIn({ client_id: 'c', invite_token }, 'demo');
    await expect(signIn(over)).rejects.toMatchObject({ code: 'auth.invalid_token' });
    expect(await signIns.openInvite(over)).toBeUndefined();
    const { anonymous, expiresAt = 0 } = await signIn(open);
    expect(anonymous).toEqual({ room: 'since-89' });
    // The connection is closed then, as with a token.
    expect(Math.abs(expiresAt - Date.now() - day)).toBeLessThan(60_000);
  });
});
