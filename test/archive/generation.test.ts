/** An archive that was copied, or whose disk was made anew, is not taken for what it was. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { moveSince, openGeneration, type Generation } from '../../src/archive/generation.js';
import { layoutOf } from '../../src/archive/layout.js';
import { openLevel, type Level } from '../../src/events/level.js';
import { localKey, markKey, sealKey } from '../../src/projections/keys.js';
import { hasTool, scratchDirectory } from '../fs/scratch.js';

const scratch = scratchDirectory();
const SEAL = sealKey({ device: 1n, inode: 2n });
const MARK = markKey(3);
const TREE = localKey('tree');
const HERE = { size: 10, machine: 'one' };
let root: string;
let count = 0;

beforeEach(async () => {
  root = join(scratch.path, `archive-${(count += 1)}`);
  mkdirSync(join(root, '.hkfs/staging'), { recursive: true });
  await withViews(root, async (level) => {
    expect((await openGeneration(level, layoutOf(root), HERE)).since).toBe(10);
    for (const key of [SEAL, MARK, TREE, localKey('synced')]) await level.put(key, Buffer.from('x'));
    await level.put(Buffer.from('m of the log'), Buffer.from('x'));
    await level.put(Buffer.from([0x7f, 1]), Buffer.from('a digest'));
  });
});

async function withViews<T>(at: string, use: (level: Level) => Promise<T>): Promise<T> {
  const level = await openLevel(layoutOf(at).views, { createIfMissing: true });
  try {
    return await use(level);
  } finally {
    await level.close();
  }
}

interface Opened {
  readonly generation: Generation;
  /** Of seal, mark, `synced`, tree, a row of the log, a digest: those that are there. */
  readonly rows: string;
}

function open(at: string, options = { size: 20, machine: 'one' }): Promise<Opened> {
  return withViews(at, async (level) => {
    const generation = await openGeneration(level, layoutOf(at), options);
    const keys = { s: SEAL, m: MARK, y: localKey('synced'), t: TREE, l: Buffer.from('m of the log') };
    const all = { ...keys, d: Buffer.from([0x7f, 1]) };
    let rows = '';
    for (const [letter, key] of Object.entries(all)) if (await level.get(key)) rows += letter;
    return { generation, rows };
  });
}

const SAME = { generation: { since: 10 }, rows: 'smytld' };
const NEW = { generation: { since: 20 }, rows: 'tld' };

test('opened again where it is, all that is remembered holds', async () => {
  expect(await open(root)).toMatchObject(SAME);
  const moved = `${root}-moved`;
  renameSync(root, moved);
  expect(await open(moved)).toMatchObject(SAME);
});

describe('a new generation begins, and what is remembered of inodes is dropped, in', () => {
  const COPIES = [
    ['cp -a', 'cp -a "$1" "$2"'],
    ['cp -al', 'cp -al "$1" "$2"'],
    ['rsync -aH', 'rsync -aH "$1/" "$2"'],
    ['tar', 'mkdir "$2"; tar -C "$1" -c . | tar -C "$2" -x'],
  ] as const;
  test.each(COPIES)('a copy by %s', async (command, script) => {
    if (!hasTool(command.split(' ')[0]!)) return;
    const copy = `${root}-copy`;
    execFileSync('sh', ['-ec', script, 'sh', root, copy]);
    expect(await open(copy)).toMatchObject(NEW);
    expect((await open(copy, { size: 30, machine: 'one' })).generation.since).toBe(20);
  });

  test('an archive that was brought back from its own backup', async () => {
    execFileSync('cp', ['-a', root, `${root}-backup`]);
    rmSync(root, { recursive: true });
    execFileSync('cp', ['-a', `${root}-backup`, root]);
    expect(await open(root)).toMatchObject(NEW);
  });

  test('one that was opened on another machine', async () => {
    expect(await open(root, { size: 20, machine: 'two' })).toMatchObject(NEW);
    expect((await open(root, { size: 30, machine: 'one' })).generation.since).toBe(30);
  });

  test('one of a version that made no marker', async () => {
    rmSync(layoutOf(root).place);
    expect(await open(root)).toMatchObject(NEW);
  });

  test('one whose marker was touched, or is no file', async () => {
    chmodSync(layoutOf(root).place, 0o600);
    expect(await open(root)).toMatchObject(NEW);
    rmSync(layoutOf(root).place);
    mkdirSync(layoutOf(root).place);
    expect((await open(root, { size: 30, machine: 'one' })).generation.since).toBe(30);
    expect(readFileSync(layoutOf(root).place, 'utf8')).toContain('hkfs');
  });

  test('one whose views were deleted', async () => {
    rmSync(layoutOf(root).views, { recursive: true });
    expect((await open(root)).generation.since).toBe(20);
  });
});

test('a generation that begins after the copy has a time that no earlier change has', async () => {
  writeFileSync(join(root, 'before'), 'x');
  rmSync(layoutOf(root).place);
  const { generation } = await open(root);
  expect((await open(root)).generation.beganNs).toBe(generation.beganNs);
  expect(generation.beganNs).not.toBeNull();
});

test('where no marker can be made, what is remembered is dropped by each that opens, and nothing fails', async () => {
  const layout = { ...layoutOf(root), place: '/sys/hkfs-place' };
  for (const size of [20, 30]) {
    const generation = await withViews(root, async (level) => {
      await level.put(SEAL, Buffer.from('x'));
      const opened = await openGeneration(level, layout, { size, machine: 'one' });
      expect(await level.get(SEAL)).toBeUndefined();
      return opened;
    });
    expect(generation).toEqual({ since: size, beganNs: null });
  }
});

test('events of an origin move the position and nothing else', async () => {
  await withViews(root, (level) => moveSince(level, 15));
  expect(await open(root)).toMatchObject({ generation: { since: 15 }, rows: 'smytld' });
});
