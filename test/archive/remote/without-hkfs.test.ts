/** docs/remote-format.md is enough to restore an archive: a program that knows nothing else does. */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Archive } from 'hkfs';
import { readTree } from '../source-tree.js';
import { withArchive } from '../scratch.js';

const hasPython = spawnSync('python3', ['--version']).status === 0;
const testWithPython = hasPython ? test : test.skip;
const program = join(import.meta.dirname, 'without-hkfs.py');

testWithPython(
  'a stranger with a page of Python restores what a clone has (skipped where there is no python3)',
  () =>
    withArchive(async ({ archive, root, source }) => {
      fs.mkdirSync(join(source, 'd/e'), { recursive: true });
      for (const name of ['a', 'd/b', 'd/e/c']) fs.writeFileSync(join(source, name), `bytes of ${name}`);
      fs.writeFileSync(Buffer.concat([Buffer.from(`${source}/d/`), Buffer.of(0xff, 0x0a)]), 'a');
      fs.writeFileSync(join(source, 'empty'), '');
      fs.symlinkSync('../a', join(source, 'd/link'));
      await archive.ingest({ sources: [source], to: '' });
      const url = `${root}-remote`;
      await archive.addRemote({ name: 'disk', url });
      await archive.backup({ remote: 'disk' });
      await archive.move({ from: 'd', to: 'moved' });
      await archive.remove({ paths: ['moved/e'] });
      await archive.remove({ paths: ['a'] });
      await archive.undo();
      fs.appendFileSync(join(source, 'd/b'), ' and more');
      await archive.ingest({ sources: [join(source, 'd')], to: 'd' });
      await archive.backup({ remote: 'disk' });
      const clone = `${root}-clone`;
      const { id, size } = await Archive.clone({ url, directory: clone });
      const target = `${root}-restored`;
      const said = execFileSync('python3', [program, url, id, target], { encoding: 'utf8' });
      expect(said).toBe(`${size} events\n`);
      expect(shown(target)).toEqual(shown(clone));
      expect(shown(target).length).toBeGreaterThan(8);
    }),
);

function shown(root: string): unknown[] {
  return [...readTree(root)]
    .map(([path, { kind, content, target }]) => [path, kind, target, content?.toString()])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}
