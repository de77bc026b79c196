import { hostname } from 'node:os';
import { failure } from '../errors.js';
import { maxDocumentSize } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { maxMessageSize } from '../wire/messages.js';
import type { Command, Context } from './command.js';
import { Fields } from './command.js';
import { maxWriteBatchSize } from './write.js';

/** The MongoDB version whose behaviour is followed, and the wire version that goes with it. */
const version = '7.0.0';
const maxWireVersion = 21;

const anyField = (...fields: string[]): Pick<Command, 'fields'> => ({ fields });

function helloReply({ connectionId }: Context): Doc {
  return {
    maxBsonObjectSize: maxDocumentSize,
    maxMessageSizeBytes: maxMessageSize,
    maxWriteBatchSize,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    connectionId,
    minWireVersion: 0,
    maxWireVersion,
    readOnly: false,
  };
}

const helloFields = anyField(
  'helloOk',
  'client',
  'compression',
  'topologyVersion',
  'maxAwaitTimeMS',
  'saslSupportedMechs',
  'speculativeAuthenticate',
  'loadBalanced',
  'backpressure',
  'hostInfo',
  'internalClient',
);

const hello: Command = { ...helloFields, run: (context) => ({ isWritablePrimary: true, ...helloReply(context) }) };
const isMaster: Command = {
  ...helloFields,
  run: (context) => ({ helloOk: true, ismaster: true, ...helloReply(context) }),
};

const refusedAuthentication: Command = {
  ...anyField(
    'mechanism',
    'payload',
    'options',
    'autoAuthorize',
    'db',
    'user',
    'nonce',
    'key',
    'conversationId',
    'digestPassword',
  ),
  run: () => {
    throw failure(18, 'Authentication failed: the embedded read store is local and has no users');
  },
};

const collStats: Command = {
  ...anyField('scale', 'indexDetailsKey', 'indexDetailsName'),
  run({ store }, database, command) {
    const name = Object.hasOwn(command, 'collStats') ? 'collStats' : 'collstats';
    const ns = new Fields(name, command).namespace(database);
    const collection = store.find(ns);
    const count = collection?.rows.size ?? 0;
    const size = collection?.bytes ?? 0;
    const avgObjSize = count === 0 ? {} : { avgObjSize: Math.round(size / count) };
    return {
      ns,
      size,
      count,
      ...avgObjSize,
      storageSize: size,
      capped: false,
      nindexes: collection?.indexes.size ?? 0,
      indexDetails: {},
      totalIndexSize: 0,
      indexSizes: {},
    };
  },
};

const dbStats: Command = {
  ...anyField('scale', 'freeStorage'),
  run({ store }, database) {
    const collections = store.inDatabase(database).map(({ collection }) => collection);
    const total = (of: (collection: (typeof collections)[number]) => number): number =>
      collections.reduce((sum, collection) => sum + of(collection), 0);
    const [objects, dataSize] = [total(({ rows }) => rows.size), total(({ bytes }) => bytes)];
    return {
      db: database,
      collections: collections.length,
      views: 0,
      objects,
      avgObjSize: objects === 0 ? 0 : dataSize / objects,
      dataSize,
      storageSize: dataSize,
      indexes: total(({ indexes }) => indexes.size),
      indexSize: 0,
      totalSize: dataSize,
      scaleFactor: 1,
    };
  },
};

const getParameter: Command = {
  ...anyField('allParameters', 'featureCompatibilityVersion', 'setParameter'),
  run: (_context, _database, command) => {
    if (Object.hasOwn(command, 'featureCompatibilityVersion'))
      return { featureCompatibilityVersion: { version: '7.0' } };
    throw failure(72, 'no option found to get');
  },
};

const getLog: Command = {
  ...anyField(),
  run: (_context, _database, command) =>
    command['getLog'] === '*' ? { names: ['global', 'startupWarnings'] } : { totalLinesWritten: 0, log: [] },
};

const serverStatus: Command = {
  fields: ['repl', 'metrics', 'locks', 'opLatencies', 'network'],
  run: ({ startedAt, cursors, openConnections }) => {
    const uptimeMillis = Date.now() - startedAt.getTime();
    return {
      host: hostname(),
      version,
      process: 'convoke',
      pid: process.pid,
      uptime: Math.floor(uptimeMillis / 1000),
      uptimeMillis,
      localTime: new Date(),
      connections: { current: openConnections(), available: 1000 },
      metrics: { cursor: { open: { total: cursors.count } } },
      storageEngine: { name: 'convoke', persistent: true },
    };
  },
};

/** Commands about the server itself: what drivers, mongosh and Compass ask when they connect. */
export const adminCommands: Readonly<Record<string, Command>> = {
  hello,
  isMaster,
  ismaster: isMaster,
  ping: { ...anyField(), run: () => ({}) },
  buildInfo: {
    ...anyField(),
    run: () => ({
      version,
      versionArray: [7, 0, 0, 0],
      gitVersion: 'convoke',
      modules: [],
      allocator: 'system',
      javascriptEngine: 'none',
      bits: 64,
      debug: false,
      maxBsonObjectSize: maxDocumentSize,
      storageEngines: ['convoke'],
    }),
  },
  whatsmyuri: { ...anyField(), run: ({ client }) => ({ you: client }) },
  connectionStatus: {
    ...anyField('showPrivileges'),
    run: () => ({ authInfo: { authenticatedUsers: [], authenticatedUserRoles: [], authenticatedUserPrivileges: [] } }),
  },
  hostInfo: {
    ...anyField(),
    run: () => ({
      system: { hostname: hostname(), cpuAddrSize: 64 },
      os: { type: process.platform, name: process.platform, version: '' },
      extra: {},
    }),
  },
  getCmdLineOpts: { ...anyField(), run: () => ({ argv: ['convoke'], parsed: {} }) },
  getParameter,
  getLog,
  serverStatus,
  collStats,
  collstats: collStats,
  dbStats,
  dbstats: dbStats,
  endSessions: { ...anyField(), run: () => ({}) },
  refreshSessions: { ...anyField(), run: () => ({}) },
  getFreeMonitoringStatus: { ...anyField(), run: () => ({ state: 'disabled' }) },
  saslStart: refusedAuthentication,
  saslContinue: refusedAuthentication,
  authenticate: refusedAuthentication,
};
