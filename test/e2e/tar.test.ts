/** Tars become trees: against GNU tar and bsdtar as the oracles, and with everything that may be wrong with one. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';
import { END, header, member, pax } from '../tar/make-tar.js';
import { walkAttributes } from './attribute-walk.js';
import { Box, bin, saying, sh, testWhere } from './hkfs.js';

const scratch = scratchDirectory();
const withBsdtar = testWhere(hasTool('bsdtar'), 'needs bsdtar (libarchive-tools)');
let made: Box;

/** A tree with a bit of everything that a tar can hold. */
beforeAll(() => {
  made = Box.make(scratch.path);
  made.write({ plain: 'plain', 'dir/in': 'in', 'dir/same': 'plain', large: Buffer.alloc(3 << 20, 'large ') });
  sh('ln plain linked; ln -s nowhere dangling; ln -s dir/in relative; mkfifo fifo; : > empty', made.source);
  sh('chmod 4751 plain; chmod 3775 dir; chmod 600 empty; touch -d @1000.123456789 plain dir/in', made.source);
  sh('touch -d @-1000.5 empty; mkdir -p a/b/c; touch -h -d @77 dangling; touch -d @5 dir', made.source);
  sh('truncate -s 8M sparse; printf data | dd of=sparse bs=1M seek=4 conv=notrunc status=none', made.source);
  sh(`: > "$(printf 'latin\\351\\n')"; mkdir "$(printf 'x%.0s' $(seq 200))"`, made.source);
  sh(`echo long > "$(printf 'x%.0s' $(seq 200))/$(printf 'y%.0s' $(seq 200))"`, made.source);
  if (isRoot)
    sh(
      'mknod null c 1 3; mknod block b 7 200; chown 12345:54321 empty; chown daemon:mail large',
      made.source,
    );
  if (hasTool('setfattr'))
    sh('setfattr -n user.binary -v 0x00ff0a00 plain; setfattr -n user.t -v x dir', made.source);
  if (hasTool('setfacl')) sh('setfacl -m u:12345:r large; setfacl -d -m g:54321:rx a', made.source);
});

function packed(box: Box, command: string, name = 'made.tar'): string {
  const file = join(box.path, name);
  sh(`${command} '${file}' -C '${made.source}' .`, box.path);
  return file;
}

/** What hkfs restores of a tar is what the other program extracts. */
function expectAlike(box: Box, tar: string, extract: string, after = ':'): void {
  expect(box.ingest(tar, '--to', 'tree')).toMatchObject({ failed: [] });
  expect(box.restore('tree/', 'restored').summary.failed).toEqual([]);
  sh(`mkdir extracted && ${extract} '${tar}' -C extracted; ${after}`, box.path);
  const [restored, extracted] = ['restored', 'extracted'].map((path) => walkAttributes(join(box.path, path)));
  expect(restored).toEqual(extracted);
  box.expectSound();
}

describe('formats', () => {
  test.each([
    ['gnu', 'tar --format=gnu --sparse -cf', 'tar -xpf'],
    [
      'pax',
      'tar --format=posix --sparse --xattrs --acls -cf',
      "tar --xattrs --xattrs-include='*' --acls -xpf",
    ],
    ['pax, sparse 0.1', 'tar --format=posix --sparse-version=0.1 --sparse -cf', 'tar -xpf'],
    ['pax, sparse 0.0', 'tar --format=posix --sparse-version=0.0 --sparse -cf', 'tar -xpf'],
    ['incremental', 'rm -f snapshot; tar --format=gnu --listed-incremental=snapshot -cf', 'tar -xpf'],
    ['oldgnu', 'tar --format=oldgnu --sparse -cf', 'tar -xpf'],
  ])('%s: as GNU tar extracts it', (_format, create, extract) => {
    const box = Box.make(scratch.path);
    expectAlike(box, packed(box, create), extract);
  });

  test.each(['ustar', 'v7'])('%s: as GNU tar extracts it, without what the format cannot hold', (format) => {
    const box = Box.make(scratch.path);
    const file = join(box.path, 'made.tar');
    sh(`tar --format=${format} --exclude='./x*' -cf '${file}' . 2>&1 || true`, made.source);
    expectAlike(box, file, 'tar -xpf');
  });

  withBsdtar('pax of bsdtar: as bsdtar extracts it', () => {
    const box = Box.make(scratch.path);
    // It writes fractions of times before 1970 in a way of its own (docs/tars.md), and gives the root none.
    const root = 'chmod 755 extracted; touch -r restored extracted';
    const tar = packed(box, 'bsdtar --format=pax --xattrs --acls --exclude ./empty -cf');
    expectAlike(box, tar, 'bsdtar --xattrs --acls -xpf', root);
  });
});

describe('where a tar comes from', () => {
  const contents = (box: Box, path: string): unknown =>
    box
      .rows('ls', '-R', path)
      .map(({ path: full, hash, mtimeNs }) => [full.slice(path.length), hash, mtimeNs]);

  test('compressed by whatever, under any name, or from a pipe, it is the same tree', () => {
    const box = Box.make(scratch.path);
    const tar = packed(box, 'tar --format=posix -cf', 'plain.tar');
    box.ingest(tar);
    const expected = contents(box, 'plain');
    for (const program of ['gzip', 'zstd', 'xz', 'bzip2'].filter(hasTool)) {
      sh(`${program} -c '${tar}' > '${box.path}/${program}.data'`);
      expect(box.ingest(join(box.path, `${program}.data`))).toMatchObject({ newObjects: 0 });
      expect(contents(box, `${program}.data`)).toEqual(expected);
    }
    sh(
      `gzip -c plain.tar | HKFS_ARCHIVE='${box.root}' '${process.execPath}' '${bin}' ingest - --to piped`,
      box.path,
    );
    expect(contents(box, 'piped')).toEqual(expected);
    box.expectSound();
    box.expectReplayed();
  });

  test('a tree goes by the name of its tar without the endings', () => {
    const box = Box.make(scratch.path);
    sh(`tar -czf home.tar.gz -C '${made.source}' dir`, box.path);
    box.ingest(join(box.path, 'home.tar.gz'));
    expect(box.paths()).toEqual(['home', 'home/dir', 'home/dir/in', 'home/dir/same']);
  });

  test('--as-file keeps a tar as one file', () => {
    const box = Box.make(scratch.path);
    box.ingest(packed(box, 'tar -cf'), '--as-file');
    expect(box.rows('ls')).toMatchObject([{ path: 'made.tar', kind: 'file' }]);
  });

  test('a tar is found again by its content, with the operation that took it in', () => {
    const box = Box.make(scratch.path);
    const tar = packed(box, 'tar -cf');
    const { operation } = box.ingest(tar, '--to', 'some/where');
    sh('mv made.tar other', box.path);
    const found = box.run('find', '--same-as', join(box.path, 'other'), '--json');
    expect(found).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(`as a tree by operation ${operation}`),
    });
    expect(JSON.parse(found.stdout)).toMatchObject({
      path: 'some/where',
      kind: 'directory',
      ingestedBy: operation,
    });
    box.run('mv', 'some/where', 'elsewhere');
    expect(box.rows('find', '--same-as', join(box.path, 'other'))).toMatchObject([{ path: 'elsewhere' }]);
    const told = box
      .rows<{ type: string }>('log', '--op', String(operation))
      .find(({ type }) => type === 'tar.ingested');
    expect(told).toMatchObject({ data: { name: 'made.tar', path: 'some/where' } });
  });

  test('the same tar again changes nothing but is another operation', () => {
    const box = Box.make(scratch.path);
    const tar = packed(box, 'tar --format=posix --sparse --xattrs --acls -cf');
    const first = box.ingest(tar, '--to', 'tree');
    const second = box.ingest(tar, '--to', 'tree');
    expect(second).toMatchObject({ files: first.files, unchangedFiles: first.files, newObjects: 0 });
    const types = box.rows<{ type: string }>('log', '--op', '2').map(({ type }) => type);
    expect(types).toEqual(['operation.started', 'tar.ingested', 'operation.completed']);
  });

  test('a folder and its tar hold the same contents, which are stored once', () => {
    const box = Box.make(scratch.path);
    box.ingest(made.source);
    expect(box.ingest(packed(box, 'tar -cf'), '--to', 'source')).toMatchObject({ newObjects: 0 });
    box.expectSound();
  });

  test('a dry run reads and tells, and changes nothing', () => {
    const box = Box.make(scratch.path);
    const tar = packed(box, 'tar -cf');
    const before = box.head();
    const dry = box.ingest(tar, '--to', 'tree', '--dry-run');
    expect(box.head()).toBe(before);
    const { newObjects, newBytes, files, directories } = box.ingest(tar, '--to', 'tree');
    expect(dry).toMatchObject({ newObjects, newBytes, files, directories, dryRun: true });
  });

  test('--exclude leaves members out, and all that is below them', () => {
    const box = Box.make(scratch.path);
    const tar = packed(box, 'tar -cf');
    box.ingest(tar, '--to', 'tree', '--exclude', 'x*', '--exclude', 'dir');
    expect(box.paths().filter((path) => /x|dir/.test(path))).toEqual([]);
  });
});

describe('members', () => {
  const ingestOf = (box: Box, ...parts: Buffer[]): ReturnType<Box['ingestWith']> => {
    const file = join(box.path, 'made.tar');
    writeFileSync(file, Buffer.concat([...parts, END]));
    return box.ingestWith({}, file, '--to', 'tree');
  };

  test('absolute names and .. stay inside the tree, and what would leave it is listed', () => {
    const box = Box.make(scratch.path);
    const { run, summary } = ingestOf(
      box,
      member({ name: '/etc/abs' }, 'a'),
      member({ name: 'd/../inside' }, 'b'),
      member({ name: '../out' }, 'c'),
      member({ name: 'd/../../out' }, 'd'),
    );
    expect(run.status).toBe(3);
    expect(summary.failed).toMatchObject([{ code: 'BAD_MEMBER_NAME' }, { code: 'BAD_MEMBER_NAME' }]);
    expect(box.paths('tree')).toEqual(['tree/etc', 'tree/etc/abs', 'tree/inside']);
    box.expectSound();
  });

  test('nothing is written through a symlink, or through a file', () => {
    const box = Box.make(scratch.path);
    const { run, summary } = ingestOf(
      box,
      member({ name: 'l', type: '2', link: '/tmp' }),
      member({ name: 'l/f' }, 'x'),
      member({ name: 'f' }, 'y'),
      member({ name: 'f/g' }, 'z'),
    );
    expect(run.status).toBe(3);
    expect(summary.failed.map(({ code }) => code)).toEqual(['ENOTDIR', 'ENOTDIR']);
    expect(box.paths('tree')).toEqual(['tree/f', 'tree/l']);
  });

  test('of members with one name the last wins, and the earlier stays in history', () => {
    const box = Box.make(scratch.path);
    ingestOf(box, member({ name: 'f' }, 'one'), member({ name: 'f' }, 'two'), member({ name: 'f' }, 'three'));
    expect(box.run('cat', 'tree/f').stdout).toBe('three');
    expect(box.rows('log', 'tree/f')).toHaveLength(3);
    expect(readFileSync(box.tree('tree/f'), 'utf8')).toBe('three');
    box.expectSound();
  });

  test('a member takes the place of another kind, but no directory goes that holds something', () => {
    const box = Box.make(scratch.path);
    const { summary } = ingestOf(
      box,
      member({ name: 'a' }, 'file'),
      member({ name: 'a/', type: '5' }),
      member({ name: 'b/', type: '5' }),
      member({ name: 'b', type: '2', link: 'x' }),
      member({ name: 'c/f' }, 'f'),
      member({ name: 'c' }, 'file'),
    );
    expect(summary.failed).toMatchObject([{ code: 'EISDIR' }]);
    expect(box.rows('ls', 'tree').map(({ path, kind }) => [path, kind])).toEqual([
      ['tree/a', 'directory'],
      ['tree/b', 'symlink'],
      ['tree/c', 'directory'],
    ]);
    box.expectSound();
    box.expectReplayed();
  });

  test('a directory of an earlier operation that a member replaces counts as removed, in a dry run too', () => {
    const box = Box.make(scratch.path);
    ingestOf(box, member({ name: 'd/f' }, 'f'));
    const file = join(box.path, 'again.tar');
    writeFileSync(file, Buffer.concat([member({ name: 'd' }, 'file'), END]));
    expect(box.ingest(file, '--to', 'tree', '--dry-run')).toMatchObject({ removed: 1 });
    expect(box.ingest(file, '--to', 'tree')).toMatchObject({ removed: 1 });
    mkdirSync(join(box.source, 'd/below'), { recursive: true });
    box.ingest(box.source, '--to', 'folder');
    rmSync(join(box.source, 'd'), { recursive: true });
    box.write({ d: 'file' });
    expect(box.ingest(box.source, '--to', 'folder', '--dry-run')).toMatchObject({ removed: 1 });
    expect(box.ingest(box.source, '--to', 'folder')).toMatchObject({ removed: 1 });
  });

  test('inodes that a tar tells group its own members, and the same tar again changes nothing', () => {
    const box = Box.make(scratch.path);
    const inode = (number: string): Buffer =>
      pax({ 'SCHILY.dev': '5', 'SCHILY.ino': number, 'SCHILY.nlink': '2' });
    const names = ['a', 'b', 'c'].map((name, at) =>
      Buffer.concat([inode(at < 2 ? '7' : '8'), member({ name }, 'same')]),
    );
    ingestOf(box, ...names);
    const groups = (): unknown[] => box.rows('ls', 'tree').map(({ linkGroup }) => linkGroup);
    const [a, b, c] = groups();
    expect({ together: a === b, apart: a !== c }).toEqual({ together: true, apart: true });
    const before = groups();
    ingestOf(box, ...names);
    expect(groups()).toEqual(before);
    ingestOf(box, ...names.slice(1));
    expect(groups()).toEqual(before);
  });

  test('a hard link is another name of one content in one group; to what is missing it is listed', () => {
    const box = Box.make(scratch.path);
    const { run, summary } = ingestOf(
      box,
      member({ name: 'a' }, 'content'),
      member({ name: 'd/b', type: '1', link: './a' }),
      member({ name: 'c', type: '1', link: 'd/b' }),
      member({ name: 'early', type: '1', link: 'late' }),
      member({ name: 'late' }, 'x'),
      member({ name: 'lost', type: '1', link: 'nowhere' }),
    );
    expect(run.status).toBe(3);
    expect(summary.failed.map(({ code }) => code)).toEqual(['LINK_TARGET_MISSING', 'LINK_TARGET_MISSING']);
    const groups = ['tree/a', 'tree/d/b', 'tree/c'].map((path) => box.stat(path).entry?.linkGroup);
    expect(new Set(groups).size).toBe(1);
    expect(groups[0]).toBeDefined();
    expect(box.stat('tree/late').entry?.linkGroup).toBeUndefined();
    box.restore('tree/', 'out');
    expect(sh('stat -c %h out/a out/c out/d/b', box.path)).toBe('3\n3\n3\n');
  });

  test('names without a name, with a NUL, too long or 100,000 levels deep are listed', () => {
    const box = Box.make(scratch.path);
    const { summary } = ingestOf(
      box,
      member({ name: '' }, 'x'),
      pax({ path: 'a\0b' }),
      member({ name: 'f' }, 'x'),
      pax({ path: 'n'.repeat(256) }),
      member({ name: 'f' }, 'x'),
      pax({ path: 'd/'.repeat(100_000) }),
      member({ name: 'f' }, 'x'),
      member({ name: 'ok' }, 'x'),
    );
    expect(summary.failed.map(({ code }) => code)).toEqual(Array(4).fill('BAD_MEMBER_NAME'));
    expect(box.paths('tree')).toEqual(['tree/ok']);
  });

  test('a hole of 10 GB needs neither its time on the disk nor its memory', () => {
    const box = Box.make(scratch.path);
    const size = 10 * 2 ** 30;
    const records = { 'GNU.sparse.size': String(size), 'GNU.sparse.map': `4096,4,${size},0` };
    const { run } = ingestOf(box, pax(records), member({ name: 'hole' }, 'data'));
    expect(run.status).toBe(0);
    expect(box.stat('tree/hole')).toMatchObject({ size });
    expect(sh(`stat -c %b '${box.tree('tree/hole')}'`)).toMatch(/^(8|16)\n$/);
  });
});

describe('damage', () => {
  test('a truncated tar gives all that was whole, and says where it ends', () => {
    const box = Box.make(scratch.path);
    const tar = packed(box, 'tar --sort=name -cf');
    const whole = readFileSync(tar);
    writeFileSync(tar, whole.subarray(0, 2 << 20));
    const { run, summary } = box.ingestWith({}, tar, '--to', 'tree');
    expect(run.status).toBe(3);
    expect(summary.failed).toMatchObject([
      { code: 'TAR_TRUNCATED', message: expect.stringContaining('at byte 2097152') },
    ]);
    expect(box.paths('tree')).toContain('tree/dir/in');
    expect(box.paths('tree')).not.toContain('tree/large');
    box.expectSound();
  });

  test('damage in a compressed tar is told apart from damage of the tar', () => {
    const box = Box.make(scratch.path);
    const tar = packed(box, 'tar --sort=name -czf', 'made.tgz');
    const bytes = readFileSync(tar);
    writeFileSync(tar, bytes.subarray(0, bytes.length - 40));
    const { run, summary } = box.ingestWith({}, tar, '--to', 'tree');
    expect(run.status).toBe(3);
    expect(summary.failed.map(({ code }) => code)).toContain('DECOMPRESSION_FAILED');
    expect(box.paths('tree')).toContain('tree/dir/in');
    box.expectSound();
  });

  test.each(['zstd', 'xz', 'bzip2'].filter(hasTool))(
    'a truncated stream of %s gives what came before',
    (program) => {
      const box = Box.make(scratch.path);
      sh(
        `tar --sort=name -cf - -C '${made.source}' . | ${program} -c > '${box.path}/t'; truncate -s -20 '${box.path}/t'`,
      );
      const { run, summary } = box.ingestWith({}, join(box.path, 't'));
      expect(run.status).toBe(3);
      expect(summary.failed.map(({ code }) => code)).toContain('DECOMPRESSION_FAILED');
      box.expectSound();
    },
  );

  const own: unknown = Reflect.get(zlib, 'zstdCompressSync');
  const pack = typeof own === 'function' ? (own as (bytes: Buffer) => Buffer) : null;
  testWhere(pack !== null, 'this Node has no zstd')('without the program zstd Node unpacks', () => {
    const box = Box.make(scratch.path);
    const file = join(box.path, 't');
    writeFileSync(file, pack!(Buffer.concat([member({ name: 'a' }, 'a'), END])));
    expect(box.runWith({ env: { PATH: '/nonexistent' } }, 'ingest', file)).toMatchObject({ status: 0 });
    expect(box.paths('t')).toEqual(['t/a']);
  });

  test('members after the end are told of, and read with --ignore-zeros', () => {
    const box = Box.make(scratch.path);
    const file = join(box.path, 'two.tar');
    writeFileSync(file, Buffer.concat([member({ name: 'a' }, 'a'), END, member({ name: 'b' }, 'b'), END]));
    const { run, summary } = box.ingestWith({}, file);
    expect({ status: run.status, failed: summary.failed }).toMatchObject({
      status: 3,
      failed: [{ code: 'TAR_HAS_MORE' }],
    });
    expect(box.ingest(file, '--ignore-zeros')).toMatchObject({ failed: [], files: 2 });
    expect(box.paths('two')).toEqual(['two/a', 'two/b']);
  });

  test('a full disk in the middle ends the operation, and the archive is sound', () => {
    const box = Box.make(scratch.path);
    const tar = packed(box, 'tar -cf');
    const { run } = box.ingestWith({ env: { HKFS_FAILPOINT: 'stage.write=ENOSPC@3' } }, tar);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain('NO_SPACE');
    box.expectSound();
    expect(box.ingest(tar)).toMatchObject({ failed: [] });
  });
});

test.each([
  'stage.open=kill@2',
  'stage.written=kill@3',
  'commit.named=kill',
  'commit.appended=kill@2',
  'commit.tree=kill@2',
])('killed at %s, the same command again finishes', (point) => {
  const box = Box.make(scratch.path);
  const tar = packed(box, 'tar --format=posix -cf');
  expect(box.ingestWith({ env: { HKFS_FAILPOINT: point } }, tar, '--to', 'tree').run.status).toBeNull();
  expect(box.ingest(tar, '--to', 'tree')).toMatchObject({ failed: [] });
  box.ingest(tar, '--to', 'twin');
  const contents = (path: string): unknown[] =>
    box
      .rows('ls', '-R', path)
      .map(({ path: full, ...row }) => [full.slice(path.length), row.hash, row.mtimeNs]);
  expect(contents('tree')).toEqual(contents('twin'));
  box.expectSound();
  box.expectReplayed();
});

describe('what is no tar', () => {
  test.each([
    ['an empty file', ''],
    ['a text', 'hello, world\n'],
    ['another compression', '\x04\x22\x4d\x18 and so on'],
    ['a damaged compression', '\x1f\x8b\x08 and so on'],
  ])('%s that goes by the name of a tar is refused, and nothing is changed', (_what, content) => {
    const box = Box.make(scratch.path);
    const file = join(box.path, 'x.tar.gz');
    writeFileSync(file, content, 'latin1');
    const before = box.head();
    const { status, stdout, stderr } = box.run('ingest', file);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(saying('NOT_A_TAR'));
    expect(box.head()).toBe(before);
    expect(box.ingest(file, '--as-file')).toMatchObject({ files: 1 });
  });

  test('--tar reads one whose first block is destroyed, and refuses what is no file', () => {
    const box = Box.make(scratch.path);
    const file = join(box.path, 'x.tar');
    writeFileSync(file, Buffer.concat([Buffer.alloc(512, 'x'), member({ name: 'kept' }, 'kept'), END]));
    expect(box.run('ingest', file).stderr).toMatch(/NOT_A_TAR[^]*--tar/);
    const { run, summary } = box.ingestWith({}, file, '--tar');
    expect({ status: run.status, failed: summary.failed }).toMatchObject({
      status: 3,
      failed: [{ code: 'TAR_DAMAGED' }],
    });
    expect(box.paths('x')).toEqual(['x/kept']);
    for (const words of [
      [box.source, '--tar'],
      [file, '--tar', '--as-file'],
    ])
      expect(box.run('ingest', ...words).stderr).toMatch(saying('USAGE'));
  });

  test('under another name it is a file like any other', () => {
    const box = Box.make(scratch.path);
    writeFileSync(join(box.path, 'x.gz'), 'hello');
    expect(box.ingest(join(box.path, 'x.gz'))).toMatchObject({ files: 1 });
    expect(box.paths()).toEqual(['x.gz']);
  });

  test('what needs a program that is not installed says so', () => {
    const box = Box.make(scratch.path);
    writeFileSync(join(box.path, 'x.tar.xz'), '\xfd7zXZ\0 and so on', 'latin1');
    const { status, stderr } = box.runWith(
      { env: { PATH: '/nonexistent' } },
      'ingest',
      join(box.path, 'x.tar.xz'),
    );
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(saying('PROGRAM_MISSING')),
    });
  });

  test('nothing on the standard input, or no name for its tree, is wrong use', () => {
    const box = Box.make(scratch.path);
    expect(box.run('ingest', '-', '--to', 'x').stderr).toMatch(saying('NOT_A_TAR'));
    expect(box.run('ingest', '-').stderr).toMatch(saying('USAGE'));
    expect(box.paths()).toEqual([]);
  });

  test.each([['--mirror'], ['--mode', 'move']])('%s does not go with a tar', (...flags) => {
    const box = Box.make(scratch.path);
    const { status, stderr } = box.run('ingest', packed(box, 'tar -cf'), ...flags);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying('USAGE')) });
  });

  test('a target inside .hkfs is refused', () => {
    const box = Box.make(scratch.path);
    expect(box.run('ingest', packed(box, 'tar -cf'), '--to', '.hkfs/x').stderr).toMatch(saying('BAD_TARGET'));
    const file = join(box.path, 'evil.tar');
    writeFileSync(file, Buffer.concat([member({ name: '.hkfs/log' }, 'x'), header({ name: 'ok' }), END]));
    const { run, summary } = box.ingestWith({}, file, '--to', '/');
    expect({ status: run.status, failed: summary.failed }).toMatchObject({
      status: 3,
      failed: [{ code: 'RESERVED_NAME' }],
    });
    expect(box.paths()).toEqual(['ok']);
  });
});
