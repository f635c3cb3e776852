import { execFileSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';

import { deviceNumbers, deviceOf } from '../../src/fs/device-numbers.js';
import { loadPosix } from '../../src/fs/posix.js';
import { isRoot, scratchDirectory, testWhen } from './scratch.js';

const loaded = loadPosix();
const posixTest = testWhen(loaded !== null, 'koffi or libc is not available');
const posix = loaded as NonNullable<typeof loaded>;
const scratch = scratchDirectory();

describe('special files', () => {
  posixTest('a fifo and a socket get their type and permissions', () => {
    posix.mknod(join(scratch.path, 'fifo'), 0o010600);
    posix.mknod(join(scratch.path, 'socket'), 0o140600);
    expect(lstatSync(join(scratch.path, 'fifo')).mode).toBe(0o010600);
    expect(lstatSync(join(scratch.path, 'socket')).isSocket()).toBe(true);
  });

  const rootTest = testWhen(loaded !== null && isRoot, 'device nodes need root');
  rootTest('a device keeps major and minor numbers of more than eight bits', () => {
    const numbers = { major: 0xabc, minor: 0xfedcb };
    posix.mknod(join(scratch.path, 'device'), 0o020600, numbers);
    expect(deviceNumbers(lstatSync(join(scratch.path, 'device'), { bigint: true }).rdev)).toEqual(numbers);
    expect(execFileSync('stat', ['-c', '%t:%T', join(scratch.path, 'device')], { encoding: 'utf8' })).toBe(
      'abc:fedcb\n',
    );
  });

  test('any pair of device numbers survives its encoding', () => {
    const number = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(number, number, (major, minor) => {
        expect(deviceNumbers(deviceOf({ major, minor }))).toEqual({ major, minor });
      }),
    );
  });

  test('/dev/null is device 1, 3', () => {
    expect(deviceNumbers(lstatSync('/dev/null', { bigint: true }).rdev)).toEqual({ major: 1, minor: 3 });
  });
});
