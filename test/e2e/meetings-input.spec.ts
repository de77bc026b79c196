import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headOf } from './stored-log.js';
import { CallRefused, connectAs, temporaryServers, type ServerProcess } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

const on = (time: string): string => `2027-03-${time}:00Z`;
const at = (start: string, end: string) => ({ startDate: on(start), endDate: on(end) });

describe('bad input', () => {
  const good = { sourceType: 'group', sourceIds: ['g-1'], subject: 'Talk', ...at('01T09:00', '01T10:00') };
  const bad: readonly (readonly [string, string, object])[] = [
    ['endDate', 'meeting:createMeeting', { ...good, endDate: good.startDate }],
    ['endDate', 'meeting:createMeeting', { ...good, endDate: '2029-01-01T00:00:00Z' }],
    ['startDate', 'meeting:createMeeting', { ...good, startDate: '2027-03-01T09:00:00' }],
    ['startDate', 'meeting:createMeeting', { ...good, startDate: '2027-02-30T09:00:00Z' }],
    ['sourceType', 'meeting:createMeeting', { ...good, sourceType: 'network' }],
    ['sourceIds', 'meeting:createMeeting', { ...good, sourceIds: ['g-1', 'g-2'] }],
    ['sourceIds', 'meeting:createMeeting', { ...good, sourceType: 'prop' }],
    ['subject', 'meeting:createMeeting', { ...good, subject: ' ' }],
    ['color', 'meeting:createMeeting', { ...good, color: { r: 1, g: 1, b: 1 } }],
    ['color', 'meeting:createMeeting', { ...good, color: { r: 1, g: 1, b: 1, a: '1' } }],
    ['invitedUserIds', 'meeting:createMeeting', { ...good, invitedUserIds: [7] }],
    ['bufferBefore', 'meeting:createMeeting', { ...good, bufferBefore: 1.5 }],
    ['bufferAfter', 'meeting:createMeeting', { ...good, bufferAfter: -1 }],
    ['subjekt', 'meeting:createMeeting', { ...good, subjekt: 'Talk' }],
    ['meetingId', 'meeting:updateMeeting', { subject: 'x' }],
    ['invitedUserIds', 'meeting:updateMeeting', { meetingId: 'm', invitedUserIds: [] }],
    ['meeting.roomId', 'meeting:create', { meeting: { subject: 'x', ...at('01T09:00', '01T10:00') } }],
    ['meeting.endDate', 'meeting:create', { meeting: { subject: 'x', roomId: 'r', ...at('01T09:00', '01T08:00') } }],
    ['meeting.color', 'meeting:update', { meetingId: 'm', meeting: { color: 'red' } }],
    ['offset', 'meeting:listUserMeetingCounts', { localDateNow: on('01T00:00'), offset: 0.5, size: 1 }],
    ['localDate', 'meeting:getTimeSlotsForMeeting', { users: [], localDate: 'tomorrow' }],
    [
      'availability.repetition',
      'meeting:setUserAvailability',
      { availability: { status: 'Available', dates: [], repetition: 128 }, localDate: on('01T00:00') },
    ],
  ];

  it('names the field and stores nothing', async () => {
    const alice = await connectAs(server, 'alice');
    const head = await headOf(servers.dataDir);
    for (const [field, action, payload] of bad) {
      const refused = await alice.call(action, payload).catch((error: unknown) => error);
      expect([action, refused]).toEqual([action, expect.any(CallRefused)]);
      const { code, details } = refused as CallRefused;
      expect({ action, code, fields: details?.map((one) => one.field) }).toEqual({
        action,
        code: 'protocol.invalid',
        fields: [field],
      });
    }
    expect(await headOf(servers.dataDir)).toBe(head);
  });
});
