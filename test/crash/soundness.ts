/** What must hold of an archive whatever happened to the process that wrote to it. */
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { expect } from '@jest/globals';
import type { EntryRow, OperationRow, ReplaySummary, VerifySummary } from '../../src/archive/api.js';
import { readDirectoryNames, toFsPath } from '../../src/fs/names.js';
import { describe, hkfs, row, rows } from './hkfs.js';
import { hashOfFile, type Snapshot } from './source-tree.js';

export type Mode = 'copy' | 'link' | 'move' | 'assimilate';

export const operationsOf = (archive: string): Promise<OperationRow[]> => rows(['ops', '-a', archive]);

export async function entriesOf(archive: string, at?: string): Promise<Map<string, EntryRow>> {
  const moment = at === undefined ? [] : ['--at', at];
  const found = await rows<EntryRow>(['ls', '-R', '-a', archive, ...moment]);
  return new Map(found.map((entry) => [entry.path, entry]));
}

/**
 * After a kill: contents sound, tree mended as far as the log goes. What verify may still find is
 * objects that no event names.
 */
export async function expectMended(archive: string): Promise<VerifySummary> {
  const summary = await row<VerifySummary>(['verify', '-a', archive], [0, 1]);
  const { damaged, missing, views, unlinked, untracked } = summary;
  expect({ damaged, missing, views, unlinked }).toEqual({
    damaged: [],
    missing: [],
    views: [],
    unlinked: [],
  });
  for (const { path } of untracked) expect(path).toMatch(/^\.hkfs\/objects\//);
  expectTidy(archive);
  return summary;
}

/** Nothing at all is wrong: the answer after an ingest that ended. */
export async function expectSound(archive: string): Promise<void> {
  const summary = await expectMended(archive);
  expect(summary.untracked).toEqual([]);
  await expectEqualViews(archive);
}

export async function expectEqualViews(archive: string): Promise<void> {
  const { equal, differences } = await row<ReplaySummary>(['replay', '--check', '-a', archive]);
  expect({ equal, differences }).toEqual({ equal: true, differences: [] });
}

export function expectTidy(archive: string): void {
  expect(readdirSync(`${archive}/.hkfs/staging`)).toEqual([]);
  const expected = ['archive.json', 'keys', 'log', 'objects', 'place', 'staging', 'views'];
  expect(readdirSync(`${archive}/.hkfs`).sort()).toEqual(expected);
}

/** Exactly these names, each with its content and attributes, in the log and in the tree. */
export async function expectHolds(archive: string, snapshot: Snapshot): Promise<void> {
  const entries = await entriesOf(archive);
  expect([...entries.keys()].sort()).toEqual([...snapshot.keys()].sort());
  for (const [path, known] of snapshot) {
    const { kind, mode, size, hash, target, mtimeNs } = entries.get(path)!;
    expect({ path, kind, mode, size, hash, target }).toEqual({ path, ...withoutTime(known) });
    if (kind === 'file') expect({ path, mtimeNs }).toEqual({ path, mtimeNs: known.mtimeNs });
    if (kind === 'file' && hash !== null) expectLink(archive, path, hash);
  }
}

function withoutTime(known: Omit<EntryRow, never> | object): object {
  const { mtimeNs: _time, ...rest } = known as { mtimeNs: string };
  return rest;
}

function expectLink(archive: string, path: string, hash: string): void {
  const object = `${archive}/.hkfs/objects/${hash.slice(0, 2)}/${hash.slice(2)}`;
  const inodes = [object, `${object}.1`].map((file) => lstatSync(file, { throwIfNoEntry: false })?.ino);
  const { ino, mode } = lstatSync(toFsPath(`${archive}/${path}`));
  expect({ path, isLinked: inodes.includes(ino), mode: mode & 0o7777 }).toEqual({
    path,
    isLinked: true,
    mode: 0o444,
  });
}

/** `cat` gives back the bytes that were ingested. */
export async function expectBytes(archive: string, path: string, content: Uint8Array): Promise<void> {
  const ended = await hkfs(['cat', `/${path}`, '-a', archive]);
  expect({ path, text: ended.stdout }).toEqual({ path, text: Buffer.from(content).toString() });
}

/** Every content is where it was, or is named by the log and in the hash tree. */
export async function expectNothingLost(
  archive: string,
  source: string,
  snapshot: Snapshot,
): Promise<Map<string, EntryRow>> {
  const entries = await entriesOf(archive);
  const prefix = source.slice(source.lastIndexOf('/') + 1);
  for (const [path, { kind, hash, mode }] of snapshot) {
    if (kind !== 'file' || hash === null) continue;
    const original = `${source}${path.slice(prefix.length)}`;
    const entry = entries.get(path);
    if (existsSync(toFsPath(original))) expect({ path, hash: hashOfFile(original) }).toEqual({ path, hash });
    else expect({ path, hash: entry?.hash, mode: entry?.mode }).toEqual({ path, hash, mode });
    if (entry?.hash === hash) expect({ path, mode: entry.mode }).toEqual({ path, mode });
    const { hash: named } = entry ?? { hash: null };
    if (named)
      expect(existsSync(`${archive}/.hkfs/objects/${named.slice(0, 2)}/${named.slice(2)}`)).toBe(true);
  }
  return entries;
}

/** The ingest that goes on. */
export async function ingestOnce<T>(
  archive: string,
  source: string,
  mode: Mode,
  expected?: readonly number[],
): Promise<T> {
  return row<T>(['ingest', source, '--mode', mode, '-a', archive], expected);
}

export async function expectRefusal(
  args: readonly string[],
  expected: { status: number; code: string; text?: RegExp },
): Promise<void> {
  const ended = await hkfs(args);
  const { status, stderr } = ended;
  expect({ status, stderr, why: status === expected.status ? '' : describe(ended) }).toEqual({
    status: expected.status,
    stderr: expect.stringMatching(expected.text ?? /./),
    why: '',
  });
  expect(stderr).toContain(`[${expected.code}]`);
  expect(stderr.split('\n').filter((line) => line.startsWith('hkfs: '))).toHaveLength(1);
}

/** Everything below that is no LevelDB's own: paths with size, mtime and inode. */
export function listingOf(directory: string): string[] {
  const listing: string[] = [];
  const pending = [directory];
  for (let at = pending.pop(); at !== undefined; at = pending.pop())
    for (const name of readDirectoryNames(at)) {
      const path = `${at}/${name}`;
      const stat = lstatSync(toFsPath(path));
      if (/\/\.hkfs\/(log|views)$/.test(path)) continue;
      // The folder of the lock files is as old as the last command.
      if (!path.endsWith('/.hkfs'))
        listing.push([path, stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs].join(' '));
      if (stat.isDirectory()) pending.push(path);
    }
  return listing.sort();
}
