import { answers } from '../bench.mjs';
import { hkfs } from '../programs.mjs';
import { ingested } from '../steps.mjs';
import { ratioClaim } from '../claims.mjs';

/** @type {import('../rows.mjs').Row} */
export const row = {
  name: 'export-small',
  title: 'Many small files as a tar; tar -c makes one of the same tree',
  run: (bench) => compareExport(bench, bench.corpus('small')),
};

async function compareExport(bench, corpus) {
  const archive = await ingested(bench, corpus);
  const target = bench.path('exported.tar');
  const clear = () => bench.remove(target);
  const quiet = ['-a', archive, '--progress', 'none'];
  const ours = 'hkfs export';
  const results = await bench.compare([
    {
      name: ours,
      command: [
        'sh',
        '-c',
        'out=$1; shift; exec "$@" >"$out"',
        'sh',
        target,
        ...hkfs('export', 'corpus/', ...quiet),
      ],
      reads: [archive],
      clear,
    },
    {
      name: 'hkfs export -o',
      command: hkfs('export', 'corpus/', '-o', target, '--json', ...quiet),
      reads: [archive],
      check: answers({ files: corpus.shape.files, failed: [] }),
      clear,
    },
    {
      name: 'tar -c',
      needs: ['tar'],
      command: ['tar', '-cf', target, '-C', corpus.folder, '.'],
      reads: [corpus.folder],
      clear,
    },
    {
      name: 'tar -c; sync',
      needs: ['tar'],
      command: ['sh', '-c', 'set -e; tar -cf "$2" -C "$1" .; sync "$2"', 'sh', corpus.folder, target],
      reads: [corpus.folder],
      clear,
    },
  ]);
  bench.remove(archive);
  return {
    results,
    claims: [
      ratioClaim(results, { ours, against: ['tar -c'], limit: 1.3 }),
      ratioClaim(results, { ours: 'hkfs export -o', against: ['tar -c; sync'] }),
    ],
  };
}
