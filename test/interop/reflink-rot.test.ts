/** Where blocks are shared nothing passes through memory: the seal says whether the object has to be read. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { boxOn, mounts, testOn } from './mounts.js';

const scratch = mounts();

testOn('btrfs', 'xfs')('a rotten object is not cloned, a good one is, on btrfs and xfs', () => {
  for (const type of ['btrfs', 'xfs'] as const) {
    const box = boxOn(scratch.make(type, 512));
    box.write({ rotten: Buffer.alloc(3 << 20, 'rot'), good: Buffer.alloc(3 << 20, 'good') });
    box.ingest();
    const object = box.object('source/rotten');
    const { atime, mtime } = fs.statSync(object);
    fs.chmodSync(object, 0o644);
    const fd = fs.openSync(object, 'r+');
    fs.writeSync(fd, Buffer.from('#'), 0, 1, 2 << 20);
    fs.closeSync(fd);
    fs.utimesSync(object, atime, mtime);
    fs.chmodSync(object, 0o444);
    fs.rmSync(box.tree('source/rotten'));
    const { run, summary } = box.restore('source', 'out');
    expect([type, run.status]).toEqual([type, 4]);
    expect(summary.failed).toMatchObject([{ code: 'OBJECT_DAMAGED' }]);
    expect(fs.readdirSync(join(box.path, 'out/source'))).toEqual(['good']);
  }
});
