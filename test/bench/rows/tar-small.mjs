import { ratioClaim } from '../claims.mjs';
import { hashAll, ingest, mustRun, wholeCorpus } from '../steps.mjs';

/** @type {import('../rows.mjs').Row} */
export const row = {
  name: 'tar-small',
  title: 'Take in a tar of many small files; tar extracts it and b3sum hashes the files',
  async run(bench) {
    const corpus = bench.corpus('small');
    const archive = bench.path('archive');
    const tars = bench.path('tars');
    const tar = `${tars}/corpus.tar`;
    const target = bench.path('extracted');
    mustRun(bench, ['mkdir', tars]);
    mustRun(bench, ['tar', '--format=posix', '-cf', tar, '-C', corpus.folder, '.']);
    const taken = (name, source, folder) => ({
      name,
      command: ingest(archive, source),
      reads: [folder],
      prepare: () => bench.ask('init', archive),
      check: wholeCorpus(corpus),
      clear: () => bench.remove(archive),
    });
    const [ours, ofTree, extract] = ['hkfs ingest of the tar', 'hkfs ingest of the tree', 'tar -x; b3sum'];
    const results = await bench.compare([
      taken(ours, tar, tars),
      taken(ofTree, corpus.folder, corpus.folder),
      {
        name: extract,
        needs: ['tar', 'b3sum'],
        command: ['sh', '-c', `set -e; mkdir "$1"; tar -xf "$2" -C "$1"; ${hashAll()}`, 'sh', target, tar],
        reads: [tars],
        clear: () => bench.remove(target),
      },
    ]);
    bench.remove(tars);
    return {
      results,
      claims: [
        ratioClaim(results, { ours, against: [extract], limit: 1.2 }),
        ratioClaim(results, { ours, against: [ofTree], limit: 1.1 }),
      ],
    };
  },
};
