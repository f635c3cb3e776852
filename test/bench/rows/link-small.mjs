import { backupSides, freshSource, ingest, wholeCorpus } from '../steps.mjs';
import { ratioClaim } from '../claims.mjs';

export const row = {
  name: 'link-small',
  title: 'Take in many small files by linking; restic and borg back them up',
  async run(bench) {
    const corpus = bench.corpus('small');
    const source = bench.path('source');
    const archive = bench.path('archive');
    const { restic, borg } = backupSides(bench, source);
    const results = await bench.compare([
      {
        name: 'hkfs ingest --mode link',
        command: ingest(archive, source, '--mode', 'link'),
        reads: [source],
        prepare: async () => {
          freshSource(bench, corpus);
          await bench.ask('init', archive);
        },
        check: wholeCorpus(corpus),
        clear: () => bench.discard(archive, source),
      },
      ...[restic, borg].map((side) => ({
        ...side,
        reads: [source],
        prepare: () => {
          freshSource(bench, corpus);
          side.start();
        },
      })),
    ]);
    const ours = 'hkfs ingest --mode link';
    return {
      results,
      claims: [
        ratioClaim(results, { ours, against: [restic.name], limit: 0.8 }),
        ratioClaim(results, { ours, against: [borg.name] }),
      ],
    };
  },
};
