import { jest } from '@jest/globals';

import type { EntryRow, IngestSummary, VerifySummary } from '../../src/archive/api.js';
import { HkfsError } from '../../src/errors.js';

/** Calls that the fake got, in order; and what it shall answer. */
export const calls: [name: string, ...args: unknown[]][] = [];
export const answers: {
  rows: EntryRow[];
  fail?: Error;
  ingest: Partial<IngestSummary>;
  verify: Partial<VerifySummary>;
  equal: boolean | null;
  found: boolean;
} = { rows: [], ingest: {}, verify: {}, equal: null, found: true };

export function resetFake(): void {
  calls.length = 0;
  Object.assign(answers, { rows: [entry('a'), entry('bad\udcff\nname')], fail: undefined, found: true });
  Object.assign(answers, { ingest: {}, verify: {}, equal: null });
}

export function entry(path: string): EntryRow {
  const owner = { uid: 0, gid: 0, user: 'root', group: null };
  const hash = 'ab'.repeat(32);
  return { path, kind: 'file', size: 5, hash, mode: 0o644, ...owner, mtimeNs: '0', target: null, xattrs: {} };
}

async function* rows<T>(name: string, args: unknown[], items: readonly T[]): AsyncIterable<T> {
  calls.push([name, ...args]);
  yield* items;
  if (answers.fail) throw answers.fail;
}

const reader = {
  root: '/archive',
  resolveMoment: (at: string) => Promise.resolve({ position: 5, time: `time of ${at}` }),
  ls: (...args: unknown[]) => rows('ls', args, answers.rows),
  find: (...args: unknown[]) => rows('find', args, answers.rows),
  du: (...args: unknown[]) =>
    rows('du', args, [{ path: '', bytes: 1536, uniqueBytes: 1, sharedBytes: 2, files: 2000 }]),
  log: (...args: unknown[]) => rows('log', args, []),
  ops: (...args: unknown[]) => rows('ops', args, []),
  head: () => Promise.resolve({ size: 3, root: 'ab', inner: 'not for users' }),
  close: () => void calls.push(['close']),
};

const NOTHING_INGESTED: IngestSummary = {
  ...{
    operation: 1,
    files: 1,
    bytes: 1,
    directories: 1,
    symlinks: 0,
    specials: 0,
    newObjects: 1,
    newBytes: 1,
  },
  ...{ duplicateFiles: 0, duplicateBytes: 0, unchangedFiles: 0, removed: 0, failed: [], seconds: 1 },
};
const NOTHING_FOUND: VerifySummary = {
  ...{ operation: 1, objects: 1, bytes: 1, damaged: [], missing: [], unlinked: [], untracked: [] },
  ...{ views: [], remaining: 0, seconds: 1 },
};

class Archive {
  static open(root: string, options: unknown): Promise<Archive> {
    calls.push(['open', root, options]);
    return Promise.resolve(new Archive());
  }
  static init(dir: string): Promise<{ archive: string; id: string }> {
    calls.push(['init', dir]);
    return Promise.resolve({ archive: dir, id: 'some-id' });
  }
  ingest(options: unknown): Promise<IngestSummary> {
    calls.push(['ingest', options]);
    return Promise.resolve({ ...NOTHING_INGESTED, ...answers.ingest });
  }
  verify(options: unknown): Promise<VerifySummary> {
    calls.push(['verify', options]);
    if (answers.fail) return Promise.reject(answers.fail);
    return Promise.resolve({ ...NOTHING_FOUND, ...answers.verify });
  }
  replay(options: unknown) {
    calls.push(['replay', options]);
    return Promise.resolve({ events: 9, seconds: 1, equal: answers.equal, differences: ['row 7'] });
  }
  close(): void {
    calls.push(['close']);
  }
}

/** Puts the fake in the place of `archive/` for every import that follows. */
export function mockArchive(): void {
  jest.unstable_mockModule('../../src/archive/archive.js', () => ({
    Archive,
    openReader: (...args: unknown[]) => {
      calls.push(['openReader', ...args]);
      return Promise.resolve(reader);
    },
    findArchiveRootOrNull: (_start: string, named?: string) => (answers.found ? (named ?? '/archive') : null),
    findArchiveRoot: (_start: string, named?: string) => {
      if (answers.found) return named ?? '/archive';
      throw new HkfsError('NOT_AN_ARCHIVE', 'no archive here', { hint: 'hkfs init' });
    },
  }));
  jest.unstable_mockModule('../../src/archive/content.js', () => ({
    hashOutsideFile: (path: string) =>
      Promise.resolve({ hash: path === 'empty' ? null : 'cd'.repeat(32), size: 0 }),
  }));
  jest.unstable_mockModule('../../src/archive/hand-out.js', () => ({
    handOut: (_reader: unknown, ...args: unknown[]) => rows('handOut', args, [Buffer.from([0xff, 0])]),
  }));
}
