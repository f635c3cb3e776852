/** What people do to the tree with ordinary tools, adopted: then all is sound, and there is no more to do. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { EntryRow, SyncSummary, VerifySummary } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, inode, saying, sh } from './hkfs.js';

const SETTLED = join(import.meta.dirname, 'settled.mjs');
const scratch = scratchDirectory();
let box: Box;
beforeEach(() => {
  box = Box.make(scratch.path).write({
    'a.txt': 'alpha',
    'b.txt': 'beta',
    'c.txt': 'gamma',
    'd/one': 'number one',
    'd/two': 'number two',
    'd/three': 'number three',
    'd/deep/four': 'number four',
    'd/deep/five': 'number five',
    'e/only': 'the only one',
    empty: '',
    twin1: 'twins',
    twin2: 'twins',
  });
  fs.symlinkSync('a.txt', `${box.source}/link`);
  fs.mkdirSync(`${box.source}/hollow`);
  box.ingest(box.source, '--to', 't');
});

function sync(...args: string[]): { status: number | null; summary: SyncSummary; stderr: string } {
  const { status, stdout, stderr } = box.run('sync', '--json', '--progress', 'none', ...args);
  return { status, stderr, summary: (stdout === '' ? {} : JSON.parse(stdout)) as SyncSummary };
}

const NO_CHANGES = { renamed: 0, added: 0, removed: 0, changed: 0, relinked: 0, damaged: [], failed: [] };
const NOTHING = { operation: null, ...NO_CHANGES };

interface Settled {
  /** Null where no sync was asked for. */
  readonly tried: SyncSummary | null;
  readonly synced: SyncSummary | null;
  readonly verified: VerifySummary;
  readonly again: SyncSummary;
  readonly replayed: { readonly equal: boolean };
  readonly rows: readonly EntryRow[];
}

/** After a sync: the namespace is the disk, nothing is left to do, everything is sound. */
function expectSettled(...first: 'sync'[]): Settled {
  const asked = spawnSync(process.execPath, [SETTLED, box.root, ...first], { encoding: 'utf8' });
  expect(asked).toMatchObject({ status: 0, stderr: '' });
  const settled = JSON.parse(asked.stdout) as Settled;
  const { verified, again, replayed, rows } = settled;
  expect(verified).toMatchObject({ damaged: [], missing: [], unlinked: [], untracked: [], views: [] });
  expect(again).toMatchObject(NOTHING);
  expect(replayed.equal).toBe(true);
  const onDisk = sh(`find . -path ./.hkfs -prune -o -mindepth 1 -printf '%P\\0'`, box.root).split('\0');
  expect(rows.map(({ path }) => path).toSorted()).toEqual(onDisk.filter((path) => path !== '').toSorted());
  for (const { path, hash } of rows)
    if (hash !== null) {
      expect(inode(box.tree(path))).toBe(
        inode(box.tree(`.hkfs/objects/${hash.slice(0, 2)}/${hash.slice(2)}`)),
      );
      expect(fs.lstatSync(box.tree(path)).mode & 0o777).toBe(0o444);
    }
  return settled;
}

type Counts = Partial<Pick<SyncSummary, 'renamed' | 'added' | 'removed' | 'changed' | 'relinked'>>;

/** What was done, the commands that did it, and what sync says of it. */
const CHANGES: readonly (readonly [what: string, script: string, counts: Counts])[] = [
  ['a file that was renamed', 'mv a.txt z.txt', { renamed: 1 }],
  ['a file that was moved to another directory', 'mv a.txt d/', { renamed: 1 }],
  ['a directory that was renamed', 'mv d moved', { renamed: 1 }],
  ['a directory that was moved into another', 'mv d e/', { renamed: 1 }],
  ['a directory that was moved into a new one', 'mkdir new; mv d new/x', { renamed: 1, added: 1 }],
  ['nested directories that were both renamed', 'mv d/deep d/deeper; mv d moved', { renamed: 2 }],
  [
    'a directory that was renamed and changed',
    'mv d m; rm m/one; echo new > m/new; mv m/two m/2',
    { renamed: 2, removed: 1, added: 1 },
  ],
  ['a child that became its parent', 'mv d/deep x; mv d x/d; mv x d', { renamed: 2 }],
  ['a swap of two names', 'mv a.txt x; mv b.txt a.txt; mv x b.txt', { renamed: 2 }],
  ['a swap of two directories', 'mv d x; mv e d; mv x e', { renamed: 2 }],
  ['a cycle of three names', 'mv a.txt x; mv b.txt a.txt; mv c.txt b.txt; mv x c.txt', { renamed: 3 }],
  ['a change of case', 'mv a.txt A.TXT', { renamed: 1 }],
  ['a directory whose name changed in case', 'mv d D', { renamed: 1 }],
  ['a file that was removed', 'rm a.txt', { removed: 1 }],
  ['a directory that was removed', 'rm -r d', { removed: 7 }],
  ['a new file', 'echo fresh > fresh', { added: 1 }],
  ['a new empty file', 'touch none', { added: 1 }],
  ['new directories with files', 'mkdir -p n/m/o; echo x > n/m/o/p; ln -s p n/m/o/q', { added: 5 }],
  ['a new symlink', 'ln -s /nowhere s', { added: 1 }],
  ['a copy of a file', 'cp a.txt copy', { added: 1 }],
  ['a hard link', 'ln a.txt further', { added: 1 }],
  ['a directory of hard links', 'cp -al d linked', { added: 7 }],
  ['a copy of a directory', 'cp -a d copied', { added: 7 }],
  ['two new names of one new file', 'echo two > n1; ln n1 n2', { added: 2 }],
  ['an edit by sed -i', 'sed -i s/alpha/omega/ a.txt', { changed: 1 }],
  ['an atomic save', 'echo saved > .tmp; mv .tmp a.txt', { changed: 1 }],
  ['a save with a backup', 'mv a.txt a.txt~; echo saved > a.txt', { renamed: 1, added: 1 }],
  [
    'a save with the same bytes',
    'cp a.txt .tmp; chmod 640 .tmp; touch -d 2001-01-01 .tmp; mv .tmp a.txt',
    { relinked: 1, changed: 1 },
  ],
  ['a save of what another file holds', 'cp b.txt .tmp; mv .tmp a.txt', { changed: 1 }],
  ['a name that became a link to another content', 'ln -f b.txt a.txt', { changed: 1 }],
  ['touch', 'touch -d 2011-11-11T11:11:11 a.txt', { changed: 1 }],
  ['chmod of a file', 'chmod 750 a.txt', { changed: 1 }],
  ['chmod of a directory', 'chmod 700 d', { changed: 1 }],
  ['a renamed file with another mode', 'mv a.txt x; chmod 711 x', { renamed: 1, changed: 1 }],
  ['a symlink that points elsewhere', 'ln -sfn b.txt link', { changed: 1 }],
  ['a file in the place of a directory', 'rm -r e; echo file > e', { removed: 2, added: 1 }],
  [
    'a directory in the place of a file',
    'rm a.txt; mkdir a.txt; echo in > a.txt/in',
    { removed: 1, added: 2 },
  ],
  [
    'a file that went into a directory of its name',
    'mv a.txt x; mkdir a.txt; mv x a.txt/x',
    { renamed: 1, added: 1 },
  ],
  ['a file that took the place of its directory', 'mv e/only x; rmdir e; mv x e', { renamed: 1, removed: 1 }],
  ['a symlink in the place of a file', 'rm a.txt; ln -s b.txt a.txt', { changed: 1 }],
  ['an empty file that was filled', 'rm empty; echo full > empty', { changed: 1 }],
  ['an empty file that was renamed', 'mv empty void', { renamed: 1 }],
  ['a symlink that was renamed', 'mv link pointer', { renamed: 1 }],
  [
    'names with spaces, newlines and leading dashes',
    `mv a.txt ./-n; mv b.txt 'x y'; mv c.txt 'n\newline'`,
    { renamed: 3 },
  ],
  ['a copy by rsync', 'rsync -a d/ r/', { added: 7 }],
  ['rsync --delete', 'rsync -a --delete e/ d/', { removed: 6, added: 1 }],
];

describe('adopted:', () => {
  test.each(CHANGES)('%s', (_what, script, counts) => {
    sh(script, box.tree('t'));
    const { tried, synced } = expectSettled('sync');
    expect(synced).toMatchObject({ operation: 2, ...NO_CHANGES, ...counts });
    expect(tried).toMatchObject({ ...counts, operation: null, dryRun: true });
  });

  /** The tree was compared before, so what of it is unchanged is not compared again. */
  test.each(CHANGES.filter((_change, index) => index % 6 === 1))(
    '%s, after a sync that found nothing',
    (_what, script, counts) => {
      expect(sync().summary).toMatchObject(NOTHING);
      sh(script, box.tree('t'));
      expect(sync().summary).toMatchObject({ operation: 2, ...counts });
      expectSettled();
    },
  );
});

test('after an ingest there is nothing to adopt', () => {
  expect(sync()).toMatchObject({ status: 0, stderr: '', summary: NOTHING });
  expectSettled();
});

test('what was renamed keeps its attributes and its history', () => {
  sh('mv d moved', box.tree('t'));
  const before = box.stat('t/d/one').entry!;
  sync();
  expect(box.stat('t/moved/one').entry).toEqual({ ...before, path: 't/moved/one' });
  expect(box.rows('ls', 't/d', '--at', 'op:1')).toHaveLength(4);
});

test.each(['printf TWINS > twin1', ': > twin1', 'echo more >> twin1', 'truncate -s 9999 twin1'])(
  'bytes that were changed through a link by %s are damage, with every name, and never adopted',
  (script) => {
    sh(`chmod u+w twin1; ${script}`, box.tree('t'));
    const { status, summary } = sync();
    expect(status).toBe(4);
    expect(summary.damaged).toMatchObject([{ paths: ['t/twin1', 't/twin2'] }]);
    expect(summary).toMatchObject({ changed: 0, added: 0, removed: 0, renamed: 0 });
    expect(sync()).toMatchObject({ status: 4, summary: { operation: null } });
    expect(box.verify().status).toBe(4);
  },
);

/** What was put aside, by its bytes. */
function kept(): string[] {
  const damaged = box.tree('.hkfs/damaged');
  const names = fs.existsSync(damaged) ? fs.readdirSync(damaged) : [];
  return names.map((name) => fs.readFileSync(join(damaged, name), 'utf8')).toSorted();
}

test('names of an object that was damaged and healed by an ingest are links again, and the bytes are kept', () => {
  sh('chmod u+w twin1; printf other > twin1', box.tree('t'));
  expect(sync().status).toBe(4);
  const { run } = box.ingestWith({}, box.source, '--to', 't', '--checksum');
  expect(run.stderr.match(/\[DAMAGED_KEPT\]/g)).toHaveLength(2);
  expect(kept()).toEqual(['other']);
  expect(box.verify()).toMatchObject({ status: 0, summary: { unlinked: [], damaged: [] } });
  expect(sync()).toMatchObject({ status: 0, summary: NOTHING });
  expectSettled();
});

describe('a name that is still on an inode that was damaged and replaced', () => {
  beforeEach(() => {
    sh('chmod u+w twin1; printf OTHER > twin1', box.tree('t'));
    box.ingestWith({}, box.source, '--to', 't', '--checksum');
    sh('ln -f .hkfs/damaged/* t/twin1; rm -r .hkfs/damaged', box.root);
  });

  test('is no new version of anything: it becomes a link, its bytes are kept, exit 4', () => {
    const { status, summary } = sync();
    expect({ status, summary }).toMatchObject({ status: 4, summary: { relinked: 1, changed: 0, added: 0 } });
    expect(summary.damaged).toMatchObject([{ paths: ['t/twin1'] }]);
    expect(kept()).toEqual(['OTHER']);
    expect(box.run('cat', 't/twin1').stdout).toBe('twins');
    expectSettled();
  });

  test('is recognised where it was moved; under a further name it is what somebody wants to have', () => {
    sh('mv twin1 moved; ln moved more', box.tree('t'));
    const { status, summary } = sync();
    expect({ status, summary }).toMatchObject({ status: 4, summary: { renamed: 1, added: 1, relinked: 1 } });
    expect(kept()).toEqual(['OTHER']);
    // Which of the two is the one that was moved, nobody can tell.
    const bytes = ['moved', 'more'].map((name) => fs.readFileSync(box.tree(`t/${name}`), 'utf8'));
    expect(bytes.toSorted()).toEqual(['OTHER', 'twins']);
    expectSettled();
  });

  test('is a new file where it was taken from what was kept, and stays one', () => {
    expect(sync().status).toBe(4);
    sh('mv .hkfs/damaged/* t/wanted', box.root);
    expect(sync()).toMatchObject({ status: 0, summary: { added: 1, relinked: 0 } });
    expect(fs.readFileSync(box.tree('t/wanted'), 'utf8')).toBe('OTHER');
    expectSettled();
  });
});

test('bytes written in place with the old time, in a file that was renamed, are damage and never sealed', () => {
  sh(
    `touch -r a.txt ../ref; printf ALPHA | dd of=a.txt conv=notrunc status=none; touch -r ../ref a.txt
     rm ../ref; mv a.txt z.txt`,
    box.tree('t'),
  );
  for (const renamed of [1, 0]) {
    const { status, summary } = sync();
    expect({ status, summary }).toMatchObject({ status: 4, summary: { renamed, changed: 0 } });
    expect(summary.damaged).toMatchObject([{ paths: [renamed === 1 ? 't/a.txt' : 't/z.txt'] }]);
  }
  box.ingestWith({}, box.source, '--to', 't', '--mode', 'move');
  expect(box.run('cat', 't/z.txt').stdout).toBe('alpha');
});

test('a good file is not given up for a link to an object that rotted: heal takes its bytes', () => {
  const object = box.object('t/a.txt');
  sh(`cp a.txt .tmp; mv .tmp a.txt; chmod u+w '${object}'; printf rotten > '${object}'`, box.tree('t'));
  const { status, summary } = sync();
  expect({ status, relinked: summary.relinked }).toEqual({ status: 4, relinked: 0 });
  expect(fs.readFileSync(box.tree('t/a.txt'), 'utf8')).toBe('alpha');
  expect(box.run('heal').status).toBe(0);
  expect(fs.readFileSync(object, 'utf8')).toBe('alpha');
  expect(sync()).toMatchObject({ status: 0, summary: { relinked: 1 } });
  expectSettled();
});

describe('in a copy of the archive', () => {
  beforeEach(() => {
    sh(`cp -a '${box.root}' '${box.root}-copy'`);
    box = new Box(box.path, `${box.root}-copy`, box.source);
  });

  test('there is nothing to adopt, and nothing is read for that: what rotted before is for verify', () => {
    sh('touch -r c.txt ../ref; printf GAMMA > c.txt; touch -r ../ref c.txt; rm ../ref', box.tree('t'));
    expect(sync()).toMatchObject({ status: 0, summary: NOTHING });
    expect(box.verify()).toMatchObject({ status: 4, summary: { damaged: [{ paths: ['t/c.txt'] }] } });
  });

  test('renames, edits and new files are what they are', () => {
    sh('mv a.txt z.txt; mv d moved; sed -i s/beta/BETA/ b.txt; echo new > n', box.tree('t'));
    expect(sync()).toMatchObject({ status: 0, summary: { renamed: 2, changed: 1, added: 1, removed: 0 } });
    expectSettled();
  });

  test('bytes that are written in place once it was opened are damage', () => {
    expect(sync()).toMatchObject({ status: 0, summary: NOTHING });
    sh('touch -r a.txt ../ref; printf ALPHA > a.txt; touch -r ../ref a.txt; rm ../ref', box.tree('t'));
    expect(sync()).toMatchObject({ status: 4, summary: { damaged: [{ paths: ['t/a.txt'] }] } });
  });

  test('a verification of it appends what was verified, and no event for each object', () => {
    const before = box.rows('log', '--limit', '1000').length;
    expect(box.verify().status).toBe(0);
    const types = box.rows<{ type: string }>('log', '--limit', '1000').slice(0, -before || undefined);
    expect(types.map(({ type }) => type).toSorted()).toEqual(
      expect.not.arrayContaining(['object.relocated', 'object.stored', 'object.removed']),
    );
    expect(box.verify('--quick')).toMatchObject({ status: 0, summary: { operation: null } });
  });

  test('an object that nothing names is read and collected, and the log has it no more', () => {
    expect(box.run('rm', 't/e', '--yes').status).toBe(0);
    expect(box.run('rm', 't/hollow', '--yes').status).toBe(0);
    const collected = box.rows<{ objects: number }>('gc', '--older-than', '0s', '--yes').at(-1)!;
    expect(collected).toMatchObject({ objects: 1, kept: { unverified: 0 } });
    expect(box.rows('orphans')).toEqual([]);
    expect(box.verify().status).toBe(0);
  });

  test('an object that rots is healed, and its names follow', () => {
    expect(box.run('remote', 'add', 'nas', `${box.path}/nas`).status).toBe(0);
    expect(box.run('backup', 'nas').status).toBe(0);
    expect(box.verify().status).toBe(0);
    sh('chmod u+w twin1; printf TWINS > twin1; chmod 444 twin1', box.tree('t'));
    expect(box.verify('--heal')).toMatchObject({
      summary: { unlinked: [], damaged: [{ healedFrom: 'nas' }] },
    });
    expect(kept()).toEqual(['TWINS']);
    expectSettled();
  });
});

test('an mtime of a content with two names is not adopted, which is said, and the archive is sound', () => {
  sh('touch twin1', box.tree('t'));
  const { status, stdout, stderr } = box.run('sync');
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^Nothing to adopt/) });
  expect(stderr).toContain('t/twin1');
  expectSettled();
});

describe('more than half of the tree is gone:', () => {
  beforeEach(() => {
    sh('rm -r d e a.txt b.txt', box.tree('t'));
  });

  test('refused, nothing changed, and a dry run lists it', () => {
    const before = box.head();
    const { status, stderr, stdout } = box.run('sync');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(saying('TOO_MANY_REMOVED'));
    expect(box.head()).toBe(before);
    expect(box.run('sync', '--dry-run').stdout).toContain('removed  t/d\n');
  });

  test('adopted with --yes', () => {
    expect(sync('--yes')).toMatchObject({ status: 0, summary: { removed: 11 } });
    expectSettled();
  });
});

test('what cannot be read is listed, the rest is adopted, and nothing is concluded of what was not seen', () => {
  const failing = { HKFS_FAILPOINT: 'source.read=EACCES' };
  sh('echo secret > secret; mv a.txt z', box.tree('t'));
  const { status, stdout } = box.runWith({ env: failing }, 'sync', '--json', '--progress', 'none');
  expect(status).toBe(3);
  const summary = JSON.parse(stdout) as SyncSummary;
  expect(summary).toMatchObject({
    renamed: 1,
    added: 0,
    failed: [{ path: 't/secret', code: 'EACCES' }],
  });
  expect(sync()).toMatchObject({ status: 0, summary: { added: 1, renamed: 0 } });
  expectSettled();
});

test('a fifo that somebody made is told by an event and stays', () => {
  sh('mkfifo pipe', box.tree('t'));
  expect(sync()).toMatchObject({ status: 0, summary: { added: 1 } });
  expectSettled();
});

test('a hard link to a file outside leaves that file as it is', () => {
  fs.writeFileSync(`${box.path}/outside`, 'from outside', { mode: 0o640 });
  fs.linkSync(`${box.path}/outside`, box.tree('t/inside'));
  expect(sync()).toMatchObject({ status: 0, summary: { added: 1 } });
  expect(fs.lstatSync(`${box.path}/outside`).mode & 0o777).toBe(0o640);
  expect(inode(`${box.path}/outside`)).not.toBe(inode(box.tree('t/inside')));
  expectSettled();
});

describe('undo of a sync', () => {
  test.each([
    ['renames and a swap', 'mv d moved; mv a.txt x; mv b.txt a.txt; mv x b.txt'],
    ['removals and additions', 'rm -r d a.txt; mkdir new; echo new > new/n; ln -s n new/s'],
    ['new contents', 'echo saved > .tmp; mv .tmp a.txt; rm -r e; echo file > e'],
    ['modes', 'chmod 700 d; chmod 750 a.txt'],
  ])('brings back all that %s took, in the log and on the disk', (_what, script) => {
    const before = box.rows('ls', '-R');
    sh(script, box.tree('t'));
    expect(sync().summary.operation).toBe(2);
    expect(box.rows('ls', '-R')).not.toEqual(before);
    expect(box.run('undo', '--yes', '--json').status).toBe(0);
    expect(box.rows('ls', '-R')).toEqual(before);
    expectSettled();
  });
});
