import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { planSources } from '../../src/archive/ingest/sources.js';
import { OwnPlaces } from '../../src/archive/own-places.js';
import { toFsPath } from '../../src/fs/names.js';
import { Namespace } from '../../src/projections/namespace.js';
import { CREATED, directory, file, withViews } from '../projections/records.js';
import { withScratch } from './scratch.js';

interface Plan {
  readonly path: string;
  readonly target: string;
  readonly isDirectory: boolean;
}

/** A source directory `src` with a file, a directory and symlinks, beside an archive that holds /dir and /file. */
async function plan(sources: readonly string[], to?: string): Promise<Plan[]> {
  return withScratch(async (scratch) => {
    const root = realpathSync(scratch);
    const at = (path: string): string => join(root, path);
    for (const path of ['src/d', 'ar/.hkfs', 'caf\udce9/d'])
      mkdirSync(toFsPath(at(path)), { recursive: true });
    for (const path of ['src/f', 'src/\udcff', 'caf\udce9/f']) writeFileSync(toFsPath(at(path)), 'x');
    symlinkSync('d', at('src/to-d'));
    symlinkSync('f', at('src/to-f'));
    symlinkSync('nowhere', at('src/to-nothing'));
    symlinkSync('ar', at('to-archive'));
    return withViews([CREATED, directory(0, 'dir'), file(0, 'file')], async ({ level }) => {
      const isTar = (): Promise<boolean> => Promise.resolve(false);
      const own = new OwnPlaces(at('ar'));
      const paths = sources.map((path) => `${root}/${path}`);
      const request = { sources: paths, to, archiveRoot: at('ar'), own, isTar };
      const roots = await planSources(request, new Namespace(level, 2));
      return roots.map(({ path, target, isDirectory }) => ({
        path: path.slice(root.length + 1),
        target,
        isDirectory,
      }));
    });
  });
}

const targets = async (sources: readonly string[], to?: string): Promise<string[]> =>
  (await plan(sources, to)).map(({ target }) => target);

describe('where sources go', () => {
  test.each<[string, string[], string | undefined, string[]]>([
    ['a directory without a target goes under its own name', ['src/d'], undefined, ['d']],
    ['a file without a target goes under its own name', ['src/f'], undefined, ['f']],
    ['a directory becomes its target', ['src/d'], 'x/y', ['x/y']],
    ['a directory becomes its target also where that exists', ['src/d'], 'dir', ['dir']],
    ['a directory can become the root', ['src/d'], '/', ['']],
    ['a file becomes its target', ['src/f'], 'x/y', ['x/y']],
    ['a file replaces a file that is its target', ['src/f'], '/file', ['file']],
    ['a file goes into a target that is a directory of the archive', ['src/f'], 'dir', ['dir/f']],
    ['a file goes into a target that ends with a slash', ['src/f'], 'new/', ['new/f']],
    ['a file goes into the root', ['src/f'], '', ['f']],
    ['several sources go into their target', ['src/d', 'src/f'], 'x', ['x/d', 'x/f']],
    ['several sources without a target go under their names', ['src/d', 'src/f'], undefined, ['d', 'f']],
    ['the same source twice goes once', ['src/d', 'src/../src/d/'], 'x', ['x']],
    ['a name that is not UTF-8 stays as it is', ['src/\udcff'], undefined, ['\udcff']],
    [
      'a source below a name that is not UTF-8 is found',
      ['caf\udce9/f', 'caf\udce9/d'],
      undefined,
      ['f', 'd'],
    ],
    ['a symlink goes under its own name', ['src/to-d'], undefined, ['to-d']],
    ['a symlink goes like a file into a directory of the archive', ['src/to-d'], 'dir', ['dir/to-d']],
  ])('%s', async (_claim, sources, to, expected) => {
    expect(await targets(sources, to)).toEqual(expected);
  });
});

describe('a symlink as a source', () => {
  test('is taken in as the link it is', async () => {
    expect(await plan(['src/to-d'])).toEqual([{ path: 'src/to-d', target: 'to-d', isDirectory: false }]);
    expect(await plan(['src/to-nothing'])).toHaveLength(1);
  });

  test('written with a slash at its end is the directory it points to, under the name of the link', async () => {
    expect(await plan(['src/to-d/'])).toEqual([{ path: 'src/d', target: 'to-d', isDirectory: true }]);
    expect(await plan(['src/to-d/'], 'x')).toEqual([{ path: 'src/d', target: 'x', isDirectory: true }]);
  });

  test('written with a slash at its end is missing where it points to no directory', async () => {
    for (const source of ['src/to-f/', 'src/to-nothing/'])
      await expect(plan([source])).rejects.toMatchObject({ code: 'SOURCE_MISSING' });
  });
});

describe('sources that cannot be', () => {
  test.each<[string, string[], string | undefined, string]>([
    ['none at all', [], undefined, 'USAGE'],
    ['what is not there', ['src/none'], undefined, 'SOURCE_MISSING'],
    ['what is below a file', ['src/f/x'], undefined, 'SOURCE_MISSING'],
    ['one of many that is not there', ['src/d', 'src/none'], 'x', 'SOURCE_MISSING'],
    ['the archive itself', ['ar'], undefined, 'SOURCE_IN_ARCHIVE'],
    ['what is in the archive', ['ar/.hkfs'], 'x', 'SOURCE_IN_ARCHIVE'],
    ['what is in the archive by way of a symlink', ['to-archive/.hkfs'], 'x', 'SOURCE_IN_ARCHIVE'],
    ['the archive by way of a symlink with a slash', ['to-archive/'], 'x', 'SOURCE_IN_ARCHIVE'],
    ['two that would become one', ['src/d', 'caf\udce9/d'], 'x', 'SOURCES_COLLIDE'],
    ['a target above the root', ['src/d'], '../x', 'BAD_PATH'],
    ['a target with a NUL', ['src/d'], 'a\0b', 'BAD_PATH'],
    ['a target with a name of 256 bytes', ['src/d'], 'x'.repeat(256), 'BAD_PATH'],
    ['the reserved folder as a target', ['src/d'], '/.hkfs/x', 'BAD_TARGET'],
    ['the reserved folder as a target after some detours', ['src/d'], 'a/.././.hkfs', 'BAD_TARGET'],
  ])('%s', async (_what, sources, to, code) => {
    await expect(plan(sources, to)).rejects.toMatchObject({ name: 'HkfsError', code });
  });

  test('a symlink beside the archive that points into it is a source like any other', async () => {
    expect(await targets(['to-archive'])).toEqual(['to-archive']);
  });

  test('a directory that holds the archive may be a source: the archive in it is skipped later', async () => {
    expect(await targets(['.'], 'x')).toEqual(['x']);
  });
});
