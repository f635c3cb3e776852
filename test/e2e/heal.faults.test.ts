/** What is lost here comes back from a remote, and what is lost there from here. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type {
  BackupSummary,
  CopiesRow,
  HealSummary,
  RemoteVerifySummary,
  StatRow,
  VerifySummary,
} from '../../src/archive/api.js';
import {
  makeBucket,
  removeBucket,
  s3Environment,
  s3Store,
  s3Url,
  testWithS3,
} from '../store/remote/s3-server.js';
import { hkfs, inode, parseRows } from './hkfs.js';

let scratch = '';
let root = '';
let remote = '';

/** One archive for all: what a test damages, it heals. */
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), 'hkfs-heal-'));
  root = join(scratch, 'archive');
  remote = join(scratch, 'remote');
  const photos = join(scratch, 'photos');
  fs.mkdirSync(join(photos, 'deep'), { recursive: true });
  for (const name of ['a', 'b', 'deep/c']) fs.writeFileSync(join(photos, name), `bytes of ${name}`);
  fs.writeFileSync(join(photos, 'again'), 'bytes of a');
  fs.writeFileSync(join(photos, 'large'), Buffer.alloc(9 << 20, 7));
  run(['init', root]);
  run(['ingest', photos, '-a', root]);
  run(['remote', 'add', 'disk', remote, '-a', root]);
  run(['backup', 'disk', '-a', root]);
  run(['tag', 'second', '-a', root]);
  run(['backup', 'disk', '-a', root]);
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

function run(args: readonly string[], expected = 0): string {
  const { status, stdout, stderr } = hkfs(args, { cwd: scratch });
  if (status !== expected) throw new Error(`hkfs ${args.join(' ')} left with ${status}: ${stdout}${stderr}`);
  return stdout;
}
const json = (args: readonly string[], expected = 0): unknown =>
  JSON.parse(run([...args, '-a', root, '--json'], expected));
const heal = (expected = 0, ...words: string[]): HealSummary =>
  json(['heal', ...words], expected) as HealSummary;
const verify = (expected = 0, ...words: string[]): VerifySummary =>
  json(['verify', ...words], expected) as VerifySummary;
const verifyRemote = (expected = 0, ...words: string[]): RemoteVerifySummary =>
  json(['verify', '--remote', 'disk', ...words], expected) as RemoteVerifySummary;
const backup = (expected = 0, ...words: string[]): BackupSummary =>
  json(['backup', 'disk', ...words], expected) as BackupSummary;
const hashOf = (path: string): string => (json(['stat', path]) as StatRow).hash!;
const at = (base: string, hash: string): string => join(base, hash.slice(0, 2), hash.slice(2));
const objectOf = (path: string): string => at(join(root, '.hkfs/objects'), hashOf(path));
const blobOf = (path: string): string => at(join(remote, 'objects'), hashOf(path));
const copiesOf = (path: string): unknown => (json(['stat', path]) as StatRow).copies;

/** One bit, in place: all names of the inode have it. */
function flip(file: string, offset = 0): void {
  fs.chmodSync(file, 0o644);
  const fd = fs.openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  fs.readSync(fd, byte, 0, 1, offset);
  byte[0]! ^= 1;
  fs.writeSync(fd, byte, 0, 1, offset);
  fs.closeSync(fd);
  fs.chmodSync(file, 0o444);
}

const CLEAN = { damaged: [], missing: [], unlinked: [], untracked: [], views: [] };
function expectWhole(): void {
  expect(verify()).toMatchObject(CLEAN);
  expect(json(['replay', '--check'])).toMatchObject({ equal: true });
  for (const name of ['a', 'again'])
    expect(inode(join(root, 'photos', name))).toBe(inode(objectOf('photos/a')));
}

describe('heal', () => {
  test('brings a damaged object and its names back, says from where, and keeps the damaged bytes', () => {
    const hash = hashOf('photos/a');
    flip(objectOf('photos/a'));
    expect(verify(4)).toMatchObject({ damaged: [{ hash }] });
    const summary = heal();
    expect(summary).toMatchObject({ objects: 1, lost: [] });
    expect(summary.healed).toMatchObject([{ hash, paths: ['photos/a', 'photos/again'], healedFrom: 'disk' }]);
    for (const name of ['a', 'again'])
      expect(fs.readFileSync(join(root, 'photos', name), 'utf8')).toBe('bytes of a');
    const kept = fs.readdirSync(join(root, '.hkfs/damaged'));
    expect(kept).toEqual([expect.stringMatching(new RegExp(`^${hash}-\\d+$`))]);
    expect(parseRows(run(['log', '-a', root, '--json']))).toContainEqual(
      expect.objectContaining({ type: 'object.healed', data: { hash, from: 'disk' } }),
    );
    expectWhole();
    expect(heal()).toMatchObject({ operation: null, objects: 0, healed: [] });
  });

  test('brings an object back that is gone with all its names, without being told', () => {
    fs.rmSync(objectOf('photos/a'));
    for (const name of ['a', 'again']) fs.rmSync(join(root, 'photos', name));
    expect(heal().healed).toMatchObject([{ healedFrom: 'disk' }]);
    expectWhole();
  });

  test('takes the tree’s own file where the hash tree lost its name, and no remote is asked', () => {
    fs.rmSync(objectOf('photos/a'));
    fs.renameSync(remote, `${remote}.away`);
    expect(heal().healed).toMatchObject([{ healedFrom: 'tree' }]);
    fs.renameSync(`${remote}.away`, remote);
    expectWhole();
  });

  test('reads what a path names, and finds damage that nobody told', () => {
    flip(objectOf('photos/large'), 5_000_000);
    expect(hkfs(['heal', 'nowhere', '-a', root]).stderr).toContain('[NOT_FOUND]');
    expect(heal(0, 'photos/deep')).toMatchObject({ objects: 1, healed: [] });
    expect(heal(0, 'photos')).toMatchObject({ objects: 4, healed: [{ paths: ['photos/large'] }] });
    expectWhole();
  });

  test('of verify: in one go, with exit code 0 when all is whole again', () => {
    flip(objectOf('photos/b'));
    fs.rmSync(objectOf('photos/deep/c'));
    fs.rmSync(join(root, 'photos/deep/c'));
    const summary = verify(0, '--heal');
    expect(summary.damaged).toMatchObject([{ paths: ['photos/b'], healedFrom: 'disk' }]);
    expect(summary.missing).toMatchObject([{ paths: ['photos/deep/c'], healedFrom: 'disk' }]);
    expectWhole();
  });

  test('in a clone that only follows, brings all back and appends no event', () => {
    const clone = join(scratch, 'follower');
    run(['clone', remote, clone]);
    const head = run(['head', '-a', clone]);
    const hash = hashOf('photos/a');
    flip(at(join(clone, '.hkfs/objects'), hash));
    run(['verify', '-a', clone], 4);
    expect(run(['heal', 'photos', '-a', clone])).toContain('healed from disk');
    run(['verify', '-a', clone]);
    for (const name of ['a', 'again'])
      expect(fs.readFileSync(join(clone, 'photos', name), 'utf8')).toBe('bytes of a');
    expect(run(['head', '-a', clone])).toBe(head);
  });

  test('leaves all as it is where no remote has good bytes, and says so', () => {
    flip(objectOf('photos/a'));
    flip(blobOf('photos/a'));
    const before = fs.readFileSync(objectOf('photos/a'));
    expect(verify(4, '--heal').damaged).not.toHaveProperty('0.healedFrom');
    expect(heal(4)).toMatchObject({ healed: [], lost: [{ paths: ['photos/a', 'photos/again'] }] });
    expect(fs.readFileSync(objectOf('photos/a'))).toEqual(before);
    // By hand, once more flipped: they are right, and told so.
    flip(objectOf('photos/a'));
    flip(blobOf('photos/a'));
    expect(heal()).toMatchObject({ objects: 1, healed: [], lost: [] });
    expectWhole();
  });

  test('leaves a person’s own file alone that stands in the place of a name', () => {
    fs.rmSync(join(root, 'photos/again'));
    fs.writeFileSync(join(root, 'photos/again'), 'mine');
    flip(objectOf('photos/a'));
    expect(verify(4).damaged).toHaveLength(1);
    heal();
    expect(fs.readFileSync(join(root, 'photos/again'), 'utf8')).toBe('mine');
    expect(fs.readFileSync(join(root, 'photos/a'), 'utf8')).toBe('bytes of a');
    fs.rmSync(join(root, 'photos/again'));
    fs.linkSync(join(root, 'photos/a'), join(root, 'photos/again'));
  });
});

describe('verify --remote', () => {
  test('reads all, records it, and stat and copies know', () => {
    json(['backup', 'disk']);
    expect(copiesOf('photos/a')).toEqual([{ remote: 'disk', state: 'stored', verified: null }]);
    expect(verifyRemote(0, '--budget', '0s')).toMatchObject({ objects: 0, remaining: 4 });
    expect(verifyRemote()).toMatchObject({
      ...{ remote: 'disk', objects: 4, damaged: [], missing: [], files: [], remaining: 0 },
    });
    expect(copiesOf('photos/a')).toEqual([
      { remote: 'disk', state: 'verified', verified: expect.any(String) },
    ]);
    expect(parseRows<CopiesRow>(run(['copies', '--min', '2', '-a', root, '--json']))).toEqual([]);
    expect(json(['backup', 'disk'])).toMatchObject({ upToDate: true });
  });

  test('finds what is damaged and missing, and copies counts it no more', () => {
    flip(blobOf('photos/a'));
    fs.rmSync(blobOf('photos/b'));
    expect(verifyRemote(4, '--quick')).toMatchObject({ damaged: [], missing: [{ paths: ['photos/b'] }] });
    expect(verifyRemote(4)).toMatchObject({
      damaged: [{ paths: ['photos/a', 'photos/again'] }],
      missing: [{ paths: ['photos/b'] }],
    });
    expect(copiesOf('photos/a')).toMatchObject([{ state: 'damaged' }]);
    const few = parseRows<CopiesRow>(run(['copies', '--min', '2', '-a', root, '--json']));
    expect(few.map(({ path, copies }) => [path, copies])).toEqual([
      ['photos/a', 1],
      ['photos/again', 1],
      ['photos/b', 1],
    ]);
    const sent = verifyRemote(0, '--heal');
    expect(sent.damaged).toMatchObject([{ healedFrom: 'here' }]);
    expect(copiesOf('photos/a')).toMatchObject([{ state: 'stored' }]);
    expect(verifyRemote()).toMatchObject({ damaged: [], missing: [] });
  });

  test('backup sends again what a check found missing, and the log knows it', () => {
    const hash = hashOf('photos/b');
    fs.rmSync(blobOf('photos/b'));
    expect(verifyRemote(4)).toMatchObject({ missing: [{ hash }] });
    expect(backup(0, '--dry-run')).toMatchObject({ objects: 1, upToDate: false });
    expect(backup()).toMatchObject({ objects: 1, bytes: 10, events: 0, damaged: [], upToDate: false });
    expect(fs.readFileSync(blobOf('photos/b'), 'utf8')).toBe('bytes of b');
    expect(copiesOf('photos/b')).toMatchObject([{ state: 'stored' }]);
    expect(backup()).toMatchObject({ objects: 0, operation: null, upToDate: true });
    fs.rmSync(blobOf('photos/b'));
    verifyRemote(4);
    fs.writeFileSync(join(scratch, 'one-more'), 'one more');
    run(['ingest', join(scratch, 'one-more'), '-a', root]);
    expect(backup()).toMatchObject({ objects: 2, damaged: [], upToDate: false });
    expect(verifyRemote()).toMatchObject({ damaged: [], missing: [] });
  });

  test('backup says what is damaged there, and what is lost on both sides, and never that it has everything', () => {
    const hash = hashOf('photos/b');
    flip(blobOf('photos/b'));
    expect(verifyRemote(4)).toMatchObject({ damaged: [{ hash }] });
    const rows = { damaged: [{ hash, paths: ['photos/b'] }] };
    expect(backup(4)).toMatchObject({ ...rows, operation: null, upToDate: true });
    expect(backup(4, '--dry-run')).toMatchObject(rows);
    const words = run(['backup', 'disk', '-a', root], 4);
    expect(words).toContain('not all contents');
    expect(words).toContain('verify --remote disk --heal');
    verifyRemote(0, '--heal');
    expect(backup()).toMatchObject({ damaged: [], upToDate: true });
    const bytes = fs.readFileSync(blobOf('photos/b'));
    fs.rmSync(blobOf('photos/b'));
    flip(objectOf('photos/b'));
    verifyRemote(4);
    for (const _time of [1, 2]) expect(backup(4)).toMatchObject({ objects: 0, ...rows });
    fs.writeFileSync(blobOf('photos/b'), bytes);
    run(['heal', '-a', root]);
    expect(backup()).toMatchObject({ damaged: [] });
    expectWhole();
  });

  test('what was damaged here when it was to be sent goes by the backup after it is right again, even by hand', () => {
    fs.writeFileSync(join(scratch, 'late'), 'comes late');
    run(['ingest', join(scratch, 'late'), '-a', root]);
    const object = objectOf('late');
    flip(object);
    expect(backup(4)).toMatchObject({ damaged: [{ hash: hashOf('late') }] });
    expect(backup(4)).toMatchObject({ objects: 0, damaged: [{ hash: hashOf('late') }] });
    flip(object);
    expect(backup()).toMatchObject({ objects: 1, damaged: [] });
    expect(copiesOf('late')).toMatchObject([{ state: 'stored' }]);
    run(['verify', '-a', root]);
    backup();
    expect(verifyRemote()).toMatchObject({ missing: [] });
  });

  test('names every file of the remote with a flipped bit, and makes each right again', () => {
    const names = fs
      .readdirSync(remote, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('/objects'))
      .map((entry) => join(entry.parentPath, entry.name));
    expect(names.length).toBeGreaterThan(6);
    for (const name of names) flip(name, fs.statSync(name).size >> 1);
    const told = verifyRemote(4).files.map(({ name }) => join(remote, name));
    expect(told.sort()).toEqual(names.sort());
    expect(verifyRemote(0, '--heal').files.every(({ healed }) => healed)).toBe(true);
    expect(verifyRemote().files).toEqual([]);
    const clone = join(scratch, 'clone');
    expect(JSON.parse(run(['clone', remote, clone, '--json']))).toMatchObject({ damaged: [], missing: [] });
  });

  test('names what is missing of the log, and makes it again', () => {
    const log = fs.readdirSync(join(remote, 'archives'), { recursive: true, encoding: 'utf8' });
    const gone = log.filter((name) => /\/log\/\d+-\d+$|checkpoint\/\d+$|key$/.test(name));
    for (const name of gone) fs.rmSync(join(remote, 'archives', name));
    expect(verifyRemote(4, '--quick').files.length).toBeGreaterThanOrEqual(3);
    verifyRemote(0, '--heal');
    expect(verifyRemote(0)).toMatchObject({ files: [] });
  });

  test('of a bundle reads what it has, and changes nothing in it', () => {
    const file = join(scratch, 'bundle');
    run(['bundle', 'create', file, '--since', '@5', '-a', root]);
    run(['remote', 'add', 'paper', file, '-a', root]);
    expect(json(['verify', '--remote', 'paper'])).toMatchObject({ damaged: [], missing: [], files: [] });
    expect(hkfs(['verify', '--remote', 'paper', '--heal', '-a', root]).stderr).toContain('[READ_ONLY]');
  });

  test('of a place that has lost everything is refused, and nothing is sent there', () => {
    fs.renameSync(remote, `${remote}.away`);
    fs.mkdirSync(remote);
    const ended = hkfs(['verify', '--remote', 'disk', '--heal', '-a', root]);
    expect([ended.status, ended.stderr]).toEqual([2, expect.stringContaining('[REMOTE_FOREIGN]')]);
    expect(fs.readdirSync(remote)).toEqual([]);
    fs.rmdirSync(remote);
    fs.renameSync(`${remote}.away`, remote);
    expect(hkfs(['verify', '--remote', 'none', '-a', root]).stderr).toContain('[REMOTE_NOT_FOUND]');
  });
});

describe('with S3', () => {
  testWithS3('what is lost on one side comes back from the other', async () => {
    const bucket = await makeBucket();
    const url = s3Url(bucket, 'home');
    const env = s3Environment;
    const ok = (args: readonly string[], expected = 0): unknown => {
      const ended = hkfs([...args, '-a', root, '--json'], { cwd: scratch, env });
      expect([ended.status, ended.stderr]).toEqual([expected, expect.anything()]);
      return JSON.parse(ended.stdout);
    };
    const store = s3Store(url);
    try {
      ok(['remote', 'add', 'cloud', url]);
      ok(['backup', 'cloud']);
      const hash = hashOf('photos/large');
      const name = `objects/${hash.slice(0, 2)}/${hash.slice(2)}`;
      await store.remove(name);
      expect(ok(['verify', '--remote', 'cloud', '--quick'], 4)).toMatchObject({ missing: [{ hash }] });
      ok(['verify', '--remote', 'cloud', '--heal']);
      expect(ok(['verify', '--remote', 'cloud'])).toMatchObject({ missing: [], damaged: [] });
      fs.rmSync(remote, { recursive: true });
      flip(objectOf('photos/large'), 100);
      expect(ok(['heal', 'photos/large'])).toMatchObject({ healed: [{ healedFrom: 'cloud' }] });
    } finally {
      await store.close();
      await removeBucket(bucket);
    }
  });
});
