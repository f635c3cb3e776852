/** An archive on a medium that is mounted read-only: all that only reads works, and the rest says why it does not. */
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from '@jest/globals';
import { saying, sh } from '../e2e/hkfs.js';
import { boxOn, mounts, testOn } from './mounts.js';

const space = mounts();

testOn('ext4')('an archive on a read-only medium answers, restores, verifies and exports', () => {
  const path = space.make('ext4', 64);
  const box = boxOn(path, fs.mkdtempSync(join(space.path, 'source-')));
  const name = basename(box.source);
  box.write({ a: 'first', 'd/b': 'b' }).ingest();
  box.run('rm', `${name}/a`, '--yes');
  sh(`mount -o remount,ro '${path}'`);
  try {
    const out = fs.mkdtempSync(join(space.path, 'out-'));
    expect(box.run('ls', '-R', '-0', name).stdout).toBe(`${name}/d\0${name}/d/b\0`);
    expect(box.run('cat', `${name}/a`, '--at', 'op:1')).toMatchObject({ status: 0, stdout: 'first' });
    for (const words of [
      ['verify'],
      ['verify', '--quick'],
      ['restore', name, '--to', out],
      ['restore', name, '--to', join(out, 'then'), '--at', 'op:1'],
      ['export', name, '-o', join(out, 'tar')],
      ['replay', '--check'],
      ['dups'],
      ['log'],
    ])
      expect({ words, ...box.run(...words) }).toMatchObject({ status: 0 });
    expect(fs.readFileSync(join(out, 'then', name, 'a'), 'utf8')).toBe('first');
    for (const words of [['ingest', box.source], ['gc', '--yes'], ['heal'], ['verify', '--heal']]) {
      const { status, stderr } = box.run(...words);
      expect({ words, status, stderr }).toEqual({
        words,
        status: 2,
        stderr: expect.stringMatching(saying('READ_ONLY')),
      });
    }
  } finally {
    sh(`mount -o remount,rw '${path}'`);
  }
  box.expectSound();
});
