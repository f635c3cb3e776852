/** A disk that fails while it writes back, and another process that is told of it first. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect } from '@jest/globals';
import { hkfs, isStopped, sh, start, until, type Run } from '../e2e/hkfs.js';
import { boxOn, testOn } from './mounts.js';

const FILE_BYTES = 4 << 20;
const scratch = fs.mkdtempSync(join(tmpdir(), 'hkfs-write-errors-'));
const back = join(scratch, 'back');
const disk = join(scratch, 'disk');
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

/** An ext4 without a journal in a sparse file on a small tmpfs: where that is full, blocks cannot be written. */
beforeEach(() => {
  for (const path of [back, disk]) fs.mkdirSync(path, { recursive: true });
  sh(`mount -t tmpfs -o size=40M tmpfs '${back}'
    truncate -s 200M '${back}/image'
    mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=0,nodiscard '${back}/image'
    mount -o loop,errors=continue '${back}/image' '${disk}'`);
});
afterEach(() => {
  for (const path of [disk, back]) sh(`umount '${path}' 2>/dev/null || umount -l '${path}' || true`);
});

/** Runs to the failpoint; then the blocks written so far get lost, and a `sync` is told; then it goes on. */
async function whileWritesFail(args: readonly string[], failpoint: string): Promise<Run> {
  const running = start(args, { env: { HKFS_FAILPOINT: `${failpoint}=pause` } });
  await until(() => isStopped(running.pid), failpoint);
  sh(`dd if=/dev/zero of='${back}/fill' bs=1M 2>/dev/null || true`);
  expect(sh(`sync -f '${disk}' 2>&1 || echo it was told`)).toContain('it was told');
  fs.rmSync(join(back, 'fill'));
  running.child.kill('SIGCONT');
  return running.ended;
}

/** What is read from now on comes from the disk, where the kernel lets us say so. */
function forget(): void {
  sh('(echo 3 > /proc/sys/vm/drop_caches) 2>/dev/null || true');
}

testOn('ext4')(
  'an ingest whose bytes got lost on the way to the disk fails, whoever was told of it first',
  async () => {
    const box = boxOn(disk).write({ file: Buffer.alloc(FILE_BYTES, 'content') });
    sh(`sync -f '${disk}'`);
    const ended = await whileWritesFail(['ingest', box.source, '-a', box.root], 'commit.sync');
    expect([2, 4]).toContain(ended.status);
    expect(ended.stderr).toMatch(/\[(NO_SPACE|IO_ERROR)\]\nhint: /);
    forget();
    box.expectSound();
    box.ingest();
    sh(`sync -f '${disk}'`);
    forget();
    box.expectSound();
  },
  60_000,
);

testOn('ext4')(
  'so does a restore, and the same command with --overwrite brings the bytes again',
  async () => {
    const path = join(scratch, 'sound');
    fs.mkdirSync(path);
    const box = boxOn(path).write({ file: Buffer.alloc(FILE_BYTES, 'content') });
    box.ingest();
    const args = ['restore', 'source/file', '--to', disk, '-a', box.root];
    const ended = await whileWritesFail(args, 'restore.named');
    expect([2, 4]).toContain(ended.status);
    forget();
    expect(hkfs([...args, '--overwrite', 'always', '--yes'])).toMatchObject({ status: 0 });
    sh(`sync -f '${disk}'`);
    forget();
    const expected = fs.readFileSync(join(box.source, 'file'));
    expect(fs.readFileSync(join(disk, 'file')).equals(expected)).toBe(true);
  },
  60_000,
);
