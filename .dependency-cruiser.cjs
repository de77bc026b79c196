/** Who may import whom. Each rule is proven by a planted violation in test/architecture/imports.spec.ts. */
const contexts =
  'rooms|users|invites|presence|reactions|breakouts|meetings|availability|calendar-feeds|room-sessions|videochat';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle means two things that cannot be understood, tested or moved apart.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'eventsourcing-is-pure',
      comment: 'The core knows no Nest, no store, no file, no socket.',
      severity: 'error',
      from: { path: '^src/eventsourcing/' },
      to: {
        dependencyTypesNot: ['type-only'],
        pathNot: ['^src/eventsourcing/', '^node_modules/class-validator/', '^(node:)?crypto$'],
      },
    },
    {
      name: 'deciders-are-pure',
      comment:
        'The event registry lists every decider. What it reaches, types included, is the core, time, contexts and their pure parts: no Nest, no store, no projection, no file, no socket.',
      severity: 'error',
      from: { path: '^src/event-registry[.]ts$' },
      to: {
        reachable: true,
        pathNot: [
          `^src/(eventsourcing|time|identity|${contexts})/`,
          '^node_modules/(class-validator|temporal-polyfill)/',
          '^(node:)?crypto$',
        ],
      },
    },
    {
      name: 'contexts-are-apart',
      comment:
        'A reaction across contexts is a named policy file that turns an event into a command. Identity is known to all contexts and knows none; so is how a person is shown.',
      severity: 'error',
      from: { path: `^src/(${contexts}|identity)/`, pathNot: '[.]policy[.]ts$' },
      to: { path: `^src/(${contexts})/`, pathNot: '^src/($1/|users/user-simple[.]ts$)' },
    },
    {
      name: 'eventstoredb-client-in-its-adapter',
      comment:
        'Only the adapter knows the EventStoreDB client and its hazards. The protocol server shares the service definitions the client ships.',
      severity: 'error',
      from: { pathNot: '^src/event-store/(eventstoredb|protocol)/' },
      to: { path: '^node_modules/@eventstore/db-client/' },
    },
    {
      name: 'protocol-without-the-client',
      comment:
        'The protocol server stands on the service definitions alone, or the two would agree on the same mistake.',
      severity: 'error',
      from: { path: '^src/event-store/protocol/' },
      to: { path: '^node_modules/@eventstore/db-client/', pathNot: '/generated/' },
    },
    {
      name: 'grpc-in-the-event-store',
      comment: 'gRPC is a matter of the two ways to speak EventStoreDB.',
      severity: 'error',
      from: { pathNot: '^src/event-store/(eventstoredb|protocol)/' },
      to: { path: '^node_modules/(@grpc/grpc-js|google-protobuf)/' },
    },
    {
      name: 'lmdb-in-the-embedded-stores',
      comment: 'Nothing but the embedded stores touches their files.',
      severity: 'error',
      from: { pathNot: '^src/(event-store/embedded|read-store/embedded|lmdb)/' },
      to: { path: '^node_modules/lmdb/' },
    },
    {
      name: 'mongodb-where-read-models-are',
      comment: 'Read models are written by the engine and read by query files.',
      severity: 'error',
      from: { pathNot: '^src/read-store/|^projections/engine/|[.]queries[.]ts$' },
      to: { path: '^node_modules/mongodb/' },
    },
    {
      name: 'projections-import-types',
      comment:
        'A projection knows the shape of events, never how they came to be. The port only lends its error classes; what rules of availability and wall clocks mean is worked out in one place.',
      severity: 'error',
      from: { path: '^projections/', pathNot: '^projections/main[.]ts$' },
      to: {
        path: '^src/',
        pathNot: '^src/(event-store/event-store|availability/rules|time/[^/]+)[.]ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'gateway-pushes-from-the-log',
      comment: 'What sockets hear comes from the log, never from a projection.',
      severity: 'error',
      from: { path: '^src/gateway/' },
      to: { path: '^projections/' },
    },
    {
      name: 'no-orphan-dependency',
      comment: 'What the program imports exists, and package.json names it.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    },
    {
      name: 'no-dev-dependency',
      comment: 'The installed program has no dev dependencies.',
      severity: 'error',
      from: { path: '^(src|projections)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
