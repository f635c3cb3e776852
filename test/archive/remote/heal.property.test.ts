/** Objects here and at two remotes are lost and altered at random: what has one good copy comes back everywhere. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Archive } from 'hkfs';
import { HEAVY, runs } from '../../projections/property.js';
import { withScratch } from '../scratch.js';

const SECOND = 1000;
const NAMES = ['a', 'b', 'c', 'd/e', 'd/f'];
const REMOTES = ['one', 'two'];
const PLACES = ['here', ...REMOTES];

const loss = fc.record({
  place: fc.constantFrom(...PLACES),
  name: fc.constantFrom(...NAMES),
  how: fc.constantFrom('gone', 'flipped', 'emptied'),
  /** Also the name in the tree, of what is gone here. */
  alsoName: fc.boolean(),
});
type Loss = typeof loss extends fc.Arbitrary<infer T> ? T : never;

describe('objects that are lost here and there', () => {
  test(
    'come back from where they are good, and what is good nowhere is told and left as it is',
    async () => {
      const end = Date.now() + (HEAVY ? 600 : 5) * SECOND;
      await fc.assert(
        fc.asyncProperty(fc.array(loss, { minLength: 1, maxLength: 8 }), async (losses) => {
          if (Date.now() < end) await withScratch((directory) => play(directory, losses));
        }),
        runs(8, 200),
      );
    },
    HEAVY ? 700 * SECOND : 60 * SECOND,
  );
});

async function play(directory: string, losses: readonly Loss[]): Promise<void> {
  const root = join(directory, 'archive');
  await Archive.init(root);
  const archive = await Archive.open(root, { mode: 'write' });
  try {
    await fill(archive, directory);
    const hashes = new Map<string, string>();
    for (const name of NAMES) hashes.set(name, (await archive.stat(`source/${name}`)).hash!);
    const good = new Map(NAMES.map((name) => [name, new Set(PLACES)]));
    for (const { place, name, how, alsoName } of losses) {
      const file = fileOf(directory, place, hashes.get(name)!);
      // What is gone cannot be altered any more.
      if (how !== 'gone' && !fs.existsSync(file)) continue;
      lose(file, how);
      if (place === 'here' && how === 'gone' && alsoName)
        for (const path of namesOf(name)) fs.rmSync(join(root, path), { force: true });
      // The tree's own file of a name is as good as the object's.
      if (place !== 'here' || how !== 'gone' || alsoName) good.get(name)!.delete(place);
    }
    await expectFound(archive, good, hashes);
    await expectHealed(archive, { directory, good, hashes });
  } finally {
    await archive.close();
  }
}

async function fill(archive: Archive, directory: string): Promise<void> {
  const source = join(directory, 'source');
  fs.mkdirSync(join(source, 'd'), { recursive: true });
  for (const name of NAMES) {
    fs.writeFileSync(join(source, name), `bytes of ${name}`);
    fs.writeFileSync(join(source, `${name}-again`), `bytes of ${name}`);
  }
  await archive.ingest({ sources: [source] });
  for (const name of REMOTES) {
    await archive.addRemote({ name, url: join(directory, name) });
    await archive.backup({ remote: name });
  }
}

/** What has been read at each remote is what is known of it. */
async function expectFound(
  archive: Archive,
  good: ReadonlyMap<string, ReadonlySet<string>>,
  hashes: ReadonlyMap<string, string>,
): Promise<void> {
  for (const remote of REMOTES) {
    const { damaged, missing } = await archive.verifyRemote({ remote });
    const lost = NAMES.filter((name) => !good.get(name)!.has(remote)).map((name) => hashes.get(name)!);
    expect([...damaged, ...missing].map(({ hash }) => hash).sort()).toEqual(lost.sort());
  }
  for (const name of NAMES) {
    const { copies } = await archive.stat(`source/${name}`);
    expect(copies.filter(({ state }) => state === 'verified').map(({ remote }) => remote)).toEqual(
      REMOTES.filter((remote) => good.get(name)!.has(remote)),
    );
  }
}

async function expectHealed(
  archive: Archive,
  {
    directory,
    good,
    hashes,
  }: {
    directory: string;
    good: ReadonlyMap<string, ReadonlySet<string>>;
    hashes: ReadonlyMap<string, string>;
  },
): Promise<void> {
  const saved = NAMES.filter((name) => good.get(name)!.size > 0);
  const isSaved = (hash: string): boolean => saved.some((name) => hashes.get(name) === hash);
  const { damaged, missing } = await archive.verify({ heal: true });
  for (const { hash, healedFrom } of [...damaged, ...missing])
    expect([hash, healedFrom !== undefined]).toEqual([hash, isSaved(hash)]);
  for (const remote of REMOTES) await archive.verifyRemote({ remote, heal: true });
  for (const name of saved) {
    for (const path of namesOf(name))
      expect(fs.readFileSync(join(directory, 'archive', path), 'utf8')).toBe(`bytes of ${name}`);
    for (const place of PLACES)
      expect(fs.readFileSync(fileOf(directory, place, hashes.get(name)!), 'utf8')).toBe(`bytes of ${name}`);
  }
  const after = await archive.verify();
  expect([...after.damaged, ...after.missing].every(({ hash }) => !isSaved(hash))).toBe(true);
  expect(after.views).toEqual([]);
  expect(await archive.replay({ check: true })).toMatchObject({ equal: true });
  if (saved.length === NAMES.length) expect(after.unlinked).toEqual([]);
}

function namesOf(name: string): string[] {
  return [`source/${name}`, `source/${name}-again`];
}

function fileOf(directory: string, place: string, hash: string): string {
  const base = place === 'here' ? 'archive/.hkfs/objects' : `${place}/objects`;
  return join(directory, base, hash.slice(0, 2), hash.slice(2));
}

function lose(file: string, how: Loss['how']): void {
  if (!fs.existsSync(file)) return;
  if (how === 'gone') return fs.rmSync(file);
  fs.chmodSync(file, 0o644);
  const fd = fs.openSync(file, 'r+');
  if (how === 'emptied') fs.ftruncateSync(fd);
  else fs.writeSync(fd, 'X', 0);
  fs.closeSync(fd);
}
