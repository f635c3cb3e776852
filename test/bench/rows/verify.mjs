import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { answers } from '../bench.mjs';
import { ratioClaim } from '../claims.mjs';
import { hkfs } from '../programs.mjs';
import { b3sumSides, ingested } from '../steps.mjs';

export const rows = [verifyRow('small', 'many small'), verifyRow('large', 'a few large')];

function verifyRow(name, words) {
  return {
    name: `verify-${name}`,
    title: `Verify an archive of ${words} files; b3sum hashes the same objects`,
    run: (bench) => run(bench, bench.corpus(name)),
  };
}

async function run(bench, corpus) {
  const archive = await ingested(bench, corpus);
  const objects = join(archive, '.hkfs/objects');
  const hashing = b3sumSides(objects, availableParallelism());
  const results = await bench.compare([
    {
      name: 'hkfs verify',
      command: hkfs('verify', '-a', archive, '--json', '--progress', 'none'),
      reads: [objects],
      check: answers({ objects: corpus.shape.contents, damaged: [], remaining: 0 }),
    },
    ...hashing,
  ]);
  const against = hashing.map(({ name }) => name);
  return { results, claims: [ratioClaim(results, { ours: 'hkfs verify', against, limit: 1.3 })] };
}
