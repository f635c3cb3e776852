/** A tar holds what the source held, for any tree; the order is one, and the same tree gives the same bytes. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Archive } from 'hkfs';
import { compareNames, nameFromBytes } from '../../src/fs/names.js';
import { readBack, type ReadBack } from '../tar/read-back.js';
import { runs } from '../projections/property.js';
import { withArchive } from './scratch.js';
import { apply, change, readTree, type Found } from './source-tree.js';

const changes = fc.array(change, { minLength: 5, maxLength: 60 });

async function tarOf(archive: Archive, path: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const to = (bytes: Uint8Array): Promise<void> => {
    pieces.push(Buffer.from(bytes)); // it is written over afterwards
    return Promise.resolve();
  };
  expect((await archive.export({ paths: [path], to })).failed).toEqual([]);
  return Buffer.concat(pieces);
}

const pathOf = ({ path }: ReadBack): string => nameFromBytes(Buffer.from(path.replace(/\/$/, ''), 'latin1'));

/** As it was in the source; a further name has what its first name has. */
function foundOf(member: ReadBack, byPath: ReadonlyMap<string, ReadBack>): Omit<Found, 'linkGroup'> {
  const first = member.type === '1' ? byPath.get(member.target)! : member;
  return {
    kind: { '0': 'file', '2': 'symlink', '5': 'directory' }[first.type] as Found['kind'],
    mode: member.mode,
    mtimeNs: member.mtimeNs,
    target: first.type === '2' ? nameFromBytes(Buffer.from(first.target, 'latin1')) : null,
    content: first.type === '0' ? first.content : null,
  };
}

test('every entry is in the tar as it was, directories before what they hold, names in the order of bytes', async () => {
  await fc.assert(
    fc.asyncProperty(changes, (all) =>
      withArchive(async ({ archive, source }) => {
        const tree = join(source, 'tree');
        fs.mkdirSync(tree);
        for (const each of all) apply(tree, each);
        await archive.ingest({ sources: [tree], to: 'tree' });
        const tar = await tarOf(archive, 'tree/');
        const [top, ...members] = readBack(tar);
        expect(top!.path).toBe('./');
        const byPath = new Map(members.map((member) => [member.path, member]));
        const expected = readTree(tree);
        const found = new Map(members.map((member) => [pathOf(member), foundOf(member, byPath)]));
        expect(found).toEqual(
          new Map([...expected].map(([path, { linkGroup: _, ...entry }]) => [path, entry])),
        );
        const steps = members.map((member) => pathOf(member).split('/'));
        expect(steps.toSorted(compareSteps)).toEqual(steps);
        expect((await tarOf(archive, 'tree/')).equals(tar)).toBe(true);
      }),
    ),
    runs(20, 200),
  );
});

function compareSteps(a: readonly string[], b: readonly string[]): number {
  for (const [at, name] of a.entries()) {
    if (at === b.length) return 1;
    const order = compareNames(name, b[at]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
