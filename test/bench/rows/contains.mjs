import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ratioClaim } from '../claims.mjs';
import { hkfs, ProgramFailed } from '../programs.mjs';
import { b3sumSides, freshSource, ingested } from '../steps.mjs';

const FIRST = 'hkfs contains, first';
const AGAIN = 'hkfs contains, again';

export const row = {
  name: 'contains',
  title: 'Ask whether an outside copy of many small files is all in an archive; b3sum hashes the copy',
  async run(bench) {
    const corpus = bench.corpus('small');
    const archive = await ingested(bench, corpus);
    const source = freshSource(bench, corpus);
    const side = {
      command: hkfs('contains', source, '-a', archive, '--json', '--progress', 'none'),
      reads: [source],
      check: isAllThere(corpus.shape.files),
    };
    const memory = join(archive, '.hkfs/outside');
    const hashing = b3sumSides(source, availableParallelism());
    const results = await bench.compare([
      { ...side, name: FIRST, prepare: () => rmSync(memory, { recursive: true, force: true }) },
      { ...side, name: AGAIN },
      ...hashing,
    ]);
    const against = hashing.map(({ name }) => name);
    return {
      results,
      claims: [
        ratioClaim(results, { ours: FIRST, against, limit: 1.2 }),
        ratioClaim(results, { ours: AGAIN, against: [FIRST], limit: 0.4 }),
      ],
    };
  },
};

/** The only row is that of the totals. */
function isAllThere(files) {
  const expected = JSON.stringify({ total: files, archived: files, missing: 0 });
  return ({ stdout }) => {
    if (stdout.trim() !== expected) throw new ProgramFailed(`hkfs contains: ${stdout.slice(0, 200)}`);
  };
}
