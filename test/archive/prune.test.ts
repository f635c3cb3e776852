/** prune: what may go and what stands in the way, and the proof that it writes down. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Archive, PruneOptions } from 'hkfs';
import { hashOf } from './archive-model.js';
import { collect, withArchive, type Scratch } from './scratch.js';

type Files = Readonly<Record<string, string>>;

/** An archive with these files; a path that ends with a slash is an empty directory. */
function withTree(
  files: Files,
  use: (scratch: Scratch) => Promise<void>,
  clock?: () => number,
): Promise<void> {
  return withArchive(async (scratch) => {
    write(scratch.source, files);
    await scratch.archive.ingest({ sources: [scratch.source], to: '' });
    await use(scratch);
  }, clock);
}

function write(directory: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const isDirectory = path.endsWith('/');
    mkdirSync(isDirectory ? join(directory, path) : dirname(join(directory, path)), { recursive: true });
    if (!isDirectory) writeFileSync(join(directory, path), content);
  }
}

async function pathsOf(archive: Archive): Promise<string[]> {
  return (await collect(archive.ls('', { recursive: true }))).map(({ path }) => path);
}

async function refusalsOf(archive: Archive, options: PruneOptions): Promise<Record<string, string>> {
  const before = await archive.head();
  const { operation, refusing, proof, removedFiles } = await archive.prune(options);
  expect([operation, removedFiles, proof]).toEqual([null, 0, []]);
  expect(await archive.head()).toEqual(before);
  return Object.fromEntries(refusing.map(({ path, reason }) => [path, reason]));
}

const TWICE = { 'a/one': '1', 'a/sub/two': '22', 'b/two': '22', 'c/deep/one': '1' };

test('a directory whose files are all elsewhere goes by one event, with the proof before it', () =>
  withTree(TWICE, async ({ archive }) => {
    const summary = await archive.prune({ path: 'a' });
    const proof = [
      { path: 'a/one', hash: hashOf(Buffer.from('1')), kept: 'c/deep/one' },
      { path: 'a/sub/two', hash: hashOf(Buffer.from('22')), kept: 'b/two' },
    ];
    expect(summary).toEqual({
      ...{ operation: 2, removed: ['a'], removedFiles: 2, removedBytes: 3, proof, refusing: [] },
    });
    expect(await pathsOf(archive)).toEqual(['b', 'b/two', 'c', 'c/deep', 'c/deep/one']);
    const events = await collect(archive.log({ operation: 2 }));
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ['operation.started', expect.objectContaining({ command: 'prune', args: ['a'] })],
      ['paths.pruned', { entries: proof }],
      ['path.removed', { path: 'a' }],
      [
        'operation.completed',
        expect.objectContaining({ counts: { removedFiles: 2, removedBytes: 3, left: 0 } }),
      ],
    ]);
    expect(await archive.verify()).toMatchObject({ unlinked: [], untracked: [], missing: [], damaged: [] });
    expect(await archive.undo()).toMatchObject({ undone: 2, restored: 1 });
    expect(await pathsOf(archive)).toHaveLength(9);
  }));

test('the proof holds the names as they were, also after what stays was renamed', () =>
  withTree(TWICE, async ({ archive }) => {
    await archive.prune({ path: 'a' });
    await archive.move({ from: 'c', to: 'moved' });
    const [, proof] = await collect(archive.log({ operation: 2 }));
    expect(proof!.data).toMatchObject({ entries: [{ kept: 'c/deep/one' }, { kept: 'b/two' }] });
  }));

test('of two equal directories one may go, and then the other may not', () =>
  withTree({ 'a/f': 'same', 'b/f': 'same' }, async ({ archive }) => {
    expect(await archive.prune({ path: 'a' })).toMatchObject({ operation: 2 });
    expect(await refusalsOf(archive, { path: 'b' })).toEqual({ 'b/f': 'its content is nowhere else' });
  }));

test('two names of one content below the path keep each other no more than one would', () =>
  withTree({ 'a/f': 'same', 'a/g': 'same' }, async ({ archive }) => {
    expect(Object.keys(await refusalsOf(archive, { path: 'a' }))).toEqual(['a/f', 'a/g']);
    expect(await archive.prune({ path: 'a/f' })).toMatchObject({ proof: [{ kept: 'a/g' }] });
  }));

test('each file that stands in the way is named, and nothing goes', () =>
  withTree({ ...TWICE, 'a/unique': 'u', 'a/sub/other': 'o' }, async ({ archive }) => {
    expect(Object.keys(await refusalsOf(archive, { path: 'a' }))).toEqual(['a/sub/other', 'a/unique']);
    expect(await archive.prune({ path: 'a', dryRun: true })).toMatchObject({ dryRun: true, operation: null });
  }));

test('with keepUnique what is elsewhere goes and the rest stays', () =>
  withTree(
    { ...TWICE, 'a/unique': 'u', 'a/empty/': '', 'a/sub/hollow/': '', 'a/none': '' },
    async ({ archive }) => {
      const summary = await archive.prune({ path: 'a', keepUnique: true });
      expect(summary).toMatchObject({ operation: 2, removedFiles: 3, removed: ['a/none', 'a/one', 'a/sub'] });
      expect(summary.refusing.map(({ path }) => path)).toEqual(['a/unique']);
      expect((await pathsOf(archive)).filter((path) => path.startsWith('a'))).toEqual([
        'a',
        'a/empty',
        'a/unique',
      ]);
      await archive.undo();
      expect(await pathsOf(archive)).toHaveLength(13);
    },
  ));

test('with keepUnique and nothing elsewhere there is no operation', () =>
  withTree({ 'a/f': 'only' }, async ({ archive }) => {
    const before = await archive.head();
    expect(await archive.prune({ path: 'a', keepUnique: true })).toMatchObject({
      operation: null,
      removed: [],
    });
    expect(await archive.head()).toEqual(before);
  }));

test('empty files and directories hold nothing that could be lost', () =>
  withTree({ 'a/none': '', 'a/hollow/': '', b: 'x' }, async ({ archive }) => {
    const proof = [{ path: 'a/none', hash: null, kept: null }];
    expect(await archive.prune({ path: 'a' })).toMatchObject({ removed: ['a'], proof });
    expect(await pathsOf(archive)).toEqual(['b']);
  }));

test('with toHistory an object that history keeps is enough; undo brings it back', () =>
  withTree({ 'a/f': 'only' }, async ({ archive }) => {
    const summary = await archive.prune({ path: 'a', toHistory: true });
    expect(summary).toMatchObject({ operation: 2, proof: [{ path: 'a/f', kept: null }] });
    expect(await collect(archive.orphans())).toMatchObject([{ lastPath: 'a/f' }]);
    await archive.undo();
    expect(await pathsOf(archive)).toEqual(['a', 'a/f']);
  }));

test('a symlink or a special goes only where one like it has its name elsewhere', () =>
  withArchive(async ({ archive, source }) => {
    const script = 'mkdir a b c; ln -s t a/l; ln -s t b/l; ln -s other a/m; ln -s t c/m; mkfifo a/p b/p a/q';
    execFileSync('sh', ['-ec', script], { cwd: source });
    await archive.ingest({ sources: [source], to: '' });
    for (const toHistory of [false, true])
      expect(await refusalsOf(archive, { path: 'a', toHistory })).toEqual({
        'a/m': 'no symlink like it has its name elsewhere',
        'a/q': 'no fifo like it has its name elsewhere',
      });
    const { proof } = await archive.prune({ path: 'a', keepUnique: true });
    expect(proof).toEqual([
      { path: 'a/l', hash: null, kept: 'b/l' },
      { path: 'a/p', hash: null, kept: 'b/p' },
    ]);
  }));

test('a path that the log has and the disk has not keeps nothing', () =>
  withTree({ 'a/f': 'same', 'b/f': 'same' }, async ({ archive, root }) => {
    rmSync(join(root, 'b/f'));
    const reason = 'its content is elsewhere only as /b/f, which is not so on the disk (see `hkfs sync`)';
    expect(await refusalsOf(archive, { path: 'a' })).toEqual({ 'a/f': reason });
    writeFileSync(join(root, 'b/f'), 'something of a person');
    expect(await refusalsOf(archive, { path: 'a' })).toEqual({ 'a/f': reason });
  }));

test('a path that leads through a symlink made by hand keeps nothing: it may be the very file that goes', () =>
  withTree({ 'a/f': 'same', 'b/f': 'same' }, async ({ archive, root }) => {
    rmSync(join(root, 'b'), { recursive: true });
    symlinkSync('a', join(root, 'b'));
    expect(Object.keys(await refusalsOf(archive, { path: 'a' }))).toEqual(['a/f']);
  }));

test('what changes on the disk while somebody is asked is seen', () =>
  withTree({ 'a/f': 'same', 'b/f': 'same' }, async ({ archive, root }) => {
    const confirm = (): Promise<boolean> => {
      rmSync(join(root, 'b/f'));
      return Promise.resolve(true);
    };
    expect(Object.keys(await refusalsOf(archive, { path: 'a', confirm }))).toEqual(['a/f']);
  }));

test('an object that is known to be damaged, or is gone, keeps nothing', () =>
  withTree({ 'a/f': 'same', 'b/f': 'same' }, async ({ archive, root }) => {
    const hash = hashOf(Buffer.from('same'));
    const object = join(root, '.hkfs/objects', hash.slice(0, 2), hash.slice(2));
    chmodSync(object, 0o644);
    writeFileSync(object, 'rots');
    await archive.verify();
    expect(await refusalsOf(archive, { path: 'a' })).toEqual({
      'a/f': expect.stringContaining('known to be damaged'),
    });
    writeFileSync(object, 'same');
    await archive.verify();
    rmSync(object);
    expect(await refusalsOf(archive, { path: 'a', toHistory: true })).toEqual({
      'a/f': 'its content is not in the hash tree',
    });
  }));

test('with verifiedSince a content has to have been stored or verified after that moment', () => {
  let now = Date.UTC(2026, 0, 1);
  return withTree(
    { 'a/f': 'same', 'b/f': 'same' },
    async ({ archive }) => {
      const stored = new Date(now).toISOString();
      now += 86_400_000;
      await archive.tag({ name: 'later' });
      const expected = { 'a/f': `its content was last verified ${stored}` };
      for (const verifiedSince of ['tag:later', '1 hour ago', new Date(now).toISOString()])
        expect(await refusalsOf(archive, { path: 'a', verifiedSince })).toEqual(expected);
      now += 1000;
      await archive.verify();
      const since = { path: 'a', verifiedSince: 'tag:later', dryRun: true };
      expect(await archive.prune(since)).toMatchObject({ refusing: [], removed: ['a'] });
      expect(await archive.prune({ ...since, verifiedSince: '10 years ago' })).toMatchObject({
        refusing: [],
      });
    },
    () => now,
  );
});

test('the root, what is not there, and what cannot be a path are refused', () =>
  withTree({ 'a/f': 'same' }, async ({ archive }) => {
    const before = await archive.head();
    for (const [path, code] of [
      ['', 'BAD_TARGET'],
      ['/', 'BAD_TARGET'],
      ['never', 'NOT_FOUND'],
      ['a/f/g', 'NOT_FOUND'],
      ['../a', 'BAD_PATH'],
    ] as const)
      await expect(archive.prune({ path })).rejects.toMatchObject({ code });
    await expect(archive.prune({ path: 'a', verifiedSince: 'nonsense' })).rejects.toMatchObject({
      code: 'BAD_MOMENT',
    });
    expect(await archive.head()).toEqual(before);
  }));

test('a proof of many files is written in several events of one commit', () =>
  withArchive(async ({ archive, source }) => {
    for (const part of ['a', 'b']) {
      mkdirSync(join(source, part));
      for (let at = 0; at < 1030; at += 1) writeFileSync(join(source, part, String(at)), `content ${at}`);
    }
    await archive.ingest({ sources: [source], to: '' });
    const { proof } = await archive.prune({ path: 'a' });
    expect(proof).toHaveLength(1030);
    const { types } = await archive.show(2);
    expect(types).toMatchObject({ 'paths.pruned': 2, 'path.removed': 1 });
  }));
