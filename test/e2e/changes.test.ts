/** mv, rm, tag and undo as a person types them. */
import * as fs from 'node:fs';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { MoveSummary, RemoveSummary, TagRow, UndoSummary } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, inode, parseRows, saying, type Run } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;

beforeEach(() => {
  box = Box.make(scratch.path).write({
    'd/f': 'same',
    'd/deep/g': 'g',
    'e/x': 'x',
    same: 'same',
    other: 'other',
  });
  box.ingest('--to', '/');
});

type Summary = Partial<MoveSummary & RemoveSummary & UndoSummary & TagRow>;

/** The one row of a command that has to succeed. */
function done(...args: (string | Buffer)[]): Summary {
  const [row] = box.rows<Summary>(...args);
  return row!;
}

function expectRefused(run: Run, code: string): void {
  expect({ status: run.status, stdout: run.stdout }).toEqual({ status: 2, stdout: '' });
  expect(run.stderr).toMatch(saying(code));
}

function expectWhole(): void {
  box.expectSound();
  box.expectReplayed();
}

describe('mv', () => {
  test('of a directory is one event and one rename: the directory on the disk is the same one', () => {
    const before = inode(box.tree('d'));
    expect(done('mv', 'd', 'e/n')).toEqual({ operation: 2, from: 'd', to: 'e/n' });
    expect(inode(box.tree('e/n'))).toBe(before);
    expect(box.rows<{ type: string }>('log', '--op', '2').map(({ type }) => type)).toEqual([
      'operation.started',
      'path.renamed',
      'operation.completed',
    ]);
    expect(box.paths()).toEqual(['e', 'e/n', 'e/n/deep', 'e/n/deep/g', 'e/n/f', 'e/x', 'other', 'same']);
    expect(box.paths('--at', 'op:1')).toContain('d/deep/g');
    expectWhole();
  });

  test('into a directory that is there keeps the name, with a slash at the end or not', () => {
    expect(done('mv', 'other', 'd')).toMatchObject({ to: 'd/other' });
    expect(done('mv', 'same', 'd/')).toMatchObject({ to: 'd/same' });
    expect(done('mv', 'd/other', '/')).toMatchObject({ to: 'other' });
    expectWhole();
  });

  test.each([
    ['other', 'other'],
    ['d', 'd'],
    ['d/f', 'd'],
    ['d', '/d/'],
    ['other', './/other'],
  ])('%s to %s is no change and no operation', (from, to) => {
    const head = box.head();
    const run = box.runWith({ cwd: box.root }, 'mv', from, to);
    expect(run).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Nothing to do/) });
    expect(done('mv', 'other', 'other')).toMatchObject({ operation: null });
    expect(box.head()).toBe(head);
  });

  test.each([['Other'], ['oth\u0065\u0301r'], ['oth\u00e9r'], ['-rf'], ['new\nline']])(
    'to the other name %j makes it that, and undo takes it back',
    (name) => {
      expect(box.run('mv', '--', 'other', name).status).toBe(0);
      expect(fs.existsSync(box.tree(name))).toBe(true);
      expect(box.paths()).toContain(name);
      expectWhole();
      done('undo');
      expect(box.paths()).toContain('other');
      expectWhole();
    },
  );

  test('between names of no UTF-8 moves the bytes', () => {
    done('mv', 'other', Buffer.from('caf\xe9', 'latin1'));
    done('mv', Buffer.from('caf\xe9', 'latin1'), Buffer.from('\xff', 'latin1'));
    expect(box.paths()).toContain('\udcff');
    expectWhole();
  });

  test.each([['other'], ['same']])(
    'of %s onto a file wants --force, and the old stays in history',
    (from) => {
      expectRefused(box.run('mv', from, 'd/f'), 'BAD_TARGET');
      const content = fs.readFileSync(box.tree(from), 'utf8');
      done('mv', '--force', from, 'd/f');
      expect(fs.readFileSync(box.tree('d/f'), 'utf8')).toBe(content);
      expect(box.run('cat', 'd/f', '--at', 'op:1').stdout).toBe('same');
      expect(fs.existsSync(box.tree(from))).toBe(false);
      expectWhole();
      expect(done('undo', '--yes')).toMatchObject({ renamed: 1, restored: 1, skipped: [] });
      expect(fs.readFileSync(box.tree('d/f'), 'utf8')).toBe('same');
      expectWhole();
    },
  );

  test('--dry-run tells the plan and changes nothing', () => {
    const head = box.head();
    expect(done('mv', 'd', 'n', '--dry-run')).toEqual({
      ...{ operation: null, from: 'd', to: 'n', dryRun: true },
      plan: ['rename d to n'],
    });
    expect(box.head()).toBe(head);
    expect(fs.existsSync(box.tree('d'))).toBe(true);
  });

  test('onto something that a person put there is refused before anything is written', () => {
    fs.writeFileSync(box.tree('mine'), 'mine');
    expectRefused(box.run('mv', 'other', 'mine'), 'BAD_TARGET');
    fs.rmSync(box.tree('d/f'));
    fs.writeFileSync(box.tree('d/f'), 'mine too');
    expectRefused(box.run('mv', '--force', 'other', 'd/f'), 'BAD_TARGET');
    expect(fs.readFileSync(box.tree('d/f'), 'utf8')).toBe('mine too');
    expect(box.ops()).toHaveLength(1);
  });

  test('of a directory takes along what a person put into it', () => {
    fs.writeFileSync(box.tree('d/mine'), 'mine');
    done('mv', 'd', 'n');
    expect(fs.readFileSync(box.tree('n/mine'), 'utf8')).toBe('mine');
  });

  test('through a symlink that a person put there writes nothing beyond it', () => {
    fs.renameSync(box.tree('e'), `${box.path}/outside`);
    fs.symlinkSync(`${box.path}/outside`, box.tree('e'));
    const { status, stderr } = box.run('mv', 'other', 'e/other');
    expect(status).toBe(0);
    expect(stderr).toMatch(/not renamed in the tree/);
    expect(fs.readdirSync(`${box.path}/outside`)).toEqual(['x']);
  });
});

describe('rm', () => {
  test('takes paths out, each outermost one by an event, and no object', () => {
    const object = box.object('d/deep/g');
    const summary = done('rm', 'd/deep', 'd', '/d/f', 'other', 'other', '--yes');
    expect(summary).toEqual({ operation: 2, removed: ['d', 'other'] });
    expect(box.paths()).toEqual(['e', 'e/x', 'same']);
    expect(fs.readdirSync(box.root).toSorted()).toEqual(['.hkfs', 'e', 'same']);
    expect(fs.existsSync(object)).toBe(true);
    expect(box.run('cat', 'd/deep/g', '--at', 'op:1').stdout).toBe('g');
    expectWhole();
    expect(done('undo')).toMatchObject({ undone: 2, restored: 2, removed: 0, renamed: 0 });
    expect(fs.readFileSync(box.tree('d/deep/g'), 'utf8')).toBe('g');
    expect(inode(box.tree('d/deep/g'))).toBe(inode(object));
    expectWhole();
  });

  test('asks: without a terminal it wants --yes, and has changed nothing', () => {
    const head = box.head();
    const { status, stdout, stderr } = box.run('rm', 'd');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/remove d\/ and everything below\n[^]*\[CONFIRMATION_NEEDED\]\nhint: .*--yes/);
    expect(box.head()).toBe(head);
    expect(done('rm', 'd', 'same', '--dry-run')).toMatchObject({
      ...{ operation: null, removed: ['d', 'same'], dryRun: true },
      plan: ['remove d/ and everything below', 'remove same'],
    });
    expect(box.head()).toBe(head);
  });

  test('leaves what a person put there, with the directories that hold it, and says so', () => {
    fs.writeFileSync(box.tree('d/deep/mine'), 'mine');
    fs.rmSync(box.tree('other'));
    fs.writeFileSync(box.tree('other'), 'mine as well');
    const { status, stderr } = box.run('rm', 'd', 'other', 'same', '--yes');
    expect(status).toBe(0);
    for (const path of ['other', 'd/deep', 'd'])
      expect(stderr).toContain(`${path}: not removed from the tree`);
    expect(fs.readFileSync(box.tree('d/deep/mine'), 'utf8')).toBe('mine');
    expect(fs.readdirSync(box.tree('d/deep'))).toEqual(['mine']);
    expect(fs.existsSync(box.tree('same'))).toBe(false);
    expect(box.paths()).toEqual(['e', 'e/x']);
  });
});

test('rm of a directory that a person moved away says nothing of what is not there', () => {
  fs.renameSync(box.tree('d'), `${box.path}/elsewhere`);
  const { status, stderr } = box.run('rm', 'd', '--yes', '--progress', 'none');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(box.paths()).not.toContain('d');
  expectWhole();
});

describe('tag', () => {
  test('names a moment for --at: now, or another', () => {
    const row = done('tag', 'before cleanup');
    done('rm', 'd', '--yes');
    expect(box.paths('--at', 'tag:before cleanup')).toContain('d/f');
    expect(done('tag', 'again', 'tag:before cleanup')).toEqual({ ...row, tag: 'again' });
    expect(done('tag', 'born', '@0')).toMatchObject({ position: 0 });
    expect(box.rows<TagRow>('tag').map(({ tag }) => tag)).toEqual(['again', 'before cleanup', 'born']);
    expect(box.run('tag').stdout).toMatch(/^again +@\d+ +2/);
  });

  test('is given to another moment only with --force', () => {
    done('tag', 'v', '@1');
    const head = box.head();
    expectRefused(box.run('tag', 'v', '@2'), 'TAG_EXISTS');
    expect(box.head()).toBe(head);
    done('tag', 'v', '@2', '--force');
    expect(box.rows<TagRow>('tag')).toMatchObject([{ tag: 'v', position: 2 }]);
  });

  test('is listed by the process that holds the archive', async () => {
    done('tag', 'v', '@1');
    const holder = box.start(['verify'], { HKFS_FAILPOINT: 'commit.append=pause' });
    try {
      expect(parseRows<TagRow>(box.run('tag', '--json').stdout).length).toBeLessThanOrEqual(1);
    } finally {
      holder.child.kill('SIGKILL');
      await new Promise((resolve) => holder.child.once('close', resolve));
    }
  });
});

describe('undo', () => {
  test('without a number takes back the last change of names, and a second time takes back that', () => {
    const before = box.paths();
    done('mv', 'd', 'n');
    const after = box.paths();
    done('tag', 'later');
    box.verify();
    expect(done('undo')).toMatchObject({ operation: 5, undone: 2, renamed: 1 });
    expect(box.paths()).toEqual(before);
    expect(done('undo')).toMatchObject({ operation: 6, undone: 5, renamed: 1 });
    expect(box.paths()).toEqual(after);
    expect(done('undo', '2')).toMatchObject({ undone: 2, renamed: 1 });
    expect(done('undo', '2')).toMatchObject({ operation: null, renamed: 0, skipped: [] });
    expectWhole();
  });

  test('of an ingest asks, leaves what came later, and lists it', () => {
    done('mv', 'other', 'e/kept');
    expectRefused(
      { ...box.run('undo', '1'), stderr: last(box.run('undo', '1').stderr) },
      'CONFIRMATION_NEEDED',
    );
    const { skipped, ...summary } = done('undo', '1', '--yes');
    expect(summary).toEqual({ operation: 3, undone: 1, restored: 0, removed: 3, renamed: 0 });
    expect(skipped).toEqual(
      expect.arrayContaining([
        { path: 'other', reason: 'renamed by operation 2' },
        { path: 'e/kept', reason: 'renamed by operation 2' },
        { path: 'e', reason: 'it holds what other operations put there' },
      ]),
    );
    expect(box.paths()).toEqual(['e', 'e/kept']);
    expectWhole();
    done('undo', '3');
    expect(box.paths()).toHaveLength(8);
    expectWhole();
  });

  test('of a rename whose former name a person took leaves it, and says so', () => {
    done('mv', 'd', 'n');
    fs.writeFileSync(box.tree('d'), 'mine');
    expect(done('undo')).toMatchObject({
      operation: null,
      skipped: [{ path: 'n', reason: 'on the disk something else has its former name' }],
    });
    expect(fs.readFileSync(box.tree('d'), 'utf8')).toBe('mine');
    expect(fs.existsSync(box.tree('n/f'))).toBe(true);
  });

  test('of a mirror and of a new version brings back what they took', () => {
    const before = box.rows('ls', '-R');
    fs.rmSync(`${box.source}/d`, { recursive: true });
    box.write({ d: 'a file now', 'e/x': 'new', more: 'm' });
    fs.chmodSync(`${box.source}/same`, 0o600);
    box.ingest('--to', '/', '--mirror', '--yes');
    expect(done('undo', '--yes')).toMatchObject({ undone: 2, skipped: [] });
    expect(box.rows('ls', '-R')).toEqual(before);
    expect(fs.readFileSync(box.tree('e/x'), 'utf8')).toBe('x');
    expectWhole();
  });

  test('of a removal whose content is gone is refused, and nothing is done', () => {
    const object = box.object('d/deep/g');
    done('rm', 'd', '--yes');
    fs.rmSync(object);
    const head = box.head();
    expectRefused(box.run('undo'), 'CANNOT_UNDO');
    expect(box.head()).toBe(head);
    expect(fs.existsSync(box.tree('d'))).toBe(false);
    expect(box.verify().status).toBe(4);
    expectRefused(box.run('undo'), 'CANNOT_UNDO');
  });
});

/** The error after the plan. */
function last(stderr: string): string {
  return stderr.slice(stderr.indexOf('hkfs: '));
}

type Bad = readonly [title: string, args: readonly string[], code: string];
const BAD: readonly Bad[] = [
  ['mv of nothing', ['mv', 'nosuch', 'x'], 'NOT_FOUND'],
  ['mv without a target', ['mv', 'other'], 'USAGE'],
  ['mv of the root', ['mv', '/', 'x'], 'BAD_TARGET'],
  ['mv into itself', ['mv', 'd', 'd/deep/d'], 'BAD_TARGET'],
  ['mv into a directory of its own', ['mv', 'd', 'd/deep'], 'BAD_TARGET'],
  ['mv to a directory that is not there', ['mv', 'other', 'no/such'], 'NOT_FOUND'],
  ['mv of a file to a name with a slash', ['mv', 'other', 'nosuch/'], 'NOT_FOUND'],
  ['mv below a file', ['mv', 'other', 'same/x'], 'BAD_TARGET'],
  ['mv to a file with a slash', ['mv', 'other', 'same/'], 'BAD_TARGET'],
  ['mv of a directory onto a file', ['mv', '--force', 'd', 'other'], 'BAD_TARGET'],
  ['mv above the root', ['mv', 'other', '../x'], 'BAD_PATH'],
  ['mv to .hkfs', ['mv', 'other', '.hkfs/x'], 'BAD_TARGET'],
  ['mv to a name of 256 bytes', ['mv', 'other', 'x'.repeat(256)], 'BAD_PATH'],
  ['rm of nothing', ['rm', 'nosuch', '--yes'], 'NOT_FOUND'],
  ['rm of one that is there and one that is not', ['rm', 'd', 'nosuch', '--yes'], 'NOT_FOUND'],
  ['rm without a path', ['rm', '--yes'], 'USAGE'],
  ['rm of the root', ['rm', '/', '--yes'], 'BAD_TARGET'],
  ['rm of .hkfs', ['rm', '.hkfs', '--yes'], 'BAD_TARGET'],
  ['a tag without a name', ['tag', ''], 'USAGE'],
  ['a tag with a newline', ['tag', 'a\nb'], 'BAD_TAG'],
  ['a tag with a space at its end', ['tag', 'a '], 'BAD_TAG'],
  ['a tag that is too long', ['tag', 'x'.repeat(256)], 'BAD_TAG'],
  ['a tag like a flag', ['tag', '--', '-x'], 'BAD_TAG'],
  ['a tag for a moment to come', ['tag', 'v', '@99999'], 'BAD_MOMENT'],
  ['a tag for a moment that matches nothing', ['tag', 'v', 'when pigs fly'], 'BAD_MOMENT'],
  ['undo of an operation that there is not', ['undo', '99'], 'NOT_FOUND'],
  ['undo of no number', ['undo', 'last'], 'USAGE'],
  ['undo of less than nothing', ['undo', '--', '-1'], 'USAGE'],
];

test('what cannot be done is refused in one line with a code and a hint, and changes nothing', () => {
  const head = box.head();
  for (const [title, args, code] of BAD) {
    const { status, stdout, stderr } = box.run(...args);
    expect({ title, status, stdout, stderr }).toEqual({
      ...{ title, status: 2, stdout: '' },
      stderr: expect.stringMatching(saying(code)),
    });
  }
  expect(box.head()).toBe(head);
  expectWhole();
});

test('undo in an archive in which nothing happened is refused', () => {
  const empty = Box.make(scratch.path);
  expectRefused(empty.run('undo'), 'CANNOT_UNDO');
});
