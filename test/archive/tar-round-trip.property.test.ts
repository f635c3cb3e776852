/** A tree goes out as a tar and comes back: the same contents, which are stored once, and the same attributes. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Archive } from 'hkfs';
import { runs } from '../projections/property.js';
import { collect, withArchive } from './scratch.js';
import { apply, change } from './source-tree.js';

const changes = fc.array(change, { minLength: 5, maxLength: 60 });

/** Entries below a directory, with the first name of its inode for each. */
async function entriesBelow(archive: Archive, top: string): Promise<unknown[]> {
  const firstNames = new Map<unknown, string>();
  const rows = await collect(archive.ls(top, { recursive: true }));
  return rows.map(({ path, linkGroup, ...row }) => {
    const below = path.slice(top.length + 1);
    const group = linkGroup === undefined ? below : JSON.stringify(linkGroup);
    if (!firstNames.has(group)) firstNames.set(group, below);
    return { ...row, path: below, firstName: firstNames.get(group) };
  });
}

test('ingest of the export of any tree is that tree, and a second time it changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(changes, (all) =>
      withArchive(async ({ archive, source }) => {
        const tree = join(source, 'tree');
        const tar = join(source, 'exported');
        fs.mkdirSync(tree);
        for (const each of all) apply(tree, each);
        await archive.ingest({ sources: [tree], to: 'tree' });
        expect((await archive.export({ paths: ['tree/'], to: tar })).failed).toEqual([]);
        const back = await archive.ingest({ sources: [tar], to: 'back' });
        expect(back).toMatchObject({ failed: [], newObjects: 0 });
        expect(await entriesBelow(archive, 'back')).toEqual(await entriesBelow(archive, 'tree'));
        const before = (await archive.head()).size;
        const again = await archive.ingest({ sources: [tar], to: 'back' });
        expect(again).toMatchObject({ failed: [], newObjects: 0, unchangedFiles: back.files });
        // The operation's own two events, and the tar's.
        expect((await archive.head()).size).toBe(before + 3);
      }),
    ),
    runs(6, 200),
  );
});
