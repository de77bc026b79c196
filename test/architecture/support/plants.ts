/** Files that break one rule of `.dependency-cruiser.cjs`, and what must be reported for them. */
export interface Plant {
  readonly rule: string;
  /** Path in the repository → text; an existing file gets the text at its end. */
  readonly files: Readonly<Record<string, string>>;
  /** `from → to`; for a package its name. A cycle is reported once. */
  readonly reports: readonly string[];
}

const plant = (rule: string, from: string, text: string, to: string): Plant => ({
  rule,
  files: { [from]: `${text}\n` },
  reports: [`${from} → ${to}`],
});

export const plants: readonly Plant[] = [
  {
    rule: 'no-cycles',
    files: {
      'src/nest/planted-hen.ts': "import { egg } from './planted-egg.js';\nexport const hen = () => egg;\n",
      'src/nest/planted-egg.ts': "import { hen } from './planted-hen.js';\nexport const egg = () => hen;\n",
    },
    reports: ['src/nest/planted-egg.ts → src/nest/planted-hen.ts'],
  },
  plant(
    'eventsourcing-is-pure',
    'src/eventsourcing/planted-nest.ts',
    "import { Injectable } from '@nestjs/common';\nexport const planted = Injectable;",
    '@nestjs/common',
  ),
  plant(
    'eventsourcing-is-pure',
    'src/eventsourcing/planted-file.ts',
    "import { readFile } from 'node:fs/promises';\nexport const planted = readFile;",
    'fs/promises',
  ),
  plant(
    'eventsourcing-is-pure',
    'src/eventsourcing/planted-store.ts',
    "import { StoreUnavailable } from '../event-store/event-store.js';\nexport const planted = StoreUnavailable;",
    'src/event-store/event-store.ts',
  ),
  {
    rule: 'deciders-are-pure',
    files: {
      'src/rooms/rooms.ts': "import { readFile } from 'node:fs';\nexport const plantedFile = readFile;\n",
      'src/identity/worlds.ts': "export type { LoggerService as Planted } from '@nestjs/common';\n",
      // Not by the decider itself, but by what it uses.
      'src/rooms/room-fields.ts': "export { hostname as plantedHost } from 'node:os';\n",
    },
    reports: ['fs', 'os', '@nestjs/common'].map((to) => `src/event-registry.ts → ${to}`),
  },
  plant(
    'contexts-are-apart',
    'src/breakouts/planted.ts',
    "import type { RoomEvent } from '../rooms/rooms.js';\nexport type Planted = RoomEvent;",
    'src/rooms/rooms.ts',
  ),
  plant(
    'contexts-are-apart',
    'src/identity/planted.ts',
    "import { emptyConfig } from '../rooms/room-fields.js';\nexport const planted = emptyConfig;",
    'src/rooms/room-fields.ts',
  ),
  plant(
    'eventstoredb-client-in-its-adapter',
    'src/event-store/planted.ts',
    "import { EventStoreDBClient } from '@eventstore/db-client';\nexport const planted = EventStoreDBClient;",
    '@eventstore/db-client',
  ),
  plant(
    'protocol-without-the-client',
    'src/event-store/protocol/planted.ts',
    "import { EventStoreDBClient } from '@eventstore/db-client';\nexport const planted = EventStoreDBClient;",
    '@eventstore/db-client',
  ),
  plant(
    'grpc-in-the-event-store',
    'src/event-store/planted-grpc.ts',
    "import { Server } from '@grpc/grpc-js';\nexport const planted = Server;",
    '@grpc/grpc-js',
  ),
  plant(
    'lmdb-in-the-embedded-stores',
    'src/gateway/planted-lmdb.ts',
    "import { open } from 'lmdb';\nexport const planted = open;",
    'lmdb',
  ),
  plant(
    'mongodb-where-read-models-are',
    'src/rooms/planted-mongodb.ts',
    "import type { Db } from 'mongodb';\nexport type Planted = Db;",
    'mongodb',
  ),
  plant(
    'mongodb-where-read-models-are',
    'projections/planted-mongodb.ts',
    "import { MongoClient } from 'mongodb';\nexport const planted = MongoClient;",
    'mongodb',
  ),
  plant(
    'projections-import-types',
    'projections/planted.ts',
    "import { rooms } from '../src/rooms/rooms.js';\nexport const planted = rooms;",
    'src/rooms/rooms.ts',
  ),
  plant(
    'gateway-pushes-from-the-log',
    'src/gateway/planted.ts',
    "import { roomList } from '../../projections/room-list.js';\nexport const planted = roomList;",
    'projections/room-list.ts',
  ),
  plant(
    'no-orphan-dependency',
    'src/nest/planted-missing.ts',
    "import { missing } from 'a-package-that-is-not-there';\nexport const planted = missing;",
    'a-package-that-is-not-there',
  ),
  plant(
    'no-orphan-dependency',
    'src/nest/planted-undeclared.ts',
    "import { __extends } from 'tslib';\nexport const planted = __extends;",
    'tslib',
  ),
  plant(
    'no-dev-dependency',
    'src/nest/planted-dev.ts',
    "import fc from 'fast-check';\nexport const planted = fc;",
    'fast-check',
  ),
];
