import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseICalendar, textOf, valueOf, type Property } from '../calendar-feeds/parse-icalendar.js';
import { Guest } from './guest.js';
import { eventsOf, headOf } from './stored-log.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off', PUBLIC_URL: 'https://meet.example' } });
});

afterAll(() => servers.remove());

const linkOf = async (client: SocketClient, action = 'meeting:getCalendarLink', payload = {}): Promise<string> =>
  (await client.call<{ url: string }>(action, payload)).url;
const fetched = (url: string): Promise<Response> => fetch(url.replace('https://meet.example', server.url));

async function feed(url: string): Promise<Property[][]> {
  const response = await fetched(url);
  expect(response.status).toBe(200);
  return parseICalendar(await response.text()).events;
}

const day = { startDate: '2027-03-01T10:00:00+01:00', endDate: '2027-03-01T11:00:00+01:00' };
const about = { sourceType: 'group', sourceIds: ['g'], ...day };
async function meet(client: SocketClient, fields: object): Promise<string> {
  const { meeting } = await client.call<{ meeting: { meetingId: string } }>('meeting:createMeeting', {
    ...about,
    ...fields,
  });
  return meeting.meetingId;
}

describe('a calendar by its secret link', () => {
  it('ends for who may not see the world any more, and is there again for who may', async () => {
    const world = 'feed-rights';
    const root = await connectAs(server, 'root', ['admin'], { world });
    const vip = await linkOf(await connectAs(server, 'vip', ['vip'], { world }));
    const guest = await linkOf(await connectAs(server, 'guest', [], { world }));
    const statuses = async (): Promise<number[]> =>
      (await Promise.all([vip, guest].map(fetched))).map((one) => one.status);
    expect(await statuses()).toEqual([200, 200]);
    await root.call('world.config.patch', { trait_grants: { viewer: ['vip'], admin: ['admin'] } });
    expect(await statuses()).toEqual([200, 404]);
    await connectAs(server, 'vip', [], { world });
    expect(await statuses()).toEqual([404, 404]);
    await root.call('world.config.patch', { trait_grants: { viewer: [], admin: ['admin'] } });
    expect(await statuses()).toEqual([200, 200]);
  });

  it('has a person’s meetings, with whatever is said of them, and follows their changes', async () => {
    const world = 'feed';
    const ann = await connectAs(server, 'ann', [], { world });
    const bob = await connectAs(server, 'b/öb', [], { world });
    const subject = 'Über, "alles";\\ wie\nimmer 🎉 ' + 'sehr lang '.repeat(25);
    const description = 'Zeile 1\r\nBEGIN:VEVENT\n' + 'ä'.repeat(400);
    const id = await meet(ann, { subject, description, invitedUserIds: ['b/öb'] });
    const other = await meet(ann, {
      subject: 'Other',
      startDate: '2027-03-02T10:00:00Z',
      endDate: '2027-03-02T11:00:00Z',
    });
    const [ofAnn, ofBob] = [await linkOf(ann), await linkOf(bob)];
    expect(ofBob).toMatch(/^https:\/\/meet\.example\/users\/b%2F%C3%B6b\/calendar\.ics\?secret=feed\.[\w-]{32}$/);
    const [invited, ...more] = await feed(ofBob);
    expect(more).toEqual([]);
    expect(invited).toEqual(
      expect.arrayContaining([
        { name: 'UID', params: {}, value: id },
        { name: 'DTSTART', params: {}, value: '20270301T090000Z' },
        { name: 'DTEND', params: {}, value: '20270301T100000Z' },
        { name: 'STATUS', params: {}, value: 'TENTATIVE' },
        { name: 'ORGANIZER', params: { CN: 'ann' }, value: 'mailto:ann@feed.invalid' },
      ]),
    );
    expect(textOf(valueOf(invited ?? [], 'SUMMARY') ?? '')).toBe(subject);
    expect(textOf(valueOf(invited ?? [], 'DESCRIPTION') ?? '')).toBe(description.replace('\r\n', '\n'));
    expect((await feed(ofAnn)).map((one) => valueOf(one, 'UID'))).toEqual([id, other]);

    await bob.call('meeting:acceptMeetingRequest', { meetingId: id });
    await ann.call('meeting:updateMeeting', { meetingId: id, subject: 'Shorter' });
    const [changed] = await feed(ofBob);
    expect([valueOf(changed ?? [], 'SUMMARY'), valueOf(changed ?? [], 'STATUS')]).toEqual(['Shorter', 'CONFIRMED']);
    expect(Number(valueOf(changed ?? [], 'SEQUENCE'))).toBeGreaterThan(0);
    const statuses = changed?.filter(({ name }) => name === 'ATTENDEE').map(({ params }) => params['PARTSTAT']);
    expect(statuses).toEqual(['ACCEPTED', 'ACCEPTED']);

    await bob.call('meeting:declineMeetingRequest', { meetingId: id });
    expect(await feed(ofBob)).toEqual([]);
    await ann.call('meeting:deleteMeeting', { meetingId: other });
    expect((await feed(ofAnn)).map((one) => valueOf(one, 'UID'))).toEqual([id]);
  });

  it('is plain to programs for calendars, and kept by nobody in between', async () => {
    const { status, headers } = await fetched(await linkOf(await connectAs(server, 'plain')));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/calendar; charset=utf-8');
    expect(headers.get('cache-control')).toBe('private, no-store');
  });

  it('is the same link each time, until it is reset: then the old one has ended', async () => {
    const [one, two] = [await connectAs(server, 'cid'), await connectAs(server, 'cid')];
    const links = await Promise.all(Array.from({ length: 10 }, (_none, n) => linkOf(n % 2 ? one : two)));
    const [first = ''] = links;
    expect(new Set(links)).toEqual(new Set([first]));
    const head = await headOf(servers.dataDir);
    expect(await linkOf(one)).toBe(first);
    expect(await headOf(servers.dataDir)).toBe(head);

    const command = { command_id: 'reset-1' };
    const second = await linkOf(one, 'meeting:resetCalendarLink', command);
    expect(second).not.toBe(first);
    expect(await linkOf(two, 'meeting:resetCalendarLink', command)).toBe(second);
    expect(await linkOf(two)).toBe(second);
    const issued = (await eventsOf(servers.dataDir)).filter(({ stream }) => stream === 'calendar_feed-demo/cid');
    expect(issued.map(({ type }) => type)).toEqual(['CalendarLinkIssued', 'CalendarLinkIssued']);
    expect((await fetched(first)).status).toBe(404);
    expect((await fetched(second)).status).toBe(200);
  });

  it('is unknown with any other secret, person or world, whoever asks', async () => {
    const dan = await connectAs(server, 'dan');
    const eve = await connectAs(server, 'eve');
    const elsewhere = await connectAs(server, 'dan', [], { world: 'elsewhere' });
    const [ofDan, ofEve] = [new URL(await linkOf(dan)), new URL(await linkOf(eve))];
    await linkOf(elsewhere);
    const [, secret = ''] = ofDan.searchParams.get('secret')?.split('.') ?? [];
    const wrong = [
      `dan/calendar.ics`,
      `dan/calendar.ics?secret=`,
      `dan/calendar.ics?secret=demo.`,
      `dan/calendar.ics?secret=demo`,
      `dan/calendar.ics?secret=${secret}`,
      `dan/calendar.ics?secret=demo.${secret.slice(0, -1)}`,
      `dan/calendar.ics?secret=demo.${secret}x`,
      `dan/calendar.ics?secret=demo.${secret}.x`,
      `dan/calendar.ics?secret=elsewhere.${secret}`,
      `dan/calendar.ics?secret=nowhere.${secret}`,
      `dan/calendar.ics?secret=../x.${secret}`,
      `dan/calendar.ics?secret=demo.${secret}&secret=demo.${secret}`,
      `dan/calendar.ics${ofEve.search}`,
      `nobody/calendar.ics?secret=demo.${secret}`,
      `nobody/calendar.ics?secret=demo.`,
      `dan/calendar.ics?secret=${'w'.repeat(2_000)}.${secret}`,
      `${'%D0%B6'.repeat(1_000)}/calendar.ics?secret=demo.${secret}`,
      `7/calendar.ics?secret=demo.${secret}`,
    ];
    for (const path of wrong) {
      const response = await fetch(`${server.url}/users/${path}`);
      expect([path, response.status, response.headers.get('content-type')]).toEqual([
        path,
        404,
        'application/problem+json; charset=utf-8',
      ]);
      expect(response.headers.get('cache-control')).toBe('private, no-store');
      expect(await response.json()).toMatchObject({ code: 'calendar.unknown' });
    }
    expect((await fetched(ofDan.href)).status).toBe(200);
  });

  it('is for people of the world: not for those with an invite, and its secret for nobody else to hear', async () => {
    const world = 'secrets';
    const root = await connectAs(server, 'root', ['admin'], { world });
    const fay = await connectAs(server, 'fay', [], { world });
    const { room } = await root.call<{ room: string }>('room.create', { name: 'Hall' });
    const { url } = await root.call<{ url: string }>('room.invite.anonymous.link', { room });
    const guest = await Guest.signIn(server, { client_id: 'g', invite_token: url.slice(-6) }, world);
    expect((await guest.call('meeting:getCalendarLink')).code).toBe('auth.denied');
    await linkOf(fay);
    const heard = async (client: SocketClient, topics: string[]): Promise<boolean> => {
      let isHeard = false;
      const stop = client.onEvent(({ body }) => (isHeard ||= JSON.stringify(body).includes('CalendarLinkIssued')));
      await client.call('events.subscribe', { topics, after: 'start' });
      await client.waitFor(({ name }) => name === 'caught_up');
      stop();
      return isHeard;
    };
    expect(await heard(root, ['world', 'user:root'])).toBe(false);
    expect(await heard(fay, ['user:fay'])).toBe(true);
  });
});
