/** Random directories outside, against an archive that has some of their contents. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Archive, type ContainsOptions, type OutsideRow } from 'hkfs';
import { hashBytes } from '../../../src/fs/hash.js';
import { toFsPath } from '../../../src/fs/names.js';
import { HEAVY, runs } from '../../projections/property.js';
import { withScratch } from '../scratch.js';

const TIMEOUT = HEAVY ? 1_200_000 : 120_000;
/** The last is larger than a block and the first is empty. */
const CONTENTS = [
  '',
  'a',
  'b',
  'content',
  'x'.repeat(5000),
  'y'.repeat(70_000),
  'z'.repeat((1 << 20) + 7),
].map((text) => Buffer.from(text));

const name = fc.constantFrom('a', 'b', 'é', 'a\nb', '\udcff', '-rf', ' ');
const file = fc.record({
  directory: fc.array(name, { maxLength: 3 }).map((names) => names.map((each) => `${each}.d/`).join('')),
  name,
  content: fc.nat(CONTENTS.length - 1),
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('file' as const) },
    { weight: 1, arbitrary: fc.constantFrom('symlink' as const, 'hardlink' as const) },
  ),
});
type File = typeof file extends fc.Arbitrary<infer T> ? T : never;

/** Makes the files and gives their contents by path; links of both kinds beside them. */
function make(root: string, files: readonly File[]): { contents: Map<string, number>; others: number } {
  const contents = new Map<string, number>();
  let others = 0;
  let first: [path: string, content: number] | null = null;
  fs.mkdirSync(root, { recursive: true });
  for (const { directory, name, content, kind } of files) {
    const path = toFsPath(`${root}/${directory}${name}`);
    fs.mkdirSync(toFsPath(dirname(`${root}/${directory}${name}`)), { recursive: true });
    if (fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    if (kind === 'symlink') {
      fs.symlinkSync('a', path);
      others += 1;
    } else if (kind === 'hardlink' && first !== null) {
      fs.linkSync(toFsPath(`${root}/${first[0]}`), path);
      contents.set(directory + name, first[1]);
    } else {
      fs.writeFileSync(path, CONTENTS[content]!);
      first ??= [directory + name, content];
      contents.set(directory + name, content);
    }
  }
  return { contents, others };
}

interface Facts {
  readonly total: number;
  readonly archived: number;
  readonly missing: number;
  readonly others: number;
  readonly rows: ReadonlySet<OutsideRow>;
}

async function factsOf(root: string, options: ContainsOptions): Promise<Facts> {
  const result = await Archive.contains(root, options);
  expect(result.failed).toEqual([]);
  const { total, archived, missing, others } = result;
  return { total, archived, missing, others, rows: new Set(result.rows()) };
}

test(
  'contains tells which files have no name in the archive, first, again, with --checksum and while it is held',
  async () => {
    const files = fc.array(file, { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(files, files, fc.boolean(), (inside, outside, where) =>
        withScratch(async (directory) => {
          const [root, source] = [join(directory, 'archive'), join(directory, 'source')];
          const known = new Set(make(source, inside).contents.values());
          await Archive.init(root);
          let archive = await Archive.open(root, { mode: 'write' });
          await archive.ingest({ sources: [source], to: 'x' });
          await archive.close();
          const there = make(join(directory, 'outside'), outside);
          const expected = expectedOf(join(directory, 'outside'), there, { known, inside, where });
          const ask = (checksum: boolean): Promise<Facts> =>
            factsOf(root, { paths: [join(directory, 'outside')], where, checksum });
          expect(withoutPaths(await ask(false))).toEqual(expected);
          expect(withoutPaths(await ask(false))).toEqual(expected);
          archive = await Archive.open(root, { mode: 'write' });
          expect(withoutPaths(await ask(false))).toEqual(expected);
          expect(withoutPaths(await ask(true))).toEqual(expected);
          await archive.close();
        }),
      ),
      runs(12),
    );
  },
  TIMEOUT,
);

function expectedOf(
  root: string,
  { contents, others }: { contents: ReadonlyMap<string, number>; others: number },
  asked: { known: ReadonlySet<number>; inside: readonly File[]; where: boolean },
): Facts {
  const all = [...contents].map(([path, content]) => {
    const bytes = CONTENTS[content]!;
    const hash = bytes.length === 0 ? null : hashBytes(bytes).toString('hex');
    const has = content === 0 || asked.known.has(content);
    return { has, row: { path: `${root}/${path}`, hash, size: bytes.length } };
  });
  const archived = all.filter(({ has }) => has).length;
  const told = all.filter(({ has }) => asked.where || !has);
  const rows = told.map(({ has, row }) => (has ? { ...row, paths: [] } : row));
  return { total: all.length, archived, missing: all.length - archived, others, rows: new Set(rows) };
}

/** That the paths are right is for the test of lookUp: here, that there are some. */
function withoutPaths(facts: Facts): Facts {
  const rows = [...facts.rows].map((row) => {
    if (row.paths === undefined) return row;
    expect(row.paths.length > 0).toBe(row.hash !== null);
    return { ...row, paths: [] };
  });
  return { ...facts, rows: new Set(rows) };
}
