/** A bit that flips on the disk moves no time: the seal of its object still fits. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { sh } from '../e2e/hkfs.js';
import { boxOn, mounts, testOn } from './mounts.js';

const space = mounts();
const onExt4 = testOn('ext4');

onExt4('restore --link puts no rotten object in the place of a good file, whatever its seal says', () => {
  const box = boxOn(space.make('ext4', 64));
  const bytes = Buffer.alloc(200_000, 'photo ');
  fs.mkdirSync(box.source, { recursive: true });
  fs.writeFileSync(join(box.source, 'photo'), bytes);
  box.ingest();
  const { hash } = box.stat('source/photo').entry!;
  const object = join(box.root, '.hkfs/objects', hash!.slice(0, 2), hash!.slice(2));
  flipOnDisk(object);
  const args = ['restore', 'source/', '--to', box.source, '--link', '--overwrite', 'always', '--yes'];
  const run = box.run(...args);
  expect(run.status).not.toBe(0);
  expect(fs.readFileSync(join(box.source, 'photo')).equals(bytes)).toBe(true);
});

/** Through the device, past the file: neither its inode nor its times know of it. */
function flipOnDisk(path: string): void {
  const { ino } = fs.statSync(path);
  const device = sh(`df --output=source '${path}' | tail -n 1`).trim();
  sh('sync');
  const block = Number(sh(`debugfs -R 'bmap <${ino}> 0' '${device}' 2>/dev/null | tail -n 1`).trim());
  const size = Number(sh(`stat -f -c %S '${path}'`).trim());
  sh(`printf ROTTEN | dd of='${device}' bs=1 seek=${block * size + 1000} conv=notrunc,fsync status=none`);
  sh('echo 3 > /proc/sys/vm/drop_caches');
}
