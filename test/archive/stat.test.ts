import { linkSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Archive } from 'hkfs';
import { directory, file, hashOf, removal, rename, stored } from '../projections/records.js';
import { hashOf as hashOfContent } from './archive-model.js';
import { oneCommit, withHistory } from './made-history.js';
import { withArchive, type Scratch } from './scratch.js';

const HASH = hashOfContent(Buffer.from('one'));

/** A source with `a`, `b` and `d/c` of one content, taken in as /s. */
async function withThree(use: (scratch: Scratch) => Promise<void>, clock?: () => number): Promise<void> {
  await withArchive(async (scratch) => {
    mkdirSync(join(scratch.source, 'd'));
    for (const name of ['a', 'b', 'd/c']) writeFileSync(join(scratch.source, name), 'one');
    await scratch.archive.ingest({ sources: [scratch.source], to: 's' });
    await use(scratch);
  }, clock);
}

async function names(archive: Archive, at?: string): Promise<[readonly string[], readonly string[]]> {
  const { paths, pastPaths } = await archive.stat(HASH, at === undefined ? {} : { at });
  return [paths, pastPaths];
}

describe('stat of a content', () => {
  test('tells its paths, size, inode and links, the same for its hash, its digits, a path and its inode', () =>
    withThree(async ({ archive, root }) => {
      const { ino, dev } = lstatSync(join(root, 's/a'));
      const expected = {
        hash: HASH,
        size: 3,
        inodes: [{ device: String(dev), inode: String(ino) }],
        links: 4,
        paths: ['s/a', 's/b', 's/d/c'],
        pastPaths: [],
        lastVerified: null,
        copies: [],
      };
      for (const target of [HASH, HASH.slice(0, 4), `ino:${ino}`, 's/a', '/s/b', join(root, 's/d/c')])
        expect(await archive.stat(target)).toMatchObject(expected);
      expect((await archive.stat('s/d/c')).entry).toMatchObject({ path: 's/d/c', kind: 'file', hash: HASH });
      expect((await archive.stat(HASH)).entry).toBeUndefined();
    }));

  test('counts the links that a person made by hand as well', () =>
    withThree(async ({ archive, root }) => {
      linkSync(join(root, 's/a'), join(root, 'by-hand'));
      expect((await archive.stat(HASH)).links).toBe(5);
    }));

  test('has among its past paths what was replaced, removed or renamed, and as of then among its paths', () =>
    withThree(async ({ archive, source }) => {
      writeFileSync(join(source, 'a'), 'two');
      rmSync(join(source, 'b'));
      renameSync(join(source, 'd'), join(source, 'e'));
      await archive.ingest({ sources: [source], to: 's', mirror: true, yes: true });
      expect(await names(archive)).toEqual([['s/e/c'], ['s/a', 's/b', 's/d/c']]);
      expect(await names(archive, 'op:1')).toEqual([['s/a', 's/b', 's/d/c'], []]);
      rmSync(join(source, 'e'), { recursive: true });
      await archive.ingest({ sources: [source], to: 's', mirror: true, yes: true });
      expect(await names(archive)).toEqual([[], ['s/a', 's/b', 's/d/c', 's/e/c']]);
      expect((await archive.stat(HASH)).links).toBe(1);
      writeFileSync(join(source, 'b'), 'one');
      await archive.ingest({ sources: [source], to: 's' });
      expect(await names(archive)).toEqual([['s/b'], ['s/a', 's/d/c', 's/e/c']]);
    }));

  test('has the time when it was first stored, and the time when it was last verified', () => {
    let now = Date.UTC(2026, 0, 1);
    const clock = (): number => (now += 1000);
    return withThree(async ({ archive }) => {
      const { firstStored, lastVerified } = await archive.stat(HASH);
      expect(lastVerified).toBeNull();
      expect(Date.parse(firstStored!)).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 1));
      const before = now;
      await archive.verify();
      const first = Date.parse((await archive.stat(HASH)).lastVerified!);
      expect(first).toBeGreaterThan(before);
      await archive.verify();
      const second = await archive.stat(HASH);
      expect(Date.parse(second.lastVerified!)).toBeGreaterThan(first);
      expect(second.firstStored).toBe(firstStored);
      expect((await archive.stat(HASH, { at: 'op:1' })).lastVerified).toBeNull();
    }, clock);
  });
});

describe('stat of what has no content', () => {
  test('tells the entry and no object', () =>
    withArchive(async ({ archive, source }) => {
      writeFileSync(join(source, 'empty'), '');
      symlinkSync('nowhere', join(source, 'link'));
      await archive.ingest({ sources: [source], to: 's' });
      const nothing = {
        hash: null,
        inodes: [],
        links: 0,
        pastPaths: [],
        firstStored: null,
        lastVerified: null,
      };
      const entry = { kind: 'symlink', target: 'nowhere' };
      expect(await archive.stat('s/link')).toMatchObject({
        ...nothing,
        size: null,
        paths: ['s/link'],
        entry,
      });
      expect(await archive.stat('s/empty')).toMatchObject({ ...nothing, size: 0, paths: ['s/empty'] });
      expect(await archive.stat('s')).toMatchObject({ ...nothing, size: null, entry: { kind: 'directory' } });
      expect(await archive.stat('')).toMatchObject({ ...nothing, paths: [''] });
    }));
});

describe('a target', () => {
  const events = [
    file(0, 'abcd', { hash: hashOf('12') }), // 1
    stored(hashOf('abcd'), 5n), // 2
    stored(hashOf('abce'), 6n), // 3
    { ...stored(hashOf('dcba'), 5n), device: 2n }, // 4
  ];

  test('is a path before it is a hash, and a hash only with four digits or more', () =>
    withHistory(oneCommit(events), async (reader) => {
      expect((await reader.stat('abcd')).entry).toMatchObject({ path: 'abcd' });
      expect((await reader.stat('abcd0')).hash).toBe(hashOf('abcd'));
      await expect(reader.stat('abc')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(reader.stat('dcb')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }));

  test('that an inode number of two devices stands for is refused, and so is one of none', () =>
    withHistory(oneCommit(events), async (reader) => {
      expect((await reader.stat('ino:6')).hash).toBe(hashOf('abce'));
      await expect(reader.stat('ino:5')).rejects.toMatchObject({ code: 'AMBIGUOUS_PREFIX' });
      await expect(reader.stat('ino:7')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(reader.stat(`ino:${2n ** 64n}`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }));

  test('that is not there, or was not there yet, is refused', () =>
    withHistory(oneCommit(events), async (reader) => {
      for (const [target, at] of [
        ['none', '@4'],
        ['abcd', '@0'],
        ['abce', '@2'],
        ['ino:6', '@2'],
      ] as const)
        await expect(reader.stat(target, { at })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(reader.stat('../x')).rejects.toMatchObject({ code: 'BAD_PATH' });
    }));
});

describe('past paths after renames', () => {
  test('have the paths before them, and none twice', () =>
    withHistory(
      oneCommit([
        directory(0, 'd'), // 1
        file(1, 'f', { hash: hashOf('ab') }), // 2
        rename([1, 'f'], [0, 'g']), // 3
        rename([0, 'g'], [1, 'f']), // 4
        removal(1, 'f'), // 5
        file(0, 'h', { hash: hashOf('ab') }), // 6
      ]),
      async (reader) => {
        const { paths, pastPaths } = await reader.stat('h');
        expect([paths, pastPaths]).toEqual([['h'], ['d/f', 'g']]);
      },
    ));
});
