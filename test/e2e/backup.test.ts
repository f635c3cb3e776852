/** Backups, clones, bundles and catalogues by the command line, and all that they refuse. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type {
  BackupSummary,
  BundleSummary,
  CloneSummary,
  FetchSummary,
  PullSummary,
} from '../../src/archive/api.js';
import { hkfs, start, type RunOptions } from './hkfs.js';

let scratch = '';
let root = '';
let remote = '';

beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), 'hkfs-backup-'));
  root = join(scratch, 'archive');
  remote = join(scratch, 'remote');
  fs.mkdirSync(join(scratch, 'photos/deep'), { recursive: true });
  for (const name of ['a', 'b', 'deep/c'])
    fs.writeFileSync(join(scratch, 'photos', name), `bytes of ${name}`);
  fs.writeFileSync(join(scratch, 'photos/again'), 'bytes of a');
  fs.writeFileSync(join(scratch, 'photos/empty'), '');
  fs.writeFileSync(join(scratch, 'photos/large'), Buffer.alloc(3 << 20, 7));
  fs.symlinkSync('a', join(scratch, 'photos/link'));
  ok(['init', root]);
  ok(['ingest', join(scratch, 'photos'), '-a', root]);
  ok(['remote', 'add', 'disk', remote, '-a', root]);
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

function ok(args: readonly string[], options: RunOptions = {}): string {
  const { status, stdout, stderr } = hkfs(args, { cwd: scratch, ...options });
  expect({ args, status, stderr }).toMatchObject({ args, status: 0 });
  return stdout;
}
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what the command prints.
function json<T>(args: readonly string[], options: RunOptions = {}): T {
  return JSON.parse(ok([...args, '--json'], options)) as T;
}
function refused(args: readonly string[], code: string, status: number): string {
  const ended = hkfs(args, { cwd: scratch });
  expect({ args, status: ended.status, stderr: ended.stderr }).toEqual({
    args,
    status,
    stderr: expect.stringContaining(`[${code}]`),
  });
  return ended.stderr;
}
const headOf = (archive: string): { size: number; root: string } => json(['head', '-a', archive]);
const backup = (...words: string[]): BackupSummary => json(['backup', 'disk', '-a', root, ...words]);
const cloneTo = (name: string, ...words: string[]): CloneSummary =>
  json(['clone', remote, join(scratch, name), ...words]);
const filesBelow = (directory: string): string[] =>
  fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
const catalogueOf = (archive: string): string => ok(['ls', '-R', '--json', '-a', archive]);
const change = (name: string, text: string): void => {
  fs.writeFileSync(join(scratch, 'photos', name), text);
  ok(['ingest', join(scratch, 'photos'), '-a', root]);
};

describe('a backup to a directory', () => {
  test('is told before, sends everything once, and then nothing', () => {
    expect(backup('--dry-run')).toMatchObject({ objects: 4, dryRun: true, operation: null });
    expect(filesBelow(remote)).toEqual(['hkfs-remote.json']);
    const before = headOf(root);
    const first = backup();
    expect(first).toMatchObject({ objects: 4, damaged: [], upToDate: false, ...before });
    expect(backup()).toMatchObject({ objects: 0, events: 0, operation: null, upToDate: true, ...before });
    const files = filesBelow(remote);
    const { id } = JSON.parse(fs.readFileSync(join(root, '.hkfs/archive.json'), 'utf8')) as { id: string };
    const last = String(before.size - 1).padStart(16, '0');
    expect(files.filter((name) => !name.startsWith('objects/'))).toEqual([
      `archives/${id}/checkpoint/${String(before.size).padStart(16, '0')}`,
      `archives/${id}/claim/0000000000000000`,
      `archives/${id}/key`,
      `archives/${id}/log/0000000000000000-${last}`,
      'hkfs-remote.json',
    ]);
    expect(files.filter((name) => name.startsWith('objects/'))).toHaveLength(4);
  });

  test('leaves what was there as it was, and adds', () => {
    const before = new Map(
      filesBelow(remote).map((name) => [name, fs.readFileSync(join(remote, name), 'base64')]),
    );
    change('new', 'a new one');
    expect(backup()).toMatchObject({ objects: 1, bytes: 9, segments: 1 });
    for (const [name, bytes] of before)
      expect([name, fs.readFileSync(join(remote, name), 'base64')]).toEqual([name, bytes]);
    expect(filesBelow(remote)).toHaveLength(before.size + 4);
  });

  test('keeps its pace under --limit-rate', () => {
    fs.writeFileSync(join(scratch, 'photos/slow'), Buffer.alloc(200_000, 1));
    change('slow2', 'x'.repeat(50_000));
    const { seconds, bytes } = backup('--limit-rate', '500k');
    expect(bytes).toBe(250_000);
    expect(seconds).toBeLessThan(20);
  });

  test('of an object that is damaged here sends all else, tells it, and says so in the log', () => {
    fs.writeFileSync(join(scratch, 'photos/rotten'), 'will rot');
    change('fine', 'is fine');
    const row = json<{ hash: string }>(['ls', 'photos/rotten', '-a', root]);
    const object = join(root, '.hkfs/objects', row.hash.slice(0, 2), row.hash.slice(2));
    fs.chmodSync(object, 0o644);
    fs.writeFileSync(object, 'has rot!');
    const ended = hkfs(['backup', 'disk', '-a', root, '--json']);
    expect(ended.status).toBe(4);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      objects: 1,
      damaged: [{ hash: row.hash, paths: ['photos/rotten'] }],
    });
    expect(fs.existsSync(join(remote, 'objects', row.hash.slice(0, 2), row.hash.slice(2)))).toBe(false);
    expect(ok(['log', '--json', '-a', root])).toContain('"object.damaged"');
    const clone = hkfs(['clone', remote, join(scratch, 'lacking'), '--json']);
    expect(clone.status).toBe(4);
    expect(JSON.parse(clone.stdout)).toMatchObject({ missing: [{ paths: ['photos/rotten'] }] });
    // What is healed here is sent by the next backup, and fetch brings it to the clone.
    fs.writeFileSync(object, 'will rot');
    ok(['verify', '-a', root]);
    expect(backup()).toMatchObject({ objects: 1, damaged: [] });
    expect(json<FetchSummary>(['fetch', 'photos', '-a', join(scratch, 'lacking')])).toMatchObject({
      objects: 1,
      missing: [],
    });
  });
});

describe('a clone', () => {
  test('is the archive at its last backup: head, names, bytes, verify', () => {
    const { size, root: fingerprint } = backup();
    const summary = cloneTo('clone');
    expect(summary).toMatchObject({ size, root: fingerprint, damaged: [], missing: [], damagedFiles: [] });
    const clone = join(scratch, 'clone');
    expect(headOf(clone)).toEqual({ size, root: fingerprint });
    expect(catalogueOf(clone)).toBe(ok(['ls', '-R', '--json', '-a', root]));
    expect(ok(['cat', 'photos/deep/c', '-a', clone])).toBe('bytes of deep/c');
    expect(fs.readlinkSync(join(clone, 'photos/link'))).toBe('a');
    expect(json(['verify', '-a', clone])).toMatchObject({ damaged: [], unlinked: [], untracked: [] });
    expect(headOf(clone)).toEqual({ size, root: fingerprint });
    expect(json(['replay', '--check', '-a', clone])).toMatchObject({ equal: true });
  });

  test('does not sign: a backup from it wants the private key, and works once it is there', () => {
    const clone = join(scratch, 'clone');
    ok(['remote', 'add', 'other', join(scratch, 'other-remote'), '-a', clone]);
    refused(['backup', 'other', '-a', clone], 'BAD_KEY', 2);
    fs.copyFileSync(join(root, '.hkfs/keys/archive'), join(clone, '.hkfs/keys/archive'));
    expect(json(['backup', 'other', '-a', clone])).toMatchObject({ upToDate: false });
  });

  test('that has its own events does not follow, and its original is refused where it was first', () => {
    const clone = join(scratch, 'clone');
    ok(['backup', 'disk', '-a', clone]);
    change('later', 'later');
    const position = cloneTo('third').size - 3;
    expect(position).toBeGreaterThan(0);
    const said = refused(['backup', 'disk', '-a', root], 'REMOTE_DIVERGED', 4);
    expect(said).toMatch(/part at position \d+/);
    ok(['remote', 'add', 'mine', join(scratch, 'mine'), '-a', root]);
    ok(['backup', 'mine', '-a', root]);
    refused(['pull', join(scratch, 'mine'), '-a', clone], 'REMOTE_DIVERGED', 4);
    remote = join(scratch, 'mine');
  });

  test('at a moment has what was there then', () => {
    const { position } = json<{ position: number }>(['tag', 'then', '-a', root]);
    change('after-the-tag', 'after');
    ok(['backup', 'mine', '-a', root]);
    const summary = cloneTo('past', '--at', 'tag:then');
    expect(summary.size).toBe(position + 1);
    expect(fs.existsSync(join(scratch, 'past/photos/after-the-tag'))).toBe(false);
    expect(fs.existsSync(join(scratch, 'past/photos/later'))).toBe(true);
    expect(json(['verify', '-a', join(scratch, 'past')])).toMatchObject({ damaged: [], unlinked: [] });
    expect(json<PullSummary>(['pull', '-a', join(scratch, 'past')]).upToDate).toBe(false);
    expect(fs.existsSync(join(scratch, 'past/photos/after-the-tag'))).toBe(true);
  });

  test('into what is not empty, or from what is no remote, is refused and makes nothing', () => {
    refused(['clone', remote, join(scratch, 'photos')], 'DIRECTORY_NOT_EMPTY', 2);
    refused(['clone', remote, root], 'ALREADY_AN_ARCHIVE', 2);
    refused(['clone', join(scratch, 'photos'), join(scratch, 'none')], 'REMOTE_FOREIGN', 2);
    refused(['clone', join(scratch, 'nowhere'), join(scratch, 'none')], 'REMOTE_UNREACHABLE', 2);
    refused(['clone', 'gopher://x', join(scratch, 'none')], 'BAD_URL', 2);
    expect(fs.existsSync(join(scratch, 'none'))).toBe(false);
  });

  test('with the wrong key is refused, with the right one not', () => {
    ok(['init', join(scratch, 'stranger')]);
    const keyOf = (archive: string): string => join(scratch, archive, '.hkfs/keys/archive.pub');
    refused(['clone', remote, join(scratch, 'none'), '--key', keyOf('stranger')], 'KEY_MISMATCH', 2);
    expect(cloneTo('trusted', '--key', keyOf('archive')).key).toBe(
      fs.readFileSync(keyOf('archive'), 'utf8').trim(),
    );
  });
});

describe('a catalogue', () => {
  test('answers queries without contents, fetches what is read, and becomes whole', () => {
    const catalogue = join(scratch, 'catalogue');
    expect(cloneTo('catalogue', '--catalogue')).toMatchObject({ objects: 0, catalogue: true });
    expect(catalogueOf(catalogue)).toBe(catalogueOf(join(scratch, 'trusted')));
    expect(filesBelow(join(catalogue, '.hkfs/objects'))).toEqual([]);
    expect(ok(['cat', 'photos/b', '-a', catalogue])).toBe('bytes of b');
    expect(filesBelow(join(catalogue, '.hkfs/objects'))).toHaveLength(1);
    ok(['restore', 'photos/deep', '--to', join(scratch, 'restored'), '-a', catalogue]);
    expect(fs.readFileSync(join(scratch, 'restored/deep/c'), 'utf8')).toBe('bytes of deep/c');
    for (const words of [['ingest', join(scratch, 'photos')], ['sync'], ['rm', 'photos', '--yes'], ['undo']])
      refused([...words, '-a', catalogue], 'CATALOGUE', 2);
    expect(json(['verify', '-a', catalogue])).toMatchObject({ objects: 2, missing: [], unlinked: [] });
    expect(json<FetchSummary>(['fetch', '/', '-a', catalogue])).toMatchObject({ already: 2, missing: [] });
    expect(json(['verify', '-a', catalogue])).toMatchObject({ missing: [], unlinked: [], untracked: [] });
    expect(fs.readFileSync(join(catalogue, 'photos/deep/c'), 'utf8')).toBe('bytes of deep/c');
  });
});

describe('a bundle', () => {
  test('brings everything, or what a clone lacks; with a gap it says what it needs', () => {
    const [all, more, gap] = ['all', 'more', 'gap'].map((name) => join(scratch, `${name}.bundle`));
    const whole = json<BundleSummary>(['bundle', 'create', all!, '-a', root]);
    expect(json<CloneSummary>(['clone', all!, join(scratch, 'carried')])).toMatchObject({
      size: whole.size,
      root: whole.root,
    });
    change('for-the-bundle', 'one');
    const between = headOf(root);
    change('for-the-gap', 'two');
    json<BundleSummary>(['bundle', 'create', gap!, '--since', String(between.size), '-a', root]);
    const since = `${whole.size}:${whole.root}`;
    const summary = json<BundleSummary>(['bundle', 'create', more!, '--since', since, '-a', root]);
    expect(summary).toMatchObject({ objects: 2, since: { size: whole.size, root: whole.root } });
    const carried = join(scratch, 'carried');
    expect(refused(['bundle', 'apply', gap!, '-a', carried], 'BUNDLE_GAP', 2)).toContain(
      `${between.size} events`,
    );
    refused(['clone', gap!, join(scratch, 'none')], 'BUNDLE_GAP', 2);
    expect(fs.existsSync(join(scratch, 'none'))).toBe(false);
    expect(json<PullSummary>(['bundle', 'apply', more!, '-a', carried])).toMatchObject({ objects: 2 });
    expect(headOf(carried)).toEqual({ size: summary.size, root: summary.root });
    expect(fs.readFileSync(join(carried, 'photos/for-the-gap'), 'utf8')).toBe('two');
    expect(json(['verify', '-a', carried])).toMatchObject({ damaged: [], unlinked: [], untracked: [] });
    refused(['bundle', 'create', all!, '-a', root], 'BUNDLE_EXISTS', 2);
    refused(
      ['bundle', 'create', join(scratch, 'x'), '--since', `5:${'0'.repeat(64)}`, '-a', root],
      'HEAD_DIFFERS',
      1,
    );
  });
});

describe('two writers', () => {
  test('of the same history and key: one wins, the other is told, and the remote is the winner’s', () => {
    const twin = join(scratch, 'twin');
    fs.cpSync(root, twin, { recursive: true, verbatimSymlinks: true });
    change('by-the-first', '1');
    fs.writeFileSync(join(scratch, 'by-the-second'), '2');
    ok(['ingest', join(scratch, 'by-the-second'), '-a', twin]);
    ok(['backup', 'mine', '-a', root]);
    expect(refused(['backup', 'mine', '-a', twin], 'REMOTE_DIVERGED', 4)).toMatch(/part at position \d+/);
    expect(cloneTo('winner').root).toBe(json<BackupSummary>(['backup', 'mine', '-a', root]).root);
  });

  test('at the same time: never both, and what the remote then has is the history of one', async () => {
    const twin = join(scratch, 'second-twin');
    fs.cpSync(root, twin, { recursive: true, verbatimSymlinks: true });
    fs.writeFileSync(join(scratch, 'mine-new'), '1');
    ok(['ingest', join(scratch, 'mine-new'), '-a', root]);
    ok(['ingest', join(scratch, 'by-the-second'), '-a', twin]);
    const both = [root, twin].map((archive) => start(['backup', 'mine', '-a', archive]).ended);
    const ended = await Promise.all(both);
    const winner = ended.findIndex(({ status }) => status === 0);
    expect(ended.map(({ status }) => status).toSorted((a, b) => a! - b!)).toEqual([0, 4]);
    expect(ended[1 - winner]!.stderr).toContain('[REMOTE_DIVERGED]');
    expect(cloneTo('of-the-first').root).toBe(
      json<BackupSummary>(['backup', 'mine', '-a', [root, twin][winner]!]).root,
    );
  });
});
