import { answers } from '../bench.mjs';
import { hkfs } from '../programs.mjs';
import { ingested } from '../steps.mjs';
import { ratioClaim } from '../claims.mjs';

/** @type {import('../rows.mjs').Row[]} */
export const rows = [
  ['restore-small', 'small', 'Restore many small files'],
  ['restore-large', 'large', 'Restore a few large files'],
].map(([name, which, title]) => ({
  name,
  title: `${title} with all attributes; cp -a copies them`,
  run: (bench) => compareRestore(bench, bench.corpus(which)),
}));

async function compareRestore(bench, corpus) {
  const archive = await ingested(bench, corpus);
  const target = bench.path('restored');
  const restore = (name, ...flags) => ({
    name,
    command: hkfs(
      'restore',
      'corpus/',
      '--to',
      target,
      '-a',
      archive,
      '--json',
      '--progress',
      'none',
      ...flags,
    ),
    reads: [archive],
    check: answers({ files: corpus.shape.files, failed: [] }),
    clear: () => bench.discard(target),
  });
  const copy = (name, text) => ({
    name,
    needs: ['cp'],
    command: ['sh', '-c', `set -e; ${text}`, 'sh', corpus.folder, target],
    reads: [corpus.folder],
    clear: () => bench.discard(target),
  });
  const ours = 'hkfs restore';
  const results = await bench.compare([
    restore(ours),
    restore('hkfs restore --link', '--link'),
    copy('cp -a', 'cp -a "$1" "$2"'),
    copy('cp -a; sync', 'cp -a "$1" "$2"; sync -f "$2"'),
  ]);
  bench.remove(archive);
  return {
    results,
    claims: [
      ratioClaim(results, { ours, against: ['cp -a'], limit: 1 }),
      ratioClaim(results, { ours, against: ['cp -a; sync'] }),
      ratioClaim(results, { ours: 'hkfs restore --link', against: ['cp -a'] }),
    ],
  };
}
