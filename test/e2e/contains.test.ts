/** `contains` as a person runs it, in all that may come its way. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { OutsideRow } from '../../src/archive/api.js';
import { hashBytes } from '../../src/fs/hash.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, parseRows, saying, sh, type Run } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
let stick: string;
beforeEach(() => {
  box = Box.make(scratch.path).write({ a: 'content a', 'd/b': 'content b', empty: '' });
  box.ingest();
  stick = join(box.path, 'stick');
});

type Row = OutsideRow | { total: number; archived: number; missing: number };

/** Puts files on the stick, a tenth of a second before now: only what has come to rest is remembered. */
function put(files: Readonly<Record<string, string>>): void {
  new Box(box.path, box.root, stick).write(files);
  sh('sleep 0.2');
}

function contains(...args: string[]): { run: Run; rows: Row[] } {
  const run = box.run('contains', '--json', ...args);
  return { run, rows: parseRows<Row>(run.stdout) };
}

const b3 = (text: string): string => hashBytes(Buffer.from(text)).toString('hex');
const sha = (text: string, algorithm = 'sha256'): string => createHash(algorithm).update(text).digest('hex');
const missing = (path: string, text: string): Row => ({ path, hash: b3(text), size: text.length });

describe('a directory outside', () => {
  test('that is all in the archive, whatever its names, leaves with 0 and the totals only', () => {
    put({ x: 'content a', 'y/z': 'content b', 'y/empty': '', 'y/b again': 'content b' });
    const { run, rows } = contains(stick);
    expect({ status: run.status, stderr: run.stderr, rows }).toEqual({
      ...{ status: 0, stderr: '', rows: [{ total: 4, archived: 4, missing: 0 }] },
    });
  });

  test('with new contents leaves with 1 and lists them in order, as paths below what was given', () => {
    put({ 'y/new': 'new', 'b\nc': 'other', a: 'content a' });
    fs.symlinkSync('a', join(stick, 'link'));
    const { run, rows } = contains('stick');
    expect(run.status).toBe(1);
    expect(rows).toEqual([
      missing('stick/b\nc', 'other'),
      missing('stick/y/new', 'new'),
      { total: 3, archived: 1, missing: 2 },
    ]);
    expect(box.run('contains', 'stick', '-0').stdout).toBe('stick/b\nc\0stick/y/new\0');
    const { status, stdout } = box.run('contains', 'stick');
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout:
        'missing  5 B  stick/b\\nc\nmissing  3 B  stick/y/new\n' +
        '2 of 3 files are not in the archive; 1 is.\n1 symlink or special file not compared.\n',
    });
  });

  test('with --where tells the paths in the archive of what is there', () => {
    box.ingest('--to', 'copy');
    put({ a: 'content a', e: '', n: 'new' });
    expect(contains('stick', '--where').rows).toEqual([
      { path: 'stick/a', hash: b3('content a'), size: 9, paths: ['copy/a', 'source/a'] },
      { path: 'stick/e', hash: null, size: 0, paths: [] },
      missing('stick/n', 'new'),
      { total: 3, archived: 2, missing: 1 },
    ]);
  });

  test('is not read again when nothing changed, but with --checksum, and where files changed', () => {
    put({ 'd/x': 'content a', n: 'new' });
    const rows = contains('stick').rows;
    const env = { HKFS_FAILPOINT: 'outside.read=EIO' };
    const again = box.runWith({ env }, 'contains', 'stick', '--json');
    expect({ status: again.status, rows: parseRows(again.stdout) }).toEqual({ status: 1, rows });
    expect(box.runWith({ env }, 'contains', 'stick', '--checksum')).toMatchObject({ status: 3 });
    fs.writeFileSync(join(stick, 'n'), 'wen');
    const changed = box.runWith({ env }, 'contains', 'stick', '--json');
    expect(changed).toMatchObject({ status: 3, stderr: expect.stringContaining('stick/n: ') });
    expect(parseRows(changed.stdout)).toEqual([{ total: 2, archived: 1, missing: 0 }]);
    expect(contains('stick').rows[0]).toEqual(missing('stick/n', 'wen'));
  });

  test('is read again where the memory of it is damaged, and its answer is right', () => {
    put({ x: 'content a', n: 'new' });
    const { rows } = contains('stick');
    const names = fs.readdirSync(box.tree('.hkfs/outside'));
    expect(names).toHaveLength(2);
    for (const name of names)
      for (const damage of ['flip', 'cut', 'empty'] as const) {
        const memory = box.tree(`.hkfs/outside/${name}`);
        const bytes = fs.readFileSync(memory);
        if (damage === 'flip') bytes[bytes.length - 1]! ^= 1;
        fs.writeFileSync(memory, damage === 'cut' ? bytes.subarray(0, -3) : damage === 'empty' ? '' : bytes);
        expect(contains('stick').rows).toEqual(rows);
      }
  });

  test('with files that cannot be read leaves with 3 and names each', () => {
    put({ a: 'content a', b: 'content b' });
    const { status, stdout, stderr } = box.runWith(
      { env: { HKFS_FAILPOINT: 'outside.read=EACCES@1' } },
      ...['contains', 'stick', '--json'],
    );
    expect(status).toBe(3);
    expect(stderr).toMatch(/^hkfs: warning: stick\/[ab]: .* \[EACCES\]\n/);
    expect(parseRows<{ total: number }>(stdout).at(-1)).toMatchObject({ total: 2, missing: 0 });
  });

  test('that holds the archive is compared without it', () => {
    put({ a: 'content a' });
    const { run, rows } = contains(box.path);
    expect({ status: run.status, rows }).toEqual({
      ...{ status: 0, rows: [{ total: 4, archived: 4, missing: 0 }] },
    });
    expect(run.stderr).toMatch(
      /^hkfs: note: .*archive: this is the archive itself: skipped \[ARCHIVE_SKIPPED\]\n$/,
    );
  });

  test('named twice, and once more by what is in it, is looked at once', () => {
    put({ 'd/a': 'content a' });
    const { rows } = contains('stick', `${stick}/`, 'stick/d/a', join(stick, 'd'));
    expect(rows).toEqual([{ total: 1, archived: 1, missing: 0 }]);
  });

  test('behind a symlink is meant with a slash only', () => {
    put({ n: 'new' });
    fs.symlinkSync('stick', join(box.path, 'link'));
    expect(box.run('contains', 'link')).toMatchObject({
      ...{ status: 2, stdout: '', stderr: expect.stringMatching(saying('BAD_TARGET')) },
    });
    expect(contains('link/').rows[0]).toEqual(missing('link/n', 'new'));
  });

  test('with a file of many blocks, and more of them than one task takes', () => {
    const large = 'x'.repeat(40 << 20);
    put({ large, larger: `${large}y`, small: 'content a' });
    expect(contains('stick').rows).toEqual([
      missing('stick/large', large),
      missing('stick/larger', `${large}y`),
      { total: 3, archived: 1, missing: 2 },
    ]);
  });

  test('that is stopped by Ctrl-C leaves with 130, and what was read until then is not read again', async () => {
    put({ a: 'content a', n: 'new' });
    const hole = join(stick, 'hole');
    fs.writeFileSync(hole, '');
    fs.truncateSync(hole, 2 ** 40);
    const running = box.start(['contains', stick, '--progress', 'json']);
    await new Promise((resolve) => running.child.stderr!.once('data', resolve));
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 130, stdout: '' });
    fs.rmSync(hole);
    const run = box.runWith({ env: { HKFS_FAILPOINT: 'outside.read=EIO' } }, 'contains', stick, '--json');
    expect(parseRows<Row>(run.stdout).at(-1)).toEqual({ total: 2, archived: 1, missing: 1 });
  });

  test('with more names than one task takes', () => {
    put(Object.fromEntries(Array.from({ length: 5000 }, (_none, number) => [`n${number}`, `${number}`])));
    const { rows } = contains('stick');
    expect(rows.at(-1)).toEqual({ total: 5000, archived: 0, missing: 5000 });
    expect(new Set(rows.map((row) => ('path' in row ? row.path : ''))).size).toBe(5001);
  });
});

describe('what the archive has', () => {
  test('counts only while an entry names it, unless another moment is asked for', () => {
    put({ a: 'content a' });
    expect(box.run('rm', 'source/a', '--yes')).toMatchObject({ status: 0 });
    expect(contains('stick').run.status).toBe(1);
    expect(contains('stick', '--at', 'op:1').run).toMatchObject({
      ...{ status: 0, stderr: expect.stringMatching(/^hkfs: note: as of @\d+, .*\n$/) },
    });
    expect(box.run('contains', 'stick', '--at', '@99999')).toMatchObject({ status: 2, stdout: '' });
  });

  test('counts from the next run on when it was added or taken away in between', () => {
    put({ a: 'content a', n: 'new' });
    const archived = (): unknown => contains('stick').rows.at(-1);
    expect(archived()).toMatchObject({ archived: 1 });
    box.ingest(stick);
    expect([archived(), archived()]).toMatchObject([{ archived: 2 }, { archived: 2 }]);
    expect(box.run('rm', 'stick', 'source', '--yes')).toMatchObject({ status: 0 });
    expect(archived()).toMatchObject({ archived: 0 });
    expect(box.run('undo', '--yes')).toMatchObject({ status: 0 });
    expect([archived(), archived()]).toMatchObject([{ archived: 2 }, { archived: 2 }]);
  });

  test('does not count when its bytes are known to be damaged', () => {
    put({ a: 'content a' });
    const object = box.object('source/a');
    fs.chmodSync(object, 0o644);
    fs.writeFileSync(object, 'something');
    expect(box.verify().status).toBe(4);
    expect(contains('stick').run.status).toBe(1);
  });
});

describe('standard input', () => {
  function given(input: string | Buffer, ...args: string[]): { run: Run; rows: Row[] } {
    const run = box.runWith({ input }, 'contains', '-', '--json', ...args);
    return { run, rows: parseRows<Row>(run.stdout) };
  }

  test('with a list of paths is those files, and what is below those directories', () => {
    put({ a: 'content a', 'd/n': 'new' });
    fs.symlinkSync('a', join(stick, 'link'));
    const expected = [missing('stick/d/n', 'new'), { total: 2, archived: 1, missing: 1 }];
    for (const list of [
      'stick\n',
      'stick/a\nstick/d\nstick/d/n\nstick/link\n',
      'stick/a\r\nstick/d\r\n',
      'stick/a\0stick/d\0',
    ]) {
      const { run, rows } = given(list);
      expect({ list, status: run.status, stderr: run.stderr, rows }).toEqual({
        ...{ list, status: 1, stderr: '', rows: expected },
      });
    }
  });

  test('with a list in which a path is not there leaves with 3', () => {
    put({ a: 'content a' });
    const { run, rows } = given('stick/a\nstick/nosuch\n');
    expect(run).toMatchObject({ status: 3, stderr: expect.stringContaining('stick/nosuch') });
    expect(rows).toEqual([{ total: 2, archived: 1, missing: 0 }]);
  });

  test('with a manifest of b3sum needs no file', () => {
    const text = `${b3('content a')}  x/y\n${b3('')}  e\n\\${b3('new')}  n\\nm\n`;
    for (const manifest of [text, text.replaceAll('\n', '\r\n')])
      expect(given(manifest).rows).toEqual([
        { path: 'n\nm', hash: b3('new'), size: null },
        { total: 3, archived: 2, missing: 1 },
      ]);
    expect(given(`${b3('content a')}  x/y\n`, '--where').rows[0]).toEqual({
      ...{ path: 'x/y', hash: b3('content a'), size: null, paths: ['source/a'] },
    });
  });

  test('with a manifest of another hash has the archive hashed, once', () => {
    const tagged = `SHA256 (x) = ${sha('content a')}\nSHA256 (n) = ${sha('new')}\nSHA256 (e) = ${sha('')}\n`;
    const expected = [
      { path: 'n', hash: `sha256:${sha('new')}`, size: null },
      { total: 3, archived: 2, missing: 1 },
    ];
    expect(given(tagged).rows).toEqual(expected);
    const { rows } = given(`${sha('content b')}  b\n`, '--algorithm', 'sha256', '--where');
    expect(rows[0]).toEqual({ path: 'b', hash: b3('content b'), size: 9, paths: ['source/d/b'] });
    fs.rmSync(box.object('source/a'));
    expect(given(tagged).rows).toEqual(expected);
    expect(given(`${sha('content b', 'sha512')}  b\n`).run.status).toBe(0);
  });

  test('with a manifest of sha256sum, which does not name its hash, finds what it is', () => {
    expect(given(`${sha('content a')}  a\n${sha('new')}  n\n`).rows).toEqual([
      { path: 'n', hash: `sha256:${sha('new')}`, size: null },
      { total: 2, archived: 1, missing: 1 },
    ]);
    expect(given(`${sha('')}  empty\n`).run).toMatchObject({ status: 0, stderr: '' });
    expect(given(`${b3('new')}  n\n${b3('content a')}  a\n`).rows.at(-1)).toEqual({
      ...{ total: 2, archived: 1, missing: 1 },
    });
  });

  test('with a manifest of which nothing is known under any hash says so', () => {
    const { run, rows } = given(`${sha('new')}  n\n`);
    expect(run).toMatchObject({ status: 1, stderr: expect.stringContaining('no digest of the manifest') });
    expect(rows.at(-1)).toEqual({ total: 1, archived: 0, missing: 1 });
  });

  test('with a manifest of hashdeep takes the hash that proves something', () => {
    const line = (text: string, name: string): string =>
      `${text.length},${sha(text, 'md5')},${sha(text)},${name}\n`;
    const { rows } = given(
      `%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: /\n${line('content a', '/x, y')}${line('new', '/n')}`,
    );
    expect(rows).toEqual([
      { path: '/n', hash: `sha256:${sha('new')}`, size: 3 },
      { total: 2, archived: 1, missing: 1 },
    ]);
  });

  test.each([
    ['nothing', '', 'BAD_MANIFEST'],
    ['MD5', `${sha('content a', 'md5')}  a\n`, 'UNKNOWN_ALGORITHM'],
    ['a broken manifest', `${b3('content a')}  a\n???\n`, 'BAD_MANIFEST'],
  ])('with %s is refused', (_title, input, code) => {
    expect(box.runWith({ input }, 'contains', '-')).toMatchObject({
      ...{ status: 2, stdout: '', stderr: expect.stringMatching(saying(code)) },
    });
  });
});

describe('bad input', () => {
  test.each([
    ['nothing', () => [], 'USAGE'],
    ['a directory that is not there', () => [join(stick, 'nosuch')], 'SOURCE_MISSING'],
    ['one of several that is not there', () => [stick, join(stick, 'nosuch')], 'SOURCE_MISSING'],
    ['the archive', () => [box.root], 'SOURCE_IN_ARCHIVE'],
    ['a directory of its tree', () => [box.tree('source')], 'SOURCE_IN_ARCHIVE'],
    ['a fifo', () => [join(stick, 'fifo')], 'NOT_A_FILE'],
    ['a flag that asks for other output twice', () => [stick, '--where', '-0'], 'USAGE'],
  ])('%s is refused', (_title, args: () => string[], code) => {
    put({ a: 'content a' });
    sh(`mkfifo '${join(stick, 'fifo')}'`);
    expect(box.run('contains', ...args())).toMatchObject({
      ...{ status: 2, stdout: '', stderr: expect.stringMatching(saying(code)) },
    });
  });

  test('without an archive leaves with 6 before anything is read', () => {
    put({ a: 'content a' });
    const run = box.runWith(
      { env: { HKFS_ARCHIVE: stick, HKFS_FAILPOINT: 'outside.read=EIO' } },
      'contains',
      stick,
    );
    expect(run).toMatchObject({
      status: 6,
      stdout: '',
      stderr: expect.stringMatching(saying('NOT_AN_ARCHIVE')),
    });
  });
});
