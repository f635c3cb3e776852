/** The hash tree may be copied, and files in it may come and go: the log follows by inode. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, hkfs, sh } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
beforeEach(() => {
  box = Box.make(scratch.path).write({ a: 'the original', b: 'another' });
  box.ingest();
});

test('an object that was deleted and brought back has a new inode: the old tree file is told, once it differs', () => {
  const before = box.stat('source/a').inodes;
  fs.rmSync(box.object('source/a'));
  box.ingestWith({}, box.source, '--checksum');
  sh(`chmod u+w a; printf more >> a; chmod 444 a`, box.tree('source'));

  const { status, summary } = box.verify();
  expect(summary.damaged).toEqual([]);
  expect(summary.unlinked.map(({ path }) => path)).toEqual(['source/a']);
  expect(status).toBe(1);
  expect(box.run('cat', 'source/a').stdout).toBe('the original');
  expect(box.stat('source/a').inodes).toHaveLength(1);
  expect(box.stat('source/a').inodes).not.toEqual(before);
});

test('an archive that was copied with its hard links is verified and used where it is', () => {
  const copy = `${box.root}-copy`;
  sh(`cp -a '${box.root}' '${copy}'`);
  const first = hkfs(['verify', '--archive', copy, '--json', '--progress', 'none']);
  expect(JSON.parse(first.stdout)).toMatchObject({ damaged: [], missing: [], unlinked: [], untracked: [] });
  expect(first.status).toBe(0);
  const { ino } = fs.lstatSync(join(copy, 'source/a'), { bigint: true });
  const stat = hkfs(['stat', `ino:${ino}`, '--archive', copy, '--json']);
  expect(JSON.parse(stat.stdout)).toMatchObject({ paths: ['source/a'], inodes: [{ inode: String(ino) }] });
  expect(hkfs(['replay', '--check', '--archive', copy]).status).toBe(0);
  expect(hkfs(['verify', '--quick', '--archive', copy]).status).toBe(0);
});
