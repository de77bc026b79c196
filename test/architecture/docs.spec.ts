import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { getMetadataStorage } from 'class-validator';
import { fold, prepare } from '../../projections/engine/fold.js';
import { ParkedStreams } from '../../projections/engine/parked-streams.js';
import type { RowVersion } from '../../projections/engine/stored-row.js';
import { readModels } from '../../projections/read-models.js';
import { readConfig } from '../../src/config/config.js';
import type { DomainEvent } from '../../src/eventsourcing/events.js';
import { messages, numbersOf } from '../../src/eventsourcing/refused.js';
import { wireTable } from '../../src/gateway/wire/index.js';
import type { WireAction } from '../../src/gateway/wire/wire.js';
import { defaultTraitGrants, roles } from '../../src/identity/roles.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { recorded } from '../spec/decider-spec.js';
import { repository } from './support/copy.js';
import { codesIn, fenced, markdown, tableBelow, tableOf } from './support/markdown.js';

describe('docs/configuration.md', () => {
  /** The text after "must be" of the refusal of a value no variable accepts; undefined for one that accepts any. */
  function acceptedBy(name: string): string | undefined {
    try {
      readConfig({ [name]: 'not/this one?' });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message.replace(`${name} must be `, '') : undefined;
    }
  }

  let rows: { name: string; accepts: string; fallback: string | undefined }[];

  beforeAll(async () => {
    rows = tableOf(await markdown('docs/configuration.md'), 'variable').map((row) => ({
      name: codesIn(row['variable'])[0] ?? '',
      accepts: row['accepts'] ?? '',
      fallback: codesIn(row['default'])[0],
    }));
  });

  it('has every variable the program reads, and no other', () => {
    const read = new Set<string>();
    readConfig(new Proxy({}, { get: (_none, name) => void read.add(String(name)) }));
    expect(rows.map(({ name }) => name).toSorted()).toEqual([...read].toSorted());
  });

  it('says what each accepts as the program does', () => {
    expect(rows).toEqual(rows.map((row) => ({ ...row, accepts: acceptedBy(row.name) ?? 'any text' })));
  });

  it('has the defaults of the program', () => {
    const given = rows.flatMap(({ name, fallback }) => (fallback === undefined ? [] : [{ name, fallback }]));
    expect(given.length).toBeGreaterThan(5);
    for (const { name, fallback } of given) {
      expect([name, readConfig({ [name]: fallback })]).toEqual([name, readConfig({})]);
    }
  });
});

describe('docs/wire.md', () => {
  let text: string;

  beforeAll(async () => {
    text = await markdown('docs/wire.md');
  });

  /** Fields of a command class, with `?` where they may be left out. */
  function fieldsOf({ shape }: WireAction): string[] {
    const checks = getMetadataStorage().getTargetValidationMetadatas(shape, '', false, false);
    const optional = new Set(checks.flatMap((one) => (one.type === 'conditionalValidation' ? one.propertyName : [])));
    const names = new Set(checks.map(({ propertyName }) => propertyName));
    return [...names].map((name) => (optional.has(name) ? `${name}?` : name)).toSorted();
  }

  function needOf(action: WireAction): string {
    const command = Object.assign(new action.shape(), { room: 'r1', rooms: [] });
    const need = action.needs(command);
    if (!need) return 'nothing';
    const place = need.room === undefined ? 'world' : 'room';
    const permissions = [need.permission].flat();
    const said = permissions.map((one) => `\`${one}\``).join(' or ');
    return `${said}${permissions.every((one) => one.startsWith('room:')) ? ` in the ${place}` : ''}`;
  }

  it('describes actions as they are', () => {
    const rows = tableBelow(text, 'Actions');
    expect(rows.length).toBeGreaterThan(10);
    for (const { action = '', fields, needs } of rows) {
      const name = codesIn(action)[0] ?? '';
      const entry = wireTable.actions[name];
      if (!entry) throw new Error(`there is no action ${name}`);
      expect([name, codesIn(fields).toSorted(), needs]).toEqual([name, fieldsOf(entry), needOf(entry)]);
    }
  });

  it('describes the fields of meetings as they are', () => {
    const rows = ['Meetings', 'Availability and slots'].flatMap((heading) => tableBelow(text, heading));
    expect(rows.length).toBeGreaterThan(17);
    for (const { action = '', fields } of rows) {
      const name = codesIn(action)[0] ?? '';
      const entry = wireTable.actions[name];
      if (!entry) throw new Error(`there is no action ${name}`);
      expect([name, codesIn(fields).toSorted()]).toEqual([name, fieldsOf(entry)]);
    }
  });

  it('names the actions that take no command_id', () => {
    const [, said = ''] = /also takes `command_id`([^]*?)\n\n/.exec(text) ?? [];
    const queries = Object.entries(wireTable.actions).filter(([, { kind }]) => kind === 'query');
    expect(codesIn(said)).toEqual(queries.map(([name]) => name).toSorted());
  });

  it('has every error code, and no other', () => {
    // A message that stands beside the rule, because it lists what is accepted.
    const codes = [...Object.keys(messages), 'room.unknown_reaction'];
    const documented = tableBelow(text, 'Error codes').flatMap(({ code }) => codesIn(code));
    expect(documented.toSorted()).toEqual(codes.toSorted());
  });

  it('has the numbers of the error codes', () => {
    const rows = tableBelow(text, 'Error codes');
    expect(rows.length).toBeGreaterThan(10);
    for (const { code = '', HTTP } of rows) {
      const [name = ''] = codesIn(code);
      expect([name, HTTP]).toEqual([name, String(numbersOf(name).http)]);
    }
  });

  it('has the roles and what they may do', () => {
    const all = roles['admin'] ?? [];
    const documented = tableBelow(text, 'Roles and permissions').map(({ role = '', permissions = '' }) => {
      if (permissions.startsWith('all that start with')) {
        return [codesIn(role)[0], all.filter((one) => one.startsWith(codesIn(permissions)[0] ?? '-')).toSorted()];
      }
      return [codesIn(role)[0], permissions.startsWith('all,') ? [...all].toSorted() : codesIn(permissions).toSorted()];
    });
    expect(Object.fromEntries(documented)).toEqual(
      Object.fromEntries(Object.entries(roles).map(([role, held]) => [role, [...held].toSorted()])),
    );
    expect(defaultTraitGrants).toEqual({
      viewer: [],
      participant: [],
      moderator: ['moderator'],
      admin: ['admin'],
      kiosk: ['kiosk'],
    });
  });
});

describe('docs/read-models.md', () => {
  const samples: DomainEvent[] = [
    { type: 'WorldOpened', data: { title: 'Demo', trait_grants: {} } },
    {
      type: 'RoomRegistered',
      data: { roomId: 'r1', sorting_priority: 1, config: { ...emptyConfig, name: 'Hall' } },
    },
    { type: 'ViewerEntered', data: { roomId: 'r1', userId: 'alice', node: 'n1', profile: {} } },
    { type: 'ReactionAdded', data: { roomId: 'r1', userId: 'alice', emoji: '👏' } },
    { type: 'UserProfileRecorded', data: { userId: 'alice', profile: {} } },
    {
      type: 'AvailabilityOverrideSet',
      data: { userId: 'alice', zone: 'UTC', status: 'Available', intervals: [[0, 60]], date: '2026-01-01' },
    },
    {
      type: 'MeetingCreated',
      data: {
        meetingId: 'm1',
        users: ['alice'],
        organizerId: 'alice',
        booking: '0',
        created: '2026-01-01T09:00:00.000Z',
        plan: { sourceType: 'group', sourceIds: ['g1'], subject: 'Stand-up', startDate: 0, endDate: 1 },
        buffers: { bufferBefore: 0, bufferAfter: 0 },
      },
    },
  ];

  /** Names of the fields of a row. */
  function fieldsOf(model: (typeof readModels)[number]): string[] {
    const rows = new Map<string, RowVersion>();
    const events = samples.map((event, position) => recorded(event, { position: BigInt(position) }));
    fold(
      model,
      prepare(model, events, (event) => event),
      rows,
      new ParkedStreams(),
    );
    return [...rows.values()].flatMap(({ row }) => Object.keys(row ?? {})).toSorted();
  }

  it('describes rows and indexes as they are', async () => {
    const text = await markdown('docs/read-models.md');
    const described = [...text.matchAll(/^### (\w+)$/gm)].map(([, name = '']) => name);
    expect(described.length).toBeGreaterThan(2);
    for (const name of described) {
      const model = readModels.find((one) => one.name === name);
      if (!model) throw new Error(`there is no read model ${name}`);
      const fields = tableBelow(text, name).map(({ field }) => codesIn(field)[0]);
      expect([name, fields.toSorted()]).toEqual([name, fieldsOf(model)]);
      const indexes = model.indexes.map((key) => JSON.stringify(key).replaceAll('"', '').replaceAll(/[:,]/g, '$& '));
      const [, said = ''] = text.split(`### ${name}\n`)[1]?.split('Indexes: ') ?? [];
      expect([name, codesIn(said.split('\n\n')[0])]).toEqual([name, indexes.length > 0 ? indexes : ['_id']]);
    }
  });
});

describe('docs/operations.md', () => {
  it('quotes refusals as the program words them', async () => {
    const paths = (await readdir(join(repository, 'src'), { recursive: true })).filter((path) => path.endsWith('.ts'));
    const sources = await Promise.all(paths.map((path) => readFile(join(repository, 'src', path), 'utf8')));
    const program = sources.join('\n');
    const rows = tableBelow(await markdown('docs/operations.md'), 'When the server refuses to start');
    expect(rows.length).toBeGreaterThan(10);
    // What stands between the parts that vary.
    const parts = rows.flatMap((row) => codesIn(row['it says'])).flatMap((code) => code.split('…'));
    expect(parts.map((part) => part.trim()).filter((part) => !program.includes(part))).toEqual([]);
  });
});

describe('every document', () => {
  let texts: Map<string, string>;

  beforeAll(async () => {
    const docs = await readdir(join(repository, 'docs'), { recursive: true });
    const paths = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...docs.map((path) => join('docs', path))];
    const files = paths.filter((path) => path.endsWith('.md'));
    texts = new Map(await Promise.all(files.map(async (path) => [path, await markdown(path)] as const)));
  });

  it('links to files that are there', async () => {
    for (const [path, text] of texts) {
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        await expect(access(join(repository, dirname(path), target))).resolves.toBeUndefined();
      }
    }
  });

  it('names files that are there', async () => {
    // Only whole paths of the repository; a file an example makes is none of them.
    const made = new Set(['projections/room-count.ts']);
    for (const text of texts.values()) {
      for (const path of codesIn(text.replaceAll(/^```.*?^```$/gms, ''))) {
        if (!/^(src|projections|test|docs)\/[\w./-]*[\w/]$/.test(path) || made.has(path)) continue;
        await expect(access(join(repository, path))).resolves.toBeUndefined();
      }
    }
  });

  it('gives commands that exist', async () => {
    const manifest: { scripts: Record<string, string> } = JSON.parse(
      await readFile(join(repository, 'package.json'), 'utf8'),
    );
    const known = new Set([...Object.keys(manifest.scripts), 'ci']);
    const blocks = [...texts.values()].flatMap((text) => fenced(text, 'sh'));
    const commands = blocks.flatMap((block) => [...block.matchAll(/\bnpm (?:run (?:--silent )?)?([\w:-]+)/g)]);
    expect(commands.length).toBeGreaterThan(10);
    expect(commands.flatMap(([, name = '']) => (known.has(name) ? [] : name))).toEqual([]);
  });
});
