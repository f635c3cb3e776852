import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Archive } from 'hkfs';
import { runs } from '../projections/property.js';
import { withScratch } from './scratch.js';

/** What `.hkfs` held before: names that hkfs itself uses, and others. */
const PATHS = [
  'archive.json',
  'archive.json.old',
  'keys/archive',
  'keys/archive.pub',
  'log/000005.ldb',
  'log/CURRENT',
  'notes.txt',
  'objects/00',
  `objects/ab/${'c'.repeat(62)}`,
  'objects/ab/notes',
  'origin.json',
  'outside/seen',
  'photos/2019/a.jpg',
  'staging/17',
  'staging/probe',
  'staging/probe.link',
  'views/CURRENT',
];
const KINDS = ['file', 'empty', 'folder', 'symlink'] as const;

type Content = readonly { readonly path: string; readonly kind: (typeof KINDS)[number] }[];

const content: fc.Arbitrary<Content> = fc.uniqueArray(
  fc.record({ path: fc.constantFrom(...PATHS), kind: fc.constantFrom(...KINDS) }),
  { minLength: 1, maxLength: 4, selector: ({ path }) => path },
);

function make(hkfs: string, made: Content): void {
  fs.mkdirSync(hkfs, { recursive: true });
  for (const { path, kind } of made) {
    const full = join(hkfs, path);
    fs.mkdirSync(dirname(full), { recursive: true });
    if (kind === 'folder') fs.mkdirSync(full, { recursive: true });
    if (kind === 'symlink') fs.symlinkSync('../nowhere', full);
    if (kind === 'file' || kind === 'empty') fs.writeFileSync(full, kind === 'file' ? `of ${path}` : '');
  }
}

/** Everything below that is no folder, with what it holds. */
function contents(top: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of fs.readdirSync(top, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) found[path] = `→ ${fs.readlinkSync(path)}`;
    else if (entry.isFile()) found[path] = fs.readFileSync(path, 'latin1');
  }
  return found;
}

async function remoteIn(directory: string): Promise<string> {
  const root = join(directory, 'other');
  const url = join(directory, 'remote');
  await Archive.init(root);
  const archive = await Archive.open(root, { mode: 'write' });
  try {
    await archive.addRemote({ name: 'usb', url });
    await archive.backup({ remote: 'usb' });
  } finally {
    await archive.close();
  }
  return url;
}

describe('a folder that has a .hkfs that hkfs init did not begin', () => {
  test('loses nothing of it to init or clone, which make an archive beside it or refuse with a code', () =>
    withScratch(async (directory) => {
      const url = await remoteIn(directory);
      let count = 0;
      await fc.assert(
        fc.asyncProperty(content, fc.boolean(), async (made, isClone) => {
          const root = join(directory, `${(count += 1)}`);
          make(join(root, '.hkfs'), made);
          const before = contents(root);
          const making = isClone ? Archive.clone({ url, directory: root }) : Archive.init(root);
          const refusal = await making.then(
            () => null,
            (error: { code: string }) => error.code,
          );
          const after = contents(root);
          expect(after).toMatchObject(before);
          if (refusal === null) return;
          expect(['ALREADY_AN_ARCHIVE', 'DIRECTORY_NOT_EMPTY', 'ORIGIN_DAMAGED']).toContain(refusal);
          expect(after).toEqual(before);
        }),
        runs(60, 2000),
      );
    }));

  test.each([
    ['a file', (path: string) => fs.writeFileSync(path, 'mine')],
    ['an empty file', (path: string) => fs.writeFileSync(path, '')],
    ['a symlink to nothing', (path: string) => fs.symlinkSync('nowhere', path)],
    ['a symlink to a folder', (path: string) => fs.symlinkSync('..', path)],
  ])('named .hkfs that is %s stays, and init refuses', (_what, put) =>
    withScratch(async (directory) => {
      put(join(directory, '.hkfs'));
      const before = contents(directory);
      await expect(Archive.init(directory)).rejects.toMatchObject({ code: 'DIRECTORY_NOT_EMPTY' });
      expect(contents(directory)).toEqual(before);
    }),
  );

  test('that is empty, or has the empty folders of an archive only, becomes an archive', () =>
    withScratch(async (directory) => {
      fs.mkdirSync(join(directory, '.hkfs/objects/00'), { recursive: true });
      fs.mkdirSync(join(directory, '.hkfs/staging'));
      await Archive.init(directory);
      await (await Archive.open(directory)).close();
    }));
});

describe('an archive that lost its archive.json', () => {
  test.each(['archive', 'catalogue'])('keeps all it has: %s', (kind) =>
    withScratch(async (directory) => {
      const url = await remoteIn(directory);
      const root = join(directory, 'lost');
      if (kind === 'archive') await Archive.init(root);
      else await Archive.clone({ url, directory: root, catalogue: true });
      fs.rmSync(join(root, '.hkfs/archive.json'));
      const before = contents(root);
      await expect(Archive.init(root)).rejects.toMatchObject({ code: 'ALREADY_AN_ARCHIVE' });
      await expect(Archive.open(root)).rejects.toMatchObject({
        code: 'NOT_AN_ARCHIVE',
        hint: expect.not.stringContaining('init'),
      });
      expect(contents(root)).toEqual(before);
    }),
  );

  test('and was a clone with a history of its own since is not cloned over', () =>
    withScratch(async (directory) => {
      const url = await remoteIn(directory);
      const root = join(directory, 'lost');
      await Archive.clone({ url, directory: root });
      const archive = await Archive.open(root, { mode: 'write' });
      await archive.tag({ name: 'mine' });
      const head = await archive.head();
      await archive.close();
      const file = join(root, '.hkfs/archive.json');
      const text = fs.readFileSync(file);
      fs.rmSync(file);
      await expect(Archive.clone({ url, directory: root })).rejects.toMatchObject({
        code: 'ALREADY_AN_ARCHIVE',
      });
      fs.writeFileSync(file, text);
      const again = await Archive.open(root);
      expect(await again.head()).toEqual(head);
      await again.close();
    }));
});

test('no archive is made in the .hkfs of another', () =>
  withScratch(async (directory) => {
    const root = join(directory, 'archive');
    await Archive.init(root);
    for (const inside of ['.hkfs/new', '.hkfs/objects/ab'])
      await expect(Archive.init(join(root, inside))).rejects.toMatchObject({ code: 'BAD_TARGET' });
  }));
