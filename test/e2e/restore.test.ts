/** Restore: the tree that comes back is the tree that was taken in, and nothing else is touched. */
import { createServer, type Server } from 'node:net';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { removeTree } from '../../src/fs/remove-tree.js';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';
import { walkAttributes } from './attribute-walk.js';
import { Box, inode, saying, sh, testWhere } from './hkfs.js';

const scratch = scratchDirectory();
const asRoot = testWhere(isRoot, 'needs root');

const contentOf = (path: string): string => fs.readFileSync(path, 'utf8');

describe('a tree with everything in it', () => {
  let box: Box;
  let socket: Server;

  beforeAll(async () => {
    box = Box.make(scratch.path);
    box.write({ plain: 'plain', setuid: 'x', one: 'same', two: 'same', linked: 'linked', 'dir/in': 'in' });
    box.write({
      'deep/er/and/deeper': 'd',
      'closed/file': 'c',
      'large/file': Buffer.alloc(5 << 20, 'large'),
    });
    sh('chmod 4751 setuid; chmod 600 one; chmod 644 two; touch -d @1000.123456789 two', box.source);
    sh('ln linked alias; ln linked deep/alias; ln -s nowhere dangling; mkfifo fifo; : > empty', box.source);
    sh(`ln -s "$(printf 'a\\351/\\nb')" odd; printf x > "$(printf 'n\\351\\nl')"; : > -rf`, box.source);
    sh('truncate -s 8M sparse; printf data | dd of=sparse bs=1M seek=4 conv=notrunc status=none', box.source);
    sh('truncate -s 64K holes; touch -h -d @-152651633.876543211 odd holes', box.source);
    if (hasTool('setfattr'))
      sh('setfattr -n user.b -v 0x00ff0a plain; setfattr -n user.t -v x dir', box.source);
    if (hasTool('setfacl')) sh('setfacl -m u:12345:r two; setfacl -d -m g:54321:rx dir', box.source);
    if (isRoot)
      sh('chown 12345:54321 two linked; chown -h 7:8 odd; mknod c c 1 3; mknod b b 259 5', box.source);
    if (isRoot) sh('chown 12345:12345 setuid; chmod 4751 setuid; chown 1:2 deep/er', box.source);
    socket = createServer();
    await new Promise<void>((resolve) => void socket.listen(join(box.source, 'socket'), resolve));
    sh('chmod 3775 dir; chmod 555 closed; touch -d @77.000000001 dir deep/er closed .', box.source);
    box.ingest();
  });
  afterAll(() => void socket.close());

  const expectEqual = (to: string): void => {
    if (hasTool('rsync'))
      expect(sh(`rsync -naHAXi --delete '${box.source}/' '${join(box.path, to)}/'`)).toBe('');
    expect(walkAttributes(join(box.path, to))).toEqual(walkAttributes(box.source));
  };

  asRoot('comes back equal in every attribute, to the nanosecond, and a second run has nothing to do', () => {
    const { run, summary } = box.restore('source', 'out');
    expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
    expectEqual('out/source');
    const { files, directories, symlinks, specials, links } = summary;
    expect({ files, directories, symlinks, specials, links }).toEqual({
      ...{ files: 16, directories: 7, symlinks: 2, specials: 4, links: 2 },
    });
    const again = box.restore('source', 'out');
    expect(again.run.status).toBe(0);
    expect(again.summary).toMatchObject({ files: 0, directories: 0, symlinks: 0, specials: 0, failed: [] });
    expectEqual('out/source');
  });

  asRoot('comes back equal with --verify, into a directory that was made otherwise, with --delete', () => {
    sh('mkdir -p other/dir/more other/plain; echo x > other/plain/x; ln -s /etc other/deep', box.path);
    sh('echo other > other/two; mkfifo other/in; setfacl -d -m u:9:rwx other || :', box.path);
    expect(box.restore('source/', 'other', '--verify', '--delete', '--yes').run.status).toBe(0);
    expectEqual('other');
    expect(fs.existsSync('/etc/er')).toBe(false);
  });

  asRoot('as hard links: the objects themselves, read-only, directories with their attributes', () => {
    const { run, summary } = box.restore('source/', 'links', '--link');
    expect({ status: run.status, bytes: summary.bytes, links: summary.links }).toEqual({
      ...{ status: 0, bytes: 0, links: 14 },
    });
    const at = (path: string): string => join(box.path, 'links', path);
    for (const path of ['plain', 'sparse', 'deep/er/and/deeper'])
      expect(inode(at(path))).toBe(inode(box.object(`source/${path}`)));
    expect(fs.statSync(at('plain')).mode & 0o777).toBe(0o444);
    const { '.': directory } = walkAttributes(at('dir'));
    expect(directory).toEqual(walkAttributes(join(box.source, 'dir'))['.']);
    expect(box.restore('source/', 'links', '--link').summary).toMatchObject({ files: 0, failed: [] });
    expect(box.verify('--quick').status).toBe(0);
  });

  test('holes come back, also those that only the entry knows of', () => {
    box.restore('source/sparse', 'holes');
    box.restore('source/holes', 'holes');
    for (const name of ['sparse', 'holes']) {
      const { blocks, size } = fs.statSync(join(box.path, 'holes', name));
      expect(size).toBe(fs.statSync(join(box.source, name)).size);
      expect(blocks * 512).toBeLessThan(size / 2);
    }
  });
});

test('a path of 6,000 bytes comes back, is found finished by the next run, and goes by --delete', () => {
  const box = Box.make(scratch.path);
  const before = process.cwd();
  process.chdir(box.source);
  for (let depth = 0; depth < 30; depth += 1) {
    fs.mkdirSync('d'.repeat(200));
    process.chdir('d'.repeat(200));
    fs.writeFileSync('file', String(depth));
  }
  process.chdir(before);
  const listing = (directory: string): string =>
    sh(`find . -printf '%d %y %m %s %T@ %f\\n' | sort`, directory);
  try {
    box.ingest();
    expect(box.restore('source', 'out').run).toMatchObject({ status: 0, stderr: '' });
    expect(listing(join(box.path, 'out/source'))).toBe(listing(box.source));
    expect(box.restore('source', 'out').summary).toMatchObject({ files: 0, failed: [] });
    box.write({ 'empty/x': 'x' }).ingest(join(box.source, 'empty'));
    expect(box.restore('empty/', 'out/source', '--delete', '--yes').run.status).toBe(0);
    expect(fs.readdirSync(join(box.path, 'out/source'))).toEqual(['x']);
  } finally {
    removeTree(box.path);
  }
});

describe('where a path lands', () => {
  let box: Box;
  beforeAll(() => {
    box = Box.make(scratch.path).write({ 'd/a': 'a', 'd/e/b': 'b', f: 'f' });
    box.ingest();
  });
  const found = (to: string): string[] =>
    sh('find . -mindepth 1 | sort', join(box.path, to)).trim().split('\n');

  test.each([
    ['source/d', ['./d', './d/a', './d/e', './d/e/b']],
    ['source/d/', ['./a', './e', './e/b']],
    ['source/f', ['./f']],
    ['/', ['./source', './source/d', './source/d/a', './source/d/e', './source/d/e/b', './source/f']],
  ])('%s', (path, names) => {
    const to = `lands/${encodeURIComponent(path)}`;
    expect(box.restore(path, to).run.status).toBe(0);
    expect(found(to)).toEqual(names);
  });

  test('several paths land beside each other', () => {
    expect(box.run('restore', 'source/f', 'source/d/e', '--to', join(box.path, 'both')).status).toBe(0);
    expect(found('both')).toEqual(['./e', './e/b', './f']);
  });

  test('a path of the tree on disk is meant as well, and a symlink that names DIR is followed', () => {
    sh('mkdir real; ln -s real named', box.path);
    expect(box.restore(box.tree('source/d/'), 'named').run.status).toBe(0);
    expect(found('real')).toEqual(['./a', './e', './e/b']);
  });

  test('at a moment: what was there then', () => {
    fs.writeFileSync(join(box.source, 'f'), 'newer');
    fs.rmSync(join(box.source, 'd/a'));
    box.ingest('--mirror');
    const { run } = box.restore('source/', 'then', '--at', 'op:1');
    expect(run.stderr).toMatch(/^hkfs: as of @\d+, /);
    expect([contentOf(join(box.path, 'then/f')), contentOf(join(box.path, 'then/d/a'))]).toEqual(['f', 'a']);
    box.restore('source/', 'now');
    expect(contentOf(join(box.path, 'now/f'))).toBe('newer');
    const { run: refused } = box.restore('source/d/a', 'now');
    expect(refused.status).toBe(2);
    const { message, hint } = (JSON.parse(refused.stderr) as { error: { message: string; hint: string } })
      .error;
    expect(message).toBe('there is no "source/d/a" in the archive any more');
    const [, position] = /^it was there from @\d+ .*; use --at @(\d+)$/.exec(hint)!;
    expect(box.restore('source/d/a', 'now', '--at', `@${position}`).run.status).toBe(0);
    expect(contentOf(join(box.path, 'now/a'))).toBe('a');
    const early = box.restore('source/d', 'now', '--at', '@0').run;
    expect(early.stderr).toMatch(/it is there from @\d+ .* on; use --at @\d+|it was there from @\d+/);
  });
});

describe('what is there already', () => {
  let box: Box;
  let to: string;
  beforeEach(() => {
    box = Box.make(scratch.path).write({ same: 'same', changed: 'as it was', 'd/in': 'in' });
    box.ingest();
    box.restore('source/', 'to');
    to = join(box.path, 'to');
    fs.writeFileSync(join(to, 'changed'), 'by hand');
    fs.writeFileSync(join(to, 'd/extra'), 'extra');
    fs.rmSync(join(to, 'd/in'));
  });

  test('is kept by default: what differs is counted and told, what is gone comes back', () => {
    const { run, summary } = box.restore('source/', 'to');
    expect(run.status).toBe(0);
    expect(summary).toMatchObject({ differing: 1, failed: [] });
    expect(run.stderr).toContain(`${join(to, 'changed')}: a file that differs is there: kept`);
    expect(contentOf(join(to, 'changed'))).toBe('by hand');
    expect(contentOf(join(to, 'd/in'))).toBe('in');
    expect(contentOf(join(to, 'd/extra'))).toBe('extra');
  });

  test('--overwrite if-different replaces what differs and nothing else', () => {
    const before = inode(join(to, 'same'));
    const { run, summary } = box.restore('source/', 'to', '--overwrite', 'if-different', '--yes');
    expect({ status: run.status, ...summary }).toMatchObject({ status: 0, overwritten: 1, deleted: 0 });
    expect(run.stderr).toBe(
      `To overwrite: 1 entry. To delete: 0 entries.\n  overwrite  ${join(to, 'changed')}\n`,
    );
    expect(contentOf(join(to, 'changed'))).toBe('as it was');
    expect(inode(join(to, 'same'))).toBe(before);
    expect(contentOf(join(to, 'd/extra'))).toBe('extra');
  });

  test('--overwrite always replaces every file', () => {
    const before = inode(join(to, 'same'));
    box.restore('source/', 'to', '--overwrite', 'always', '--yes');
    expect(inode(join(to, 'same'))).not.toBe(before);
  });

  test('a hard link that is in the way is replaced and its other name keeps its bytes', () => {
    fs.linkSync(join(to, 'changed'), join(box.path, 'elsewhere'));
    box.restore('source/', 'to', '--overwrite', 'if-different', '--yes');
    expect(contentOf(join(box.path, 'elsewhere'))).toBe('by hand');
  });

  test('--delete makes it equal, and what --dry-run shows is what goes', () => {
    const shown = box.restore('source/', 'to', '--delete', '--dry-run');
    expect(shown.summary).toMatchObject({ dryRun: true, files: 2, overwritten: 1, deleted: 1 });
    expect(shown.summary.plan).toEqual([
      { change: 'overwrite', path: join(to, 'changed') },
      { change: 'delete', path: join(to, 'd/extra') },
    ]);
    expect(fs.existsSync(join(to, 'd/extra'))).toBe(true);
    expect(box.restore('source/', 'to', '--delete', '--yes').run.status).toBe(0);
    expect(walkAttributes(to)).toEqual(walkAttributes(box.source));
  });

  test.each([[['--delete']], [['--overwrite', 'if-different']]])(
    '%s without a terminal and without --yes: CONFIRMATION_NEEDED, nothing done',
    (args) => {
      const before = walkAttributes(to);
      const { status, stderr } = box.run('restore', 'source/', '--to', to, ...args);
      expect(status).toBe(2);
      expect(stderr).toMatch(/changed\n[^]*\[CONFIRMATION_NEEDED\]\nhint: .*--yes/);
      expect(walkAttributes(to)).toEqual(before);
    },
  );

  test('a directory where a file is to be stays without --delete, exit 3', () => {
    sh('rm changed; mkdir changed; echo x > changed/x', to);
    const { run, summary } = box.restore('source/', 'to', '--overwrite', 'always', '--yes');
    expect({ status: run.status, failed: summary.failed }).toMatchObject({
      ...{ status: 3, failed: [{ code: 'EISDIR' }] },
    });
    expect(box.restore('source/', 'to', '--delete', '--yes').run.status).toBe(0);
    expect(contentOf(join(to, 'changed'))).toBe('as it was');
  });

  test('a symlink in place of a directory is never written through, and replaced only when told', () => {
    sh('mkdir ../outside; rm -r d; ln -s ../outside d', to);
    const { run, summary } = box.restore('source/', 'to');
    expect([run.status, summary.differing]).toEqual([0, 2]);
    expect(fs.readdirSync(join(box.path, 'outside'))).toEqual([]);
    box.restore('source/', 'to', '--overwrite', 'if-different', '--yes');
    expect(fs.readdirSync(join(box.path, 'outside'))).toEqual([]);
    expect(contentOf(join(to, 'd/in'))).toBe('in');
  });

  test('a linked restore that is replaced by copies leaves the objects as they are', () => {
    box.restore('source/', 'linked', '--link');
    box.restore('source/', 'linked', '--overwrite', 'if-different', '--yes');
    expect(inode(join(box.path, 'linked/same'))).not.toBe(inode(box.object('source/same')));
    expect(fs.statSync(box.object('source/same')).mode & 0o777).toBe(0o444);
    expect(box.verify().status).toBe(0);
  });
});

describe('refused before anything is touched', () => {
  let box: Box;
  beforeAll(() => {
    box = Box.make(scratch.path).write({ 'd/a': 'a', 'e/a': 'a', 'archive/x': 'x' });
    box.ingest();
    sh('echo file > file; mkdir full; echo x > full/x; ln -s nowhere dangling', box.path);
  });

  test.each([
    ['a target that is a file', ['source', '--to', 'file'], 'NOT_A_DIRECTORY'],
    ['a target below a file', ['source', '--to', 'file/below'], 'NOT_A_DIRECTORY'],
    ['a target that is a dangling symlink', ['source', '--to', 'dangling'], 'NOT_A_DIRECTORY'],
    ['a target in the archive', ['source', '--to', 'archive/new'], 'BAD_TARGET'],
    ['a target in .hkfs', ['source', '--to', 'archive/.hkfs/staging'], 'BAD_TARGET'],
    ['the archive itself', ['source/archive', '--to', '.'], 'BAD_TARGET'],
    ['a target that holds the archive', ['source/', '--to', '.'], 'BAD_TARGET'],
    ['an empty target', ['source', '--to', ''], 'USAGE'],
    ['no target', ['source'], 'USAGE'],
    ['no path', ['--to', 'x'], 'USAGE'],
    ['a path that never was', ['source/none', '--to', 'x'], 'NOT_FOUND'],
    ['one of two paths that is not there', ['source/d', 'source/none', '--to', 'x'], 'NOT_FOUND'],
    ['two paths of one name', ['source/d/a', 'source/e/a', '--to', 'x'], 'SOURCES_COLLIDE'],
    ['contents beside another path', ['source/d/', 'source/e', '--to', 'x'], 'SOURCES_COLLIDE'],
    ['a file with a slash', ['source/d/a/', '--to', 'x'], 'NOT_A_DIRECTORY'],
    ['a path out of the archive', ['../x', '--to', 'x'], 'BAD_PATH'],
    ['a moment that is none', ['source', '--to', 'x', '--at', '@99999'], 'BAD_MOMENT'],
    ['--delete that may not overwrite', ['source', '--to', 'x', '--delete', '--overwrite', 'never'], 'USAGE'],
    ['an unknown --overwrite', ['source', '--to', 'x', '--overwrite', 'maybe'], 'USAGE'],
  ])('%s', (_what, args, code) => {
    const before = sh('ls -lAR --time-style=full-iso . | grep -v -e holder -e socket', box.source);
    const { status, stderr } = box.run('restore', ...args);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying(code)) });
    expect(fs.existsSync(join(box.path, 'x'))).toBe(false);
    expect(sh('ls -lAR --time-style=full-iso . | grep -v -e holder -e socket', box.source)).toBe(before);
  });

  test('--link to another filesystem', () => {
    const there = fs.mkdtempSync('/dev/shm/hkfs-restore-');
    try {
      if (fs.statSync(there).dev === fs.statSync(box.root).dev) return;
      const { status, stderr } = box.run('restore', 'source', '--to', there, '--link');
      expect({ status, stderr }).toEqual({
        ...{ status: 2, stderr: expect.stringMatching(saying('DIFFERENT_FILESYSTEM')) },
      });
      expect(box.run('restore', 'source', '--to', there).status).toBe(0);
      expect(contentOf(join(there, 'source/d/a'))).toBe('a');
    } finally {
      fs.rmSync(there, { recursive: true });
    }
  });
});

describe('names of one inode', () => {
  let box: Box;
  beforeEach(() => {
    box = Box.make(scratch.path).write({ a: 'bytes of both' });
    sh('ln a b; ln a c', box.source);
    box.ingest();
  });
  const out = (name: string): string => join(box.path, 'out/source', name);

  test.each([['a'], ['b']])('of which %s was restored by itself before are one inode again', (name) => {
    expect(box.restore(`source/${name}`, 'out/source').run.status).toBe(0);
    const { run, summary } = box.restore('source', 'out');
    expect([run.status, summary.differing]).toEqual([0, 0]);
    expect(new Set(['a', 'b', 'c'].map((each) => inode(out(each)))).size).toBe(1);
    expect(box.restore('source', 'out').summary).toMatchObject({ files: 0, differing: 0 });
  });

  test('in whose place something of the same size and time has other bytes: it is kept, and told', () => {
    box.restore('source/b', 'out/source');
    fs.writeFileSync(out('b'), 'bytes of mine');
    sh(`touch -r '${join(box.source, 'a')}' '${out('b')}'`);
    const { run, summary } = box.restore('source', 'out');
    expect([run.status, summary.differing]).toEqual([0, 1]);
    expect(run.stderr).toContain('a file that differs is there: kept');
    expect(fs.readFileSync(out('b'), 'utf8')).toBe('bytes of mine');
    expect(inode(out('a'))).toBe(inode(out('c')));
  });
});

describe('damaged contents', () => {
  let box: Box;
  beforeEach(() => {
    box = Box.make(scratch.path).write({ a: 'aaaa', b: 'bbbb', c: 'cccc' });
    box.ingest();
  });
  const spoil = (path: string, bytes: string): void => {
    fs.chmodSync(box.object(path), 0o644);
    fs.writeFileSync(box.object(path), bytes);
  };

  test('gone or of another length: listed, exit 4, the rest restored, no remains', () => {
    fs.unlinkSync(box.object('source/a'));
    fs.unlinkSync(box.tree('source/a'));
    spoil('source/b', 'b');
    const { run, summary } = box.restore('source', 'out');
    expect(run.status).toBe(4);
    expect(summary.failed.map(({ path, code }) => `${path.slice(box.path.length)} ${code}`).sort()).toEqual([
      '/out/source/a OBJECT_MISSING',
      '/out/source/b OBJECT_DAMAGED',
    ]);
    expect(summary.files).toBe(1);
    expect(fs.readdirSync(join(box.path, 'out/source'))).toEqual(['c']);
  });

  test('gone from the hash tree and not from the tree: restored from there, with a warning', () => {
    fs.unlinkSync(box.object('source/a'));
    const { run, summary } = box.restore('source', 'out');
    expect([run.status, summary.files, summary.failed]).toEqual([0, 3, []]);
    expect(run.stderr).toContain('[OBJECT_MISSING]');
    expect(fs.readFileSync(join(box.path, 'out/source/a'), 'utf8')).toBe('aaaa');
  });

  test.each([[[]], [['--link']], [['--verify']]])('with other bytes of the same length: found %s', (args) => {
    spoil('source/b', 'XXXX');
    const { run, summary } = box.restore('source', 'out', ...args);
    expect(run.status).toBe(4);
    expect(summary.failed).toMatchObject([{ code: 'OBJECT_DAMAGED' }]);
    expect(fs.readdirSync(join(box.path, 'out/source')).sort()).toEqual(['a', 'c']);
  });

  test('known to be damaged: not restored', () => {
    spoil('source/b', 'XXXX');
    expect(box.verify().status).toBe(4);
    expect(box.restore('source', 'out').summary.failed).toMatchObject([{ code: 'OBJECT_DAMAGED' }]);
  });
});

describe('replay --to --into', () => {
  let box: Box;
  beforeAll(() => {
    box = Box.make(scratch.path).write({ 'd/a': 'old', b: 'b', empty: '' });
    box.ingest();
    fs.writeFileSync(join(box.source, 'd/a'), 'new');
    box.ingest();
  });

  test('makes the tree as it was, as hard links to the objects', () => {
    const into = join(box.path, 'then');
    const [summary] = box.rows<object>('replay', '--to', 'op:1', '--into', into);
    expect(summary).toMatchObject({ equal: true, differences: [], files: 3, failed: [] });
    expect(Object.keys(summary!)).toEqual(expect.arrayContaining(['events', 'seconds']));
    expect(contentOf(join(into, 'source/d/a'))).toBe('old');
    expect(inode(join(into, 'source/b'))).toBe(inode(box.tree('source/b')));
    box.expectSound();
  });

  test.each([
    ['a directory that is not empty', ['--to', 'op:1', '--into', 'source'], 'DIRECTORY_NOT_EMPTY'],
    ['a directory in the archive', ['--to', 'op:1', '--into', 'archive/x'], 'BAD_TARGET'],
    ['a moment that is none', ['--to', 'tag:none', '--into', 'x'], 'BAD_MOMENT'],
    ['--to without --into', ['--to', 'op:1'], 'USAGE'],
    ['--into without --to', ['--into', 'x'], 'USAGE'],
    ['--check with --to', ['--check', '--to', 'op:1', '--into', 'x'], 'USAGE'],
  ])('refuses %s', (_what, args, code) => {
    const { status, stderr } = box.run('replay', ...args);
    const said = expect.stringMatching(new RegExp(`\\[${code}\\]\\nhint: [^\\n]+\\n$`));
    expect({ status, stderr }).toEqual({ status: 2, stderr: said });
    expect(fs.existsSync(join(box.path, 'x'))).toBe(false);
  });
});
