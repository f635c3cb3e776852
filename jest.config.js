import { statfsSync } from 'node:fs';

/**
 * Half of the time of the suites was waiting for the syncs of a disk, which they do not look at: those of
 * test/interop do, and stay on one. A container's own /dev/shm of 64 MiB is too small.
 */
if (process.env.HKFS_SUITE !== 'heavy' && process.env.TMPDIR === undefined && isRoomy('/dev/shm'))
  process.env.TMPDIR = '/dev/shm';

function isRoomy(directory) {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize > 4 * 2 ** 30;
  } catch {
    return false;
  }
}

/**
 * Suites with a script of their own; `HKFS_SUITE=light` has those of test/crash with a few rounds of many. What
 * ends in `.faults.test.ts` stops, breaks or crowds the built program, and runs with test/crash.
 */
const FAULTS = '\\.faults\\.test\\.ts$';
const IGNORED = {
  heavy: [],
  light: ['/test/interop/'],
}[process.env.HKFS_SUITE] ?? ['/test/interop/', '/test/crash/', FAULTS];

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: IGNORED,
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
  // The heavy form has twenty times the runs.
  testTimeout: process.env.HKFS_HEAVY === '1' ? 1_200_000 : 30_000,
  verbose: true,
};
