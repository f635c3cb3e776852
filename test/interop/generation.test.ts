/** Archives whose inodes have other numbers than the log says: on the same device, as the same files. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SyncSummary } from '../../src/archive/api.js';
import { Box, hkfs, sh, testWhere } from '../e2e/hkfs.js';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';
import { Disk } from './disk.js';
import { boxOn, whyNot } from './mounts.js';

const scratch = scratchDirectory();
const reason = whyNot('ext4') ?? (hasTool('rsync') ? null : 'needs rsync');
const onLoop = testWhere(reason === null, reason ?? '');

let disks: Disk[] = [];
let disk: Disk;
let box: Box;
let outside: string;

function newDisk(): Disk {
  const made = new Disk(fs.mkdtempSync(join(scratch.path, 'disk-')));
  disks.push(made);
  return made;
}

beforeEach(() => {
  disks = [];
  if (reason !== null) return;
  disk = newDisk();
  outside = fs.mkdtempSync(join(scratch.path, 'outside-'));
  box = boxOn(disk.path, join(outside, 'source'));
});

afterEach(() => {
  for (const one of disks) one.gone();
});

/** Each file outside of `.hkfs` with the hash of its bytes. */
function contents(root = box.root): string {
  return sh(`find . -path ./.hkfs -prune -o -type f -print0 | sort -z | xargs -0 -r sha256sum`, root);
}

function writeMany(directory: string, count: number, text: string): void {
  fs.mkdirSync(directory, { recursive: true });
  // All of one size and time, so that nothing but the bytes tells them apart.
  for (let at = 0; at < count; at += 1)
    fs.writeFileSync(join(directory, `f${at}`), `${text} ${String(at).padStart(6, '0')}\n`);
  sh(`find . -type f -exec touch -d 2001-01-01 {} +`, directory);
}

function sync(on = box): { status: number | null; summary: SyncSummary } {
  const { status, stdout } = on.run('sync', '--json', '--progress', 'none');
  return { status, summary: JSON.parse(stdout) as SyncSummary };
}

const NOTHING = { operation: null, renamed: 0, added: 0, removed: 0, changed: 0, relinked: 0, damaged: [] };

describe('a disk that was made anew', () => {
  onLoop('and filled with the same files: there is nothing to adopt, and all is right', () => {
    writeMany(`${box.source}/d`, 200, 'content');
    box.ingest(box.source, '--to', 't');
    expect(sync().status).toBe(0);
    const before = contents();
    disk.restoreFrom(join(outside, 'copy'));
    expect(sync()).toMatchObject({ status: 0, summary: NOTHING });
    box.expectSound();
    expect(sync()).toMatchObject({ status: 0, summary: NOTHING });
    expect(contents()).toBe(before);
    for (const at of [0, 77, 199])
      expect(box.run('cat', `t/d/f${at}`).stdout).toBe(`content ${String(at).padStart(6, '0')}\n`);
  });

  onLoop('with hand-made changes before the first command: each is told as what it is', () => {
    writeMany(`${box.source}/d`, 100, 'content');
    box.ingest(box.source, '--to', 't');
    disk.restoreFrom(join(outside, 'copy'));
    sh('mv d/f1 d/renamed; mv d/f2 elsewhere; rm d/f3; echo new > d/f4.new; mv d/f4.new d/f4', box.tree('t'));
    const before = contents();
    expect(sync()).toMatchObject({
      status: 0,
      summary: { renamed: 2, removed: 1, changed: 1, added: 0, relinked: 0, damaged: [] },
    });
    box.expectSound();
    expect(contents()).toBe(before);
  });

  onLoop('cloned to it again, and filled with new files: none of them is taken for another', () => {
    // The objects have higher numbers than they will have in the clone: those that the new files get there.
    writeMany(join(disk.path, 'filler'), 500, 'filler');
    writeMany(`${box.source}/d`, 150, 'content');
    box.ingest(box.source, '--to', 't');
    const remote = join(outside, 'remote');
    expect(box.run('remote', 'add', 'r', remote).status).toBe(0);
    expect(box.run('backup', 'r').status).toBe(0);
    disk.remake();
    expect(hkfs(['clone', remote, box.root]).status).toBe(0);
    writeMany(box.tree('t/mine'), 900, 'my file');
    const before = contents();
    expect(sync()).toMatchObject({ status: 0, summary: { added: 901, renamed: 0, removed: 0, changed: 0 } });
    expect(box.verify()).toMatchObject({ status: 0, summary: { damaged: [], unlinked: [] } });
    expect(box.run('heal').status).toBe(0);
    expect(contents()).toBe(before);
    expect(box.run('cat', 't/mine/f899').stdout).toBe('my file 000899\n');
  });

  onLoop('after damage was told: healing there gives up no file of a person', () => {
    writeMany(join(disk.path, 'filler'), 500, 'filler');
    writeMany(`${box.source}/d`, 60, 'content');
    box.ingest(box.source, '--to', 't');
    sh('rm -r filler', disk.path);
    for (const at of [1, 2, 3]) sh(`chmod u+w f${at}; echo rotten > f${at}`, box.tree('t/d'));
    expect(box.verify().status).toBe(4);
    disk.restoreFrom(join(outside, 'copy'));
    sh('rm d/f1; echo mine > d/f1', box.tree('t'));
    writeMany(box.tree('t/mine'), 900, 'my file');
    const mine = sh('cat t/d/f1 t/mine/*', box.root);
    box.ingestWith({}, box.source, '--to', 'again', '--checksum');
    expect(box.run('heal').status).toBe(0);
    box.verify('--heal');
    expect(sh('cat t/d/f1 t/mine/*', box.root)).toBe(mine);
    sync();
    expect(sh('cat t/d/f1 t/mine/*', box.root)).toBe(mine);
    expect(box.verify().summary).toMatchObject({ damaged: [], missing: [] });
  });
});

onLoop('a copy of the device, block by block, begins a generation, and so does another machine', () => {
  writeMany(`${box.source}/d`, 20, 'content');
  box.ingest(box.source, '--to', 't');
  expect(sync().status).toBe(0);
  const copy = newDisk();
  sh(`umount '${copy.path}'; sync; fsfreeze -f '${disk.path}'; dd if=${disk.device} of=${copy.device} bs=1M status=none;
    fsfreeze -u '${disk.path}'; mount ${copy.device} '${copy.path}'`);
  const marker = (root: string): string => {
    const { dev, ino, ctimeNs } = fs.lstatSync(join(root, '.hkfs/place'), { bigint: true });
    return `${dev} ${ino} ${ctimeNs}`;
  };
  const copied = new Box(copy.path, join(copy.path, 'archive'), box.source);
  const before = marker(copied.root);
  expect(sync(copied)).toMatchObject({ status: 0, summary: NOTHING });
  expect(marker(copied.root)).not.toBe(before);
  copied.expectSound();

  const own = marker(box.root);
  expect(sync().status).toBe(0);
  expect(marker(box.root)).toBe(own);
  const id = join(outside, 'machine-id');
  fs.writeFileSync(id, `${'0'.repeat(31)}1\n`);
  const through = ['unshare', '-m', 'sh', '-c', `mount --bind '${id}' /etc/machine-id; exec "$@"`, 'sh'];
  if (isRoot && fs.existsSync('/etc/machine-id')) {
    expect(box.runWith({ through }, 'ls').status).toBe(0);
    expect(marker(box.root)).not.toBe(own);
  }
});

test('killed while a generation begins, the next command begins it', () => {
  const local = Box.make(scratch.path).write({ a: 'a', b: 'b' });
  local.ingest();
  for (const step of ['generation.dropped', 'generation.marked']) {
    const copy = `${local.root}-${step}`;
    sh(`cp -a '${local.root}' '${copy}'`);
    const there = new Box(local.path, copy, local.source);
    const { status } = there.runWith({ env: { HKFS_FAILPOINT: `${step}=kill` } }, 'ls');
    expect(status).toBeNull();
    expect(sync(there)).toMatchObject({ status: 0, summary: NOTHING });
    there.expectSound();
  }
});
