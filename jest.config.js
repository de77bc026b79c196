/** ESM Jest: Nest 12 is published as ES modules only. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  // Only so that what hangs ends: a busy machine takes several times as long as a quiet one.
  testTimeout: 120_000,
  // Tests freeze and cut HTTP/2 connections of gRPC. Node 20 then waits at its natural end, spinning, for writes on them
  // that never finish (Environment::CleanupHandles). The program itself ends by process.exit, as this does.
  forceExit: true,
};
