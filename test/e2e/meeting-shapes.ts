/** What stands in the original document for a value: `timestamp`, `{ rgba structure }`, or the fields within. */
export type Shape = string | { readonly [field: string]: Shape } | readonly [Shape];
type Fields = Exclude<Shape, string | readonly Shape[]>;

export interface Printed {
  /** Fields under `data`. */
  readonly request: Fields;
  /** Undefined where the answer has no data. */
  readonly response?: Fields;
}

const color = '{ rgba structure }';
const user = '{ user simple structure }';
const at = 'timestamp';
const dates = { startDate: at, endDate: at };
const slots = { availableTimeSlots: [dates] } as const;
const availability = { status: 'string', dates: [dates] } as const;
const sought = { users: [{ roomful: 'string', email: 'string' }], localDate: at } as const;

/** Fields of a meeting. */
export const meeting = {
  meetingId: 'string',
  created: at,
  subject: 'string',
  description: 'string',
  color,
  isValid: 'bool',
  organizerId: 'string',
  participantIds: '[ string ]',
  sourceString: 'string',
  sourceType: 'string',
  sourcePk: 'string',
  networkId: 'string',
  ...dates,
} as const;

/** Of a meeting in the deprecated endpoints. */
export const oldMeeting = {
  id: 'string',
  created: at,
  updated: at,
  ...dates,
  subject: 'string',
  roomId: 'string',
  propId: 'string',
  color,
  isValid: 'bool',
  room: { id: 'string', title: 'string', thumbnail: '{ resource structure }' },
  prop: { id: 'string', title: 'string' },
  organizer: user,
  invitedUsers: [{ user, status: 'string' }],
} as const;

const ofMeeting = { meetingId: 'string' };
const source = { sourceType: 'string', sourceIds: '[ string ]' };
const said = { subject: 'string', description: 'string', color };

/** Every endpoint of the document with the fields it prints. */
export const endpoints: Readonly<Record<string, Printed>> = {
  'meeting:create': {
    request: {
      meeting: {
        ...dates,
        subject: 'string',
        roomId: 'string',
        propId: 'string',
        color,
        invitedUserIds: '[ string ]',
      },
    },
    response: { meeting: oldMeeting },
  },
  'meeting:update': {
    request: { ...ofMeeting, meeting: { subject: 'string', roomId: 'string', propId: 'string', color } },
    response: { meeting: oldMeeting },
  },
  'meeting:delete': { request: ofMeeting },
  'meeting:get': { request: ofMeeting, response: { meeting: oldMeeting } },
  'meeting:checkPropHasMeetingsOrSocialSessions': {
    request: { roomId: 'string', propId: 'string' },
    response: { hasMeetingsOrSocialSessions: 'bool' },
  },
  'meeting:listUserMeetingCounts': {
    request: { localDateNow: at, offset: 'int', size: 'int' },
    response: { meetingCounts: [{ count: 'int', ...dates }] },
  },
  'meeting:listUserMeetingsInDateRange': { request: dates, response: { meetings: [oldMeeting] } },
  'meeting:acceptMeetingRequest': { request: ofMeeting },
  'meeting:declineMeetingRequest': { request: ofMeeting },
  'meeting:createMeeting': {
    request: { ...source, ...said, invitedUserIds: '[ string ]', ...dates },
    response: { meeting },
  },
  'meeting:updateMeeting': { request: { ...ofMeeting, ...said, ...dates }, response: { meeting } },
  'meeting:deleteMeeting': { request: ofMeeting },
  'meeting:getMeeting': { request: ofMeeting, response: { meeting } },
  'meeting:listUserMeetings': {
    request: { ...dates, ...source },
    response: { meetings: [{ userId: 'string', status: 'string', ...meeting }] },
  },
  'meeting:getTimeSlotsForMeeting': { request: sought, response: slots },
  'meeting:getMeetingTimeSlotsForMonth': { request: sought, response: slots },
  'meeting:setUserAvailability': {
    request: { availability: { ...availability, repetition: 'byte' }, localDate: at },
  },
  'meeting:getUserAvailabilityPattern': {
    request: { localDate: at },
    response: { pattern: { availabilities: [availability] } },
  },
  'meeting:getUserAvailabilityForDay': { request: { localDate: at }, response: { availability } },
  'meeting:getUserAvailabilityForWeek': { request: { localDate: at }, response: { availability } },
  'meeting:getUserAvailabilityForMonth': { request: { localDate: at }, response: { availability } },
};

/** Every event of the document with the fields of its data. */
export const events: Readonly<Record<string, Fields>> = {
  'meeting:meetingUpdated': { meeting: oldMeeting },
  'meeting:meetingDeleted': ofMeeting,
  'meeting:onMeetingCreated': { meeting },
  'meeting:onMeetingDeleted': ofMeeting,
  'meeting:onMeetingUpdated': { meeting },
};

/** What the document itself prints. */
export function readPrinted(text: string): { endpoints: Record<string, Printed>; events: Record<string, Fields> } {
  const [sections = ''] = text.split(/^Models$/m);
  const found: { endpoints: Record<string, Printed>; events: Record<string, Fields> } = { endpoints: {}, events: {} };
  for (const section of sections.split(/^(?=(?:Endpoint|Event): )/m)) {
    const [, kind, name = ''] = /^(Endpoint|Event): (\S+)/.exec(section) ?? [];
    const [, first = '', second = ''] = section.split(/^(?:Request|Response|Data):$/m);
    if (kind === 'Event') found.events[name] = dataOf(first) ?? {};
    if (kind !== 'Endpoint') continue;
    const response = dataOf(second);
    found.endpoints[name] = { request: dataOf(first) ?? {}, ...(response && { response }) };
  }
  return found;
}

/** The fields within `"data": {`; undefined where nothing like it is printed. */
function dataOf(printed: string): Fields | undefined {
  const lines = printed.split('\n').map((line) => line.replace(/\/\/.*$/, '').trim());
  const begin = lines.indexOf('"data": {');
  return begin < 0 ? undefined : fieldsOf(lines.slice(begin + 1));
}

/** Takes the lines of one object, its end included. */
function fieldsOf(lines: string[]): Fields {
  const fields: Record<string, Shape> = {};
  for (let line = lines.shift(); line !== undefined && !line.startsWith('}'); line = lines.shift()) {
    const [, name = '', value = ''] = /^"(\w+)": (.*)$/.exec(line) ?? [];
    fields[name] = value === '{' ? fieldsOf(lines) : value === '[{' ? [fieldsOf(lines)] : value;
  }
  return fields;
}

const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.]\d{3}Z$/;
const people = ['id', 'firstName', 'lastName', 'privacyMode', 'avatar', 'companyName', 'companyTitle'];

const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
  timestamp: (value) => typeof value === 'string' && stamp.test(value),
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  int: Number.isInteger,
  '[ string ]': (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  '{ rgba structure }': (value) => hasFields(value, ['r', 'g', 'b', 'a']),
  '{ user simple structure }': (value) => hasFields(value, people),
  // There are no resources here.
  '{ resource structure }': (value) => value === null,
};

const hasFields = (value: unknown, fields: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && sameNames(Object.keys(value), fields);
const sameNames = (some: readonly string[], others: readonly string[]): boolean =>
  JSON.stringify(some.toSorted()) === JSON.stringify(others.toSorted());

/** Where a value is not exactly as printed; `room` and `prop` may be null. */
export function unlike(shape: Shape, value: unknown, path = 'data'): string[] {
  if (typeof shape === 'string') return kinds[shape]?.(value) ? [] : [`${path} is no ${shape}`];
  if (isList(shape)) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((one, index) => unlike(shape[0], one, `${path}[${index}]`));
  }
  if (value === null && /[.](room|prop)$/.test(path)) return [];
  if (typeof value !== 'object' || value === null) return [`${path} is no object`];
  if (!hasFields(value, Object.keys(shape))) return [`${path} has the fields ${Object.keys(value).join(', ')}`];
  return Object.entries(shape).flatMap(([field, inner]) =>
    unlike(inner, Reflect.get(value, field), `${path}.${field}`),
  );
}

const isList = (shape: Exclude<Shape, string>): shape is readonly [Shape] => Array.isArray(shape);
