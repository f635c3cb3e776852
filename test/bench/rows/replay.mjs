import { claim } from '../claims.mjs';
import { hkfs } from '../programs.mjs';
import { median } from '../statistics.mjs';
import { ingested } from '../steps.mjs';

const TARGET = { sense: 'at least', limit: 150_000 };

export const row = {
  name: 'replay',
  title: 'Rebuild the views from the log',
  millionToo: true,
  async run(bench) {
    const corpus = bench.corpus(bench.million ? 'million' : 'small');
    const archive = await ingested(bench, corpus);
    const results = await bench.compare([
      {
        name: 'hkfs replay',
        command: hkfs('replay', '-a', archive, '--json', '--progress', 'none'),
        check: (run) => Object.assign(run, events(run)),
      },
    ]);
    const runs = results.get('hkfs replay');
    const rate = (part) => median(runs.map((run) => run.events / run[part]));
    return {
      results,
      claims: [
        claim({ text: 'by its own clock', unit: 'events/s', value: rate('ownSeconds'), target: TARGET }),
        claim({ text: 'the whole process', unit: 'events/s', value: rate('seconds') }),
      ],
    };
  },
};

function events({ stdout }) {
  const { events, seconds } = JSON.parse(stdout);
  return { events, ownSeconds: seconds };
}
