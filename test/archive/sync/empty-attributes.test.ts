/** Whether a person changed the time of an empty file, or its file system could not hold it. */
import { expect, test } from '@jest/globals';
import { emptyAttributes } from '../../../src/archive/sync/entry-attributes.js';
import type { Attributes } from '../../../src/events/types.js';
import type { FileStat } from '../../../src/fs/stats.js';

const SECOND = 1_000_000_000n;
const recorded = (seconds: bigint): Attributes => ({
  ...{ mode: 0o644, uid: 0, gid: 0, user: null, group: null },
  mtimeNs: seconds * SECOND + 5n,
});
const onDisk = (mtimeNs: bigint): FileStat => ({ mode: 0o100444n, mtimeNs }) as unknown as FileStat;
const FIRST = -(1n << 31n) * SECOND;
const LAST = ((1n << 31n) - 1n) * SECOND;

test.each([
  [-(1n << 33n), FIRST],
  [1n << 33n, LAST],
  [1n << 33n, ((1n << 32n) - 1n) * SECOND],
])('a time of second %d that became the nearest, %d ns, is nobody’s change', (seconds, there) => {
  expect(emptyAttributes(recorded(seconds), onDisk(there))).toBeNull();
});

test.each([
  [0n, FIRST],
  [0n, LAST - SECOND],
  [1n << 33n, 0n],
  [-(1n << 33n), LAST],
])('a time of second %d that became another, %d ns, is a change', (seconds, there) => {
  expect(emptyAttributes(recorded(seconds), onDisk(there))).toMatchObject({ mtimeNs: there });
});
