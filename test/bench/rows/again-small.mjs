import { answers } from '../bench.mjs';
import { ratioClaim } from '../claims.mjs';
import { backupSides, ingest, ingested, mustRun } from '../steps.mjs';

export const row = {
  name: 'again-small',
  title: 'Take in the same small files again with nothing changed; restic, borg and rsync do likewise',
  async run(bench) {
    const corpus = bench.corpus('small');
    const archive = await ingested(bench, corpus);
    const { restic, borg } = backupSides(bench, corpus.folder);
    const rsync = ['rsync', '-a', `${corpus.folder}/`, bench.path('copy')];
    if (bench.missing('rsync').length === 0) mustRun(bench, rsync);
    const results = await bench.compare([
      {
        name: 'hkfs ingest',
        command: ingest(archive, corpus.folder),
        reads: [corpus.folder],
        check: answers({ files: corpus.shape.files, unchangedFiles: corpus.shape.files, newObjects: 0 }),
      },
      ...[restic, borg].map((side) => backUpOnce(bench, side, corpus)),
      { name: 'rsync -a', needs: ['rsync'], command: rsync, reads: [corpus.folder] },
    ]);
    const ours = 'hkfs ingest';
    return {
      results,
      claims: [
        ratioClaim(results, { ours, against: [restic.name], limit: 0.35 }),
        ratioClaim(results, { ours, against: [borg.name] }),
        ratioClaim(results, { ours, against: ['rsync -a'] }),
      ],
    };
  },
};

/** The same side with its first backup done; it stays as it is where the program is not here. */
function backUpOnce(bench, { name, needs, command, start }, corpus) {
  if (bench.missing(...needs).length === 0) {
    bench.say(`${name}, first`);
    start();
    mustRun(bench, command);
  }
  return { name, needs, command, reads: [corpus.folder] };
}
