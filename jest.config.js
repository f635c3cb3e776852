/** Suites with a script of their own. Those of test/crash run here too, with a few rounds of many. */
const HEAVY = ['/test/interop/'];

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: process.env.HKFS_SUITE === 'heavy' ? [] : HEAVY,
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^hkfs$': '<rootDir>/dist/index.js', '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' } },
    ],
  },
  // The default leaves a core to the watcher of a person who is typing.
  maxWorkers: '100%',
  testTimeout: 30_000,
  verbose: true,
};
