/** More names of one content than an inode can have: 65,000 on ext4. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { boxOn, mounts, testOn } from './mounts.js';

const NAMES = 65_001;
const space = mounts();

testOn('ext4')(
  '65,001 names of one content get a second inode, are all there, and nothing is done twice',
  () => {
    const box = boxOn(space.make('ext4', 512, '-N 80000'));
    for (let at = 0; at < NAMES; at += 1) {
      const directory = join(box.source, String(at >> 12));
      if ((at & 4095) === 0) fs.mkdirSync(directory);
      fs.writeFileSync(join(directory, String(at)), 'the same');
    }
    const started = Date.now();
    expect(box.ingest()).toMatchObject({ files: NAMES, newObjects: 1, duplicateFiles: NAMES - 1 });
    expect(Date.now() - started).toBeLessThan(60_000);

    const { inodes, links, paths } = box.stat('source/0/0');
    expect({ inodes: inodes.length, links, paths: paths.length }).toEqual({
      ...{ inodes: 2, links: NAMES + 2, paths: NAMES },
    });
    const object = box.object('source/0/0');
    expect(fs.statSync(object).nlink).toBe(65_000);
    expect(fs.statSync(`${object}.1`).nlink).toBe(NAMES + 2 - 65_000);
    expect(fs.readFileSync(`${object}.1`, 'utf8')).toBe('the same');
    expect(box.rows('find', '--kind', 'file')).toHaveLength(NAMES);
    box.expectSound();
    box.expectReplayed();

    expect(box.ingest()).toMatchObject({ files: NAMES, unchangedFiles: NAMES });
    box.ingest(join(box.source, '0'), '--to', 'more', '--checksum');
    expect(box.stat('source/0/0')).toMatchObject({ inodes: [{}, {}], links: NAMES + 2 + 4096 });
    box.expectSound();
    box.expectReplayed();
  },
  180_000,
);
