/** Restore as an ordinary user, to small and strange filesystems, and at the link limit. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect } from '@jest/globals';
import { walkAttributes } from '../e2e/attribute-walk.js';
import { Box, hkfs, inode, saying, sh, testWhere } from '../e2e/hkfs.js';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';
import { boxOn, mounts, testOn } from './mounts.js';

const NOBODY = 65534;
const through = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
const asNobody = testWhere(isRoot && hasTool('setpriv') && canReadCheckout(), 'needs root and setpriv');
const scratch = scratchDirectory();
const space = mounts();

function canReadCheckout(): boolean {
  try {
    sh(`${through.join(' ')} test -r '${join(import.meta.dirname, '../../bin/run.js')}'`);
    return true;
  } catch {
    return false;
  }
}

describe('an ordinary user', () => {
  let box: Box;
  beforeEach(() => {
    if (!isRoot) return;
    fs.chmodSync(scratch.path, 0o755);
    const path = fs.mkdtempSync(join(scratch.path, 'box-'));
    fs.mkdirSync(join(path, 'source'));
    box = new Box(path).write({ a: 'a', b: 'b', 'd/c': 'c', 'shut/e': 'e' });
    sh('ln a alias; chmod 4755 b; chmod 640 a; ln -s b l; mkfifo p; touch -d @5.000000005 d/c d', box.source);
    if (hasTool('setfattr')) sh('setfattr -n user.x -v y a', box.source);
    sh(`chown -R ${NOBODY}:${NOBODY} .; chmod 555 source/shut`, path);
    sh('chmod 4755 source/b', path);
    expect(hkfs(['init', box.root], { through })).toMatchObject({ status: 0, stderr: '' });
  });

  asNobody('gets their own files back equal in every attribute, twice', () => {
    box.ingestWith({ through });
    for (const status of [0, 0]) {
      expect(box.restoreWith({ through }, 'source', 'out').run).toMatchObject({ status, stderr: '' });
      expect(walkAttributes(join(box.path, 'out/source'))).toEqual(walkAttributes(box.source));
      expect(sh(`rsync -naHAXi --delete source/ out/source/`, box.path)).toBe('');
    }
  });

  asNobody('finishes in a directory that was made read-only by the run before', () => {
    box.ingestWith({ through });
    box.restoreWith({ through }, 'source', 'out');
    sh('rm out/source/shut/e', box.path);
    expect(box.restoreWith({ through }, 'source', 'out').run.status).toBe(0);
    expect(walkAttributes(join(box.path, 'out/source'))).toEqual(walkAttributes(box.source));
  });

  asNobody('gets the files of others as their own, each reason listed once, exit 3', () => {
    sh('chown -R 1:2 a b d; chmod 4755 b; mknod c c 1 3; chmod 644 a c', box.source);
    expect(box.ingestWith({ through }).run.status).toBe(0);
    const { run, summary } = box.restoreWith({ through }, 'source', 'out');
    expect(run.status).toBe(3);
    const reasons = summary.failed.map(({ path, code, message }) => {
      const name = path.slice(path.lastIndexOf('/') + 1);
      return `${name} ${code} ${message.replaceAll(/\d+/g, 'N')}`;
    });
    expect(reasons).toHaveLength(4);
    expect(reasons).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^\w+ EPERM group could not be set, here and in N more \(only root may\)$/),
        expect.stringMatching(/^\w+ EPERM owner could not be set, here and in N more \(only root may\)$/),
        'b EPERM setuid and setgid could not be set (only root may)',
        'c EPERM EPERM: operation not permitted, mknod',
      ]),
    );
    const [was, is] = ['source', 'out/source'].map((p) =>
      walkAttributes(join(box.path, p), { owners: false }),
    );
    const { c: _device, b: setuid, ...others } = was!;
    expect(is).toEqual({ ...others, b: { ...setuid, mode: '100755' } });
  });

  asNobody('is told NO_PERMISSION where nothing may be written', () => {
    box.ingestWith({ through });
    fs.mkdirSync(join(box.path, 'closed'));
    const { status, stderr } = box.runWith({ through }, 'restore', 'source', '--to', 'closed');
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying('NO_PERMISSION')) });
  });
});

testOn('ext4')('no room: NO_SPACE, no remains, and the same command finishes once there is some', () => {
  const box = Box.make(space.path);
  for (let at = 0; at < 40; at += 1) box.write({ [`d${at % 4}/${at}`]: Buffer.alloc(700_000, `${at} `) });
  box.ingest();
  const small = space.make('ext4', 64, '-m 0');
  fs.writeFileSync(join(small, 'ballast'), Buffer.alloc(44 << 20, 1));
  const to = join(small, 'to');
  const { status, stderr } = box.run('restore', 'source/', '--to', to, '--progress', 'none');
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying('NO_SPACE')) });
  expect(sh(`find '${to}' -name '.hkfs-restore-*'`)).toBe('');
  expect(fs.readdirSync(to).length).toBeGreaterThan(0);
  fs.rmSync(join(small, 'ballast'));
  expect(box.run('restore', 'source/', '--to', to, '--progress', 'none').status).toBe(0);
  expect(walkAttributes(to)).toEqual(walkAttributes(box.source));
});

testOn('btrfs')('btrfs: blocks are shared with the archive, and the tree is equal', () => {
  const box = boxOn(space.make('btrfs', 256));
  box.write({ large: Buffer.alloc(40 << 20, 'large '), small: 'small' });
  box.ingest();
  expect(box.restore('source', 'out').run.status).toBe(0);
  expect(walkAttributes(join(box.path, 'out/source'))).toEqual(walkAttributes(box.source));
  expect(box.restore('source', 'checked', '--verify').run.status).toBe(0);
});

testOn('vfat')('vfat: what it cannot keep is listed by reason, exit 3, and the contents are there', () => {
  const box = Box.make(space.path).write({ a: 'a', 'd/b': 'b' });
  sh('chmod 600 a; ln -s a l', box.source);
  box.ingest();
  const to = space.make('vfat', 16);
  const { status, stdout } = box.run('restore', 'source', '--to', to, '--json', '--progress', 'none');
  expect({ status, failed: stdout }).toEqual({ status: 3, failed: expect.stringContaining('EPERM') });
  expect(fs.readFileSync(join(to, 'source/d/b'), 'utf8')).toBe('b');
});

testOn('ext4')(
  'an object that takes no more links is copied by --link, with a note',
  () => {
    const path = space.make('ext4', 256, '-N 80000');
    const box = boxOn(path);
    box.write({ a: 'the same', b: 'the same' });
    box.ingest();
    const more = join(path, 'more');
    fs.mkdirSync(more);
    const object = box.object('source/a');
    for (let at = fs.statSync(object).nlink; at < 64_999; at += 1)
      fs.linkSync(object, join(more, String(at)));
    const { run, summary } = box.restore('source', 'out', '--link');
    expect(run.stderr).toMatch(/^hkfs: note: .* \[EMLINK\]\n$/);
    expect({ status: run.status, files: summary.files, links: summary.links }).toEqual({
      ...{ status: 0, files: 2, links: 1 },
    });
    const inodes = ['a', 'b'].map((name) => inode(join(box.path, 'out/source', name)));
    expect(inodes.filter((one) => one === inode(object))).toHaveLength(1);
    expect(fs.readFileSync(join(box.path, 'out/source/b'), 'utf8')).toBe('the same');
  },
  60_000,
);
