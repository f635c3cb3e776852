import { join } from 'node:path';
import { answers } from '../bench.mjs';
import { ratioClaim } from '../claims.mjs';
import { hkfs } from '../programs.mjs';
import { ingested, mustRun } from '../steps.mjs';

export const row = {
  name: 'sync',
  title: 'Sync a tree in which nothing changed since the last sync; find lists inodes, sizes and times of it',
  millionToo: true,
  async run(bench) {
    const archive = await ingested(bench, bench.corpus('small'));
    const tree = join(archive, 'corpus');
    const sync = hkfs('sync', '-a', archive, '--json', '--progress', 'none');
    bench.say('first sync');
    mustRun(bench, sync);
    const results = await bench.compare([
      { name: 'hkfs sync', command: sync, reads: [tree], check: answers({ operation: null, failed: [] }) },
      {
        name: 'find -printf',
        command: ['sh', '-c', `find "$1" -printf '%i %s %T@\\n' >/dev/null`, 'sh', tree],
        reads: [tree],
      },
    ]);
    return {
      results,
      claims: [ratioClaim(results, { ours: 'hkfs sync', against: ['find -printf'], limit: 1.5 })],
    };
  },
};
