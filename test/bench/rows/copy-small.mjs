import { availableParallelism } from 'node:os';
import { hashAll, ingest, wholeCorpus } from '../steps.mjs';
import { ratioClaim } from '../claims.mjs';

const COPY = 'cp -a "$1" "$2"';

export const row = {
  name: 'copy-small',
  title: 'Take in many small files by copying; cp copies and b3sum hashes them',
  async run(bench) {
    const corpus = bench.corpus('small');
    const archive = bench.path('archive');
    const target = bench.path('copy');
    const shell = (name, needs, text) => ({
      name,
      needs,
      command: ['sh', '-c', `set -e; ${text}`, 'sh', corpus.folder, target],
      reads: [corpus.folder],
      clear: () => bench.discard(target),
    });
    const results = await bench.compare([
      {
        name: 'hkfs ingest',
        command: ingest(archive, corpus.folder),
        reads: [corpus.folder],
        prepare: () => bench.ask('init', archive),
        check: wholeCorpus(corpus),
        clear: () => bench.discard(archive),
      },
      shell('cp -a; b3sum', ['cp', 'b3sum'], `${COPY}; ${hashAll()}`),
      shell('cp -a; b3sum per core', ['cp', 'b3sum'], `${COPY}; ${hashAll(availableParallelism())}`),
      shell('cp -a; b3sum; sync', ['cp', 'b3sum'], `${COPY}; ${hashAll()}; sync -f "$2"`),
      shell('rsync -a', ['rsync'], 'rsync -a "$1/" "$2"'),
    ]);
    const ours = 'hkfs ingest';
    return {
      results,
      claims: [
        ratioClaim(results, { ours, against: ['cp -a; b3sum', 'cp -a; b3sum per core'], limit: 1 }),
        ratioClaim(results, { ours, against: ['cp -a; b3sum; sync'] }),
        ratioClaim(results, { ours, against: ['rsync -a'] }),
      ],
    };
  },
};
