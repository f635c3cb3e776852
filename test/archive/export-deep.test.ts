/** Trees of a shape that nobody makes on purpose. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { removeTree } from '../../src/fs/remove-tree.js';
import { HEAVY } from '../projections/property.js';
import { readBack } from '../tar/read-back.js';
import { withArchive } from './scratch.js';

const LEVELS = HEAVY ? 2000 : 300;

test(
  `a path of ${LEVELS * 30} bytes in ${LEVELS} levels, and a directory of 5,000 names, go out in order`,
  () =>
    withArchive(async ({ archive, source }) => {
      const tree = join(source, 'tree');
      fs.mkdirSync(join(tree, 'wide'), { recursive: true });
      for (let at = 0; at < 5000; at += 1) fs.writeFileSync(join(tree, 'wide', `f${at + 10_000}`), '');
      const before = process.cwd();
      process.chdir(tree);
      for (let depth = 0; depth < LEVELS; depth += 1) {
        fs.mkdirSync('d'.repeat(30));
        process.chdir('d'.repeat(30));
      }
      fs.writeFileSync('bottom', 'x');
      process.chdir(before);
      try {
        await archive.ingest({ sources: [tree], to: 'tree' });
        const pieces: Buffer[] = [];
        const to = (bytes: Uint8Array): Promise<void> => {
          pieces.push(Buffer.from(bytes));
          return Promise.resolve();
        };
        const { files, directories, failed } = await archive.export({ paths: ['tree'], to });
        expect({ files, directories, failed }).toEqual({ files: 5001, directories: LEVELS + 2, failed: [] });
        const paths = readBack(Buffer.concat(pieces)).map(({ path }) => path);
        expect(paths[LEVELS + 1]).toBe(`tree/${`${'d'.repeat(30)}/`.repeat(LEVELS)}bottom`);
        expect(paths.slice(LEVELS + 3)).toEqual(
          Array.from({ length: 5000 }, (_, at) => `tree/wide/f${at + 10_000}`),
        );
      } finally {
        removeTree(tree);
        removeTree(join(archive.root, 'tree'));
      }
    }),
  60_000,
);
