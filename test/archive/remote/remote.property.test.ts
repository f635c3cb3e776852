import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { HEAVY, HEAVY_MINUTES, runs } from '../../projections/property.js';
import { withScratch } from '../scratch.js';
import { RemoteRun, remoteRunStep, type Step } from './remote-run.js';

const SECOND = 1000;

describe('an archive under random changes, backups, kills, clones and compactions', () => {
  test(
    'has clones that are what it was at its last backup: head, names, bytes, verify and replay',
    async () => {
      const steps = fc.array(remoteRunStep, { minLength: 3, maxLength: HEAVY ? 20 : 8, size: 'max' });
      // A loaded machine makes fewer runs, and takes no more time.
      const end = Date.now() + (HEAVY ? HEAVY_MINUTES * 60 : 7) * SECOND;
      await fc.assert(
        fc.asyncProperty(steps, async (steps) => {
          if (Date.now() < end) await withScratch((directory) => play(directory, steps));
        }),
        runs(6, 200),
      );
    },
    HEAVY ? (HEAVY_MINUTES + 8) * 60 * SECOND : 120 * SECOND,
  );
});

async function play(directory: string, steps: readonly Step[]): Promise<void> {
  const run = await RemoteRun.start(directory);
  try {
    for (const step of steps) await run.remoteStep(step);
    await run.finish();
  } finally {
    await run.close();
  }
}
