import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { HEAVY, HEAVY_MINUTES, runs } from '../projections/property.js';
import { Run, step, type Step } from './run.js';
import { withScratch } from './scratch.js';

const MINUTE = 60_000;

describe('an archive under random changes of its source, ingests, replays and reopenings', () => {
  test(
    'has after each step the names, contents and attributes of a plain map, now, in every past moment and on disk',
    async () => {
      const steps = fc.array(step, { minLength: 2, maxLength: HEAVY ? 20 : 9, size: 'max' });
      // A loaded machine makes fewer runs, and takes no more time.
      const end = Date.now() + (HEAVY ? HEAVY_MINUTES : 0.5) * MINUTE;
      await fc.assert(
        fc.asyncProperty(steps, async (steps) => {
          if (Date.now() < end) await withScratch((directory) => play(directory, steps));
        }),
        runs(15, 300),
      );
    },
    HEAVY ? (HEAVY_MINUTES + 8) * MINUTE : 2 * MINUTE,
  );
});

async function play(directory: string, steps: readonly Step[]): Promise<void> {
  const run = await Run.start(directory);
  try {
    for (const step of steps) await run.step(step);
    await run.verify();
  } finally {
    await run.close();
  }
}
