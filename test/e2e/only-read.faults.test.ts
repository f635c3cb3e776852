/** An archive that somebody may only read: answers as ever, and not a byte of it or of its folders changes. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect } from '@jest/globals';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';
import { Box, isStopped, type Run, saying, sh, testWhere, until } from './hkfs.js';

const NOBODY = 65534;
const through = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
const onlyReading = testWhere(isRoot && hasTool('setpriv'), 'needs root and setpriv');
const scratch = scratchDirectory();
let box: Box;

beforeEach(() => {
  fs.chmodSync(scratch.path, 0o755);
  box = Box.make(scratch.path).write({ a: 'first a', b: 'b', 'd/c': 'c' });
  sh(`chmod 755 '${box.path}' '${box.root}' '${box.root}/.hkfs'; mkdir -m 777 '${box.path}/out'`);
  box.ingest();
  box.run('mv', 'source/a', 'source/z');
});

const asNobody = (...args: string[]): Run => box.runWith({ through }, ...args);
/** Names, sizes and times of all that there is of the archive. */
const state = (): string => sh(`find '${box.root}' -printf '%p %s %T@ %C@ %i\\n' | sort`);
const leftAside = (): string[] =>
  [tmpdir(), '/dev/shm'].flatMap((place) =>
    fs.readdirSync(place).filter((name) => name.startsWith('hkfs-aside-')),
  );

onlyReading('queries, --at, cat, restore, verify and export are answered, and nothing of it changes', () => {
  fs.chownSync(box.tree('.hkfs/log'), 0, 0);
  const before = state();
  expect(asNobody('ls', '-R', 'source').stdout.match(/source\/\S+/g)).toEqual([
    'source/b',
    'source/d',
    'source/d/c',
    'source/z',
  ]);
  expect(asNobody('ls', 'source', '--at', 'op:1', '-0')).toMatchObject({
    status: 0,
    stdout: 'source/a\0source/b\0source/d\0',
  });
  expect(asNobody('cat', 'source/z')).toMatchObject({ status: 0, stdout: 'first a', stderr: '' });
  for (const words of [
    ['verify'],
    ['verify', '--quick'],
    ['export', 'source', '-o', join(box.path, 'out/tar')],
    ['replay', '--check'],
    ['contains', box.source],
  ])
    expect({ words, ...asNobody(...words) }).toMatchObject({ status: 0 });
  // What came from root belongs to who restored it: that is listed.
  expect(asNobody('restore', 'source', '--to', join(box.path, 'out')).status).toBe(3);
  expect(fs.readFileSync(join(box.path, 'out/source/z'), 'utf8')).toBe('first a');
  expect(state()).toBe(before);
  expect(leftAside()).toEqual([]);
});

onlyReading('what would change it is refused with NO_PERMISSION, and nothing changes', () => {
  const before = state();
  for (const words of [
    ['ingest', box.source],
    ['rm', 'source/b', '--yes'],
    ['verify', '--heal'],
    ['gc', '--yes'],
  ]) {
    const { status, stderr } = asNobody(...words);
    expect({ words, status, stderr }).toEqual({
      words,
      status: 2,
      stderr: expect.stringMatching(saying('NO_PERMISSION')),
    });
  }
  expect(state()).toBe(before);
});

onlyReading('damage is found and told with exit 4, and not recorded', () => {
  const before = box.head();
  const object = box.object('source/b');
  fs.chmodSync(object, 0o644);
  fs.writeFileSync(object, 'x');
  fs.chmodSync(object, 0o444);
  expect(asNobody('verify')).toMatchObject({ status: 4, stdout: expect.stringContaining('damaged') });
  expect(box.head()).toBe(before);
});

onlyReading('views that are lost are made again aside', () => {
  sh(`rm -r '${box.root}/.hkfs/views'`);
  expect(asNobody('cat', 'source/z')).toMatchObject({ status: 0, stdout: 'first a' });
  expect(fs.existsSync(box.tree('.hkfs/views'))).toBe(false);
});

onlyReading('while its owner holds it, what was committed is answered from a whole copy', async () => {
  box.write({ e: 'e' });
  const holder = box.start(['ingest', box.source], { HKFS_FAILPOINT: 'commit.sync=pause' });
  try {
    await until(() => isStopped(holder.pid), 'the pause');
    expect(asNobody('cat', 'source/z')).toMatchObject({ status: 0, stdout: 'first a' });
  } finally {
    process.kill(holder.pid, 'SIGKILL');
    await holder.ended;
  }
});
