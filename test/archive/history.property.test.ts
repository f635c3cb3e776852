import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { HEAVY, HEAVY_MINUTES, runs } from '../projections/property.js';
import { anyStep, HistoryRun, type AnyStep } from './history-run.js';
import { withScratch } from './scratch.js';

const MINUTE = 60_000;

describe('an archive under random ingests, moves, removals, changes by hand, tags, undos and restores', () => {
  test(
    'has after each step the names of a plain map, now, at every past moment and tag, on disk and after a replay',
    async () => {
      const steps = fc.array(anyStep, { minLength: 4, maxLength: HEAVY ? 25 : 12, size: 'max' });
      // A loaded machine makes fewer runs, and takes no more time.
      const end = Date.now() + (HEAVY ? HEAVY_MINUTES : 0.25) * MINUTE;
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

async function play(directory: string, steps: readonly AnyStep[]): Promise<void> {
  const run = await HistoryRun.start(directory);
  try {
    // There is something to rename from the start.
    await run.step({ do: 'change', changes: FIRST });
    await run.step({
      do: 'ingest',
      part: 0,
      to: '',
      mirror: false,
      checksum: false,
      exclude: 'nothing',
      dry: false,
    });
    for (const step of steps) await run.step(step);
    await run.verify();
  } finally {
    await run.close();
  }
}

const FIRST = (
  [
    ['mkdir', 'a', 0],
    ['mkdir', 'b', 1],
    ['write', 'c.tmp', 2],
    ['write', 'b', 1],
    ['symlink', '-rf', 0],
  ] as const
).map(([deed, name, where]) => ({
  ...{ deed, name, picks: [where, where] as const, content: 'one' as const, mtimeNs: 5n },
}));
