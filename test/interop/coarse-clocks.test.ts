/** Filesystems whose times are whole seconds: what is changed within one of them looks unchanged. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { Archive } from 'hkfs';
import { inode, type Box } from '../e2e/hkfs.js';
import { boxOn, mounts, testOn } from './mounts.js';

/** Small inodes have no room for fractions of a second. */
const COARSE = '-I 128';
const ATTEMPTS = 20;
const space = mounts();
const onExt4 = testOn('ext4');

async function within(box: Box, use: (archive: Archive) => Promise<void>): Promise<void> {
  const archive = await Archive.open(box.root);
  try {
    await use(archive);
  } finally {
    await archive.close();
  }
}

/** The whole seconds of the two times of a file. */
function timesOf(path: string): string {
  const { mtimeNs, ctimeNs } = fs.lstatSync(path, { bigint: true });
  return `${mtimeNs} ${ctimeNs}`;
}

/** Ingests a file that is written to again at once, until both happened within one second. */
async function changedUnseen(box: Box, ingest: (archive: Archive) => Promise<unknown>): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const path = join(box.source, `file-${attempt}`);
    let isUnseen = false;
    await within(box, async (archive) => {
      fs.writeFileSync(path, 'first');
      const before = timesOf(path);
      await ingest(archive);
      fs.writeFileSync(path, 'after');
      isUnseen = timesOf(path) === before;
    });
    if (isUnseen) return path;
  }
  throw new Error('never were both within one second');
}

onExt4('a file that was changed within the second of its ingest is read again by the next', async () => {
  const box = boxOn(space.make('ext4', 32, COARSE));
  const path = await changedUnseen(box, (archive) => archive.ingest({ sources: [box.source] }));
  box.ingest();
  expect(box.run('cat', path.slice(box.path.length + 1)).stdout).toBe('after');
  box.expectSound();
});

onExt4.each(['move', 'assimilate'] as const)('and is not given up unread in mode %s', async (mode) => {
  const box = boxOn(space.make('ext4', 32, COARSE));
  const path = await changedUnseen(box, (archive) => archive.ingest({ sources: [box.source] }));
  const { run } = box.ingestWith({}, '--mode', mode);
  expect(run.status).toBe(0);
  expect(box.run('cat', path.slice(box.path.length + 1)).stdout).toBe('after');
  box.expectSound();
});

onExt4(
  'a file that was changed within the second is copied and not linked, and may change later',
  async () => {
    const box = boxOn(space.make('ext4', 32, COARSE));
    const link = (archive: Archive): Promise<unknown> =>
      archive.ingest({ sources: [box.source], mode: 'link', to: 'linked' });
    const path = await changedUnseen(box, link);
    const name = `linked/${path.slice(box.source.length + 1)}`;
    expect(inode(box.tree(name))).not.toBe(inode(path));
    expect(box.run('cat', name).stdout).toBe('first');
    box.expectSound();
  },
);
