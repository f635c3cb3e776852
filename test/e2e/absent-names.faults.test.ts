/** Names whose contents were not to be had when the archive was cloned: they come with the contents. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { StatRow, SyncSummary } from '../../src/archive/api.js';
import { hkfs, inode, type RunOptions } from './hkfs.js';

let scratch = '';
let root = '';
let remote = '';
let clones = 0;

beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), 'hkfs-absent-'));
  root = join(scratch, 'archive');
  remote = join(scratch, 'remote');
  const photos = join(scratch, 'photos');
  fs.mkdirSync(join(photos, 'deep'), { recursive: true });
  for (const name of ['a', 'deep/again']) fs.writeFileSync(join(photos, name), 'bytes that get lost');
  fs.writeFileSync(join(photos, 'b'), 'bytes that stay');
  run(['init', root]);
  run(['ingest', photos, '-a', root]);
  run(['remote', 'add', 'disk', remote, '-a', root]);
  run(['backup', 'disk', '-a', root]);
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

function run(args: readonly string[], expected: number | null = 0, options: RunOptions = {}): string {
  const { status, stdout, stderr } = hkfs(args, { cwd: scratch, ...options });
  if (status !== expected) throw new Error(`hkfs ${args.join(' ')} left with ${status}: ${stdout}${stderr}`);
  return stdout;
}
const NAMES = ['photos/a', 'photos/deep/again'];
const hashOf = (path: string): string =>
  (JSON.parse(run(['stat', path, '-a', root, '--json'])) as StatRow).hash!;
const at = (base: string, hash: string): string => join(base, hash.slice(0, 2), hash.slice(2));

/** The remote has it not while the clone is made, and has it again when `then` is called. */
function cloneOfLossy(damage: 'missing' | 'damaged' = 'missing'): { clone: string; hash: string } {
  const clone = join(scratch, `clone-${(clones += 1)}`);
  const hash = hashOf('photos/a');
  const blob = at(join(remote, 'objects'), hash);
  const bytes = fs.readFileSync(blob);
  fs.rmSync(blob);
  if (damage === 'damaged') fs.writeFileSync(blob, 'bytes that got lost');
  run(['clone', remote, clone], 4);
  fs.rmSync(blob, { force: true });
  fs.writeFileSync(blob, bytes);
  expect(NAMES.map((name) => fs.existsSync(join(clone, name)))).toEqual([false, false]);
  return { clone, hash };
}

function expectWhole({ clone, hash }: { clone: string; hash: string }): void {
  const object = inode(at(join(clone, '.hkfs/objects'), hash));
  for (const name of NAMES) expect(inode(join(clone, name))).toBe(object);
  run(['verify', '-a', clone]);
  const { removed, added } = JSON.parse(run(['sync', '-a', clone, '--json'])) as SyncSummary;
  expect({ removed, added }).toEqual({ removed: 0, added: 0 });
}

const WAYS: Readonly<Record<string, (clone: string) => void>> = {
  'fetch of one of its paths': (clone) => run(['fetch', 'photos/a', '-a', clone]),
  'fetch of all': (clone) => run(['fetch', '/', '-a', clone]),
  heal: (clone) => run(['heal', '-a', clone]),
  'verify --heal': (clone) => run(['verify', '--heal', '-a', clone]),
  'pull with nothing new': (clone) => run(['pull', '-a', clone]),
  'pull with news': (clone) => {
    run(['tag', `news-${clones}`, '-a', root]);
    run(['backup', 'disk', '-a', root]);
    run(['pull', '-a', clone]);
  },
  'cat, and then replay': (clone) => {
    run(['cat', 'photos/a', '-a', clone]);
    run(['replay', '-a', clone]);
  },
  'ingest of the same bytes, and then any writer': (clone) => {
    fs.writeFileSync(join(scratch, 'same'), 'bytes that get lost');
    run(['ingest', join(scratch, 'same'), '-a', clone]);
    run(['tag', 'any', '-a', clone]);
  },
};

describe('a clone of a remote that lacked a content gets its names', () => {
  for (const [title, bring] of Object.entries(WAYS))
    test(`by ${title}`, () => {
      const made = cloneOfLossy();
      bring(made.clone);
      expectWhole(made);
    });

  test('where it was damaged there as well', () => {
    const made = cloneOfLossy('damaged');
    run(['heal', '-a', made.clone]);
    expectWhole(made);
  });

  for (const step of ['fetch.sync', 'fetch.named'])
    test(`by the next writer where a fetch was killed at ${step} and any command comes after`, () => {
      const made = cloneOfLossy();
      const env = { HKFS_FAILPOINT: `${step}=kill` };
      run(['fetch', '/', '-a', made.clone], null, { env });
      run(['sync', '-a', made.clone]);
      run(['fetch', '/', '-a', made.clone]);
      expectWhole(made);
    });

  test('also in a copy of it, which is another generation', () => {
    const made = cloneOfLossy();
    const copy = { ...made, clone: `${made.clone}-copy` };
    fs.cpSync(made.clone, copy.clone, { recursive: true });
    run(['verify', '-a', copy.clone], 4);
    run(['cat', 'photos/a', '-a', copy.clone]);
    run(['replay', '-a', copy.clone]);
    for (const name of NAMES) expect(fs.readFileSync(join(copy.clone, name), 'utf8')).toContain('get lost');
  });

  test('and what a person put in the place of one stays', () => {
    const made = cloneOfLossy();
    fs.writeFileSync(join(made.clone, 'photos/a'), 'a person’s own');
    run(['fetch', '/', '-a', made.clone]);
    expect(fs.readFileSync(join(made.clone, 'photos/a'), 'utf8')).toBe('a person’s own');
    expect(fs.readFileSync(join(made.clone, 'photos/deep/again'), 'utf8')).toBe('bytes that get lost');
  });
});

describe('sync', () => {
  test('takes no name whose content is not here for removed, says so, and takes what was removed', () => {
    const made = cloneOfLossy();
    const { clone } = made;
    const ended = hkfs(['sync', '-a', clone, '--json']);
    expect(ended).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('2 names are not in the tree'),
    });
    expect(JSON.parse(ended.stdout)).toMatchObject({ operation: null, removed: 0 });
    fs.rmSync(join(clone, 'photos/b'));
    expect(JSON.parse(run(['sync', '-a', clone, '--json', '--yes']))).toMatchObject({ removed: 1 });
    fs.rmSync(join(clone, 'photos/deep'), { recursive: true });
    // The directory is a person's removal, and what is in it goes with it.
    expect(JSON.parse(run(['sync', '-a', clone, '--json', '--yes']))).toMatchObject({ removed: 2 });
    expect(run(['ls', '-R', '-a', clone])).toContain('photos/a');
    run(['fetch', '/', '-a', clone]);
    expect(fs.readFileSync(join(clone, 'photos/a'), 'utf8')).toBe('bytes that get lost');
  });
});
