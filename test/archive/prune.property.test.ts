import { test } from '@jest/globals';
import fc from 'fast-check';
import { HEAVY, HEAVY_MINUTES, runs } from '../projections/property.js';
import { anyPruneStep, PruneRun, type AnyPruneStep } from './prune-run.js';
import { withScratch } from './scratch.js';

const MINUTE = 60_000;

test(
  'no sequence of prunes, undos, syncs, ingests and gcs takes the last name of a content by a prune, or an object that a name, a tag or an undo needs by a gc',
  async () => {
    const steps = fc.array(anyPruneStep, { minLength: 6, maxLength: HEAVY ? 30 : 14, size: 'max' });
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

/** The same folder twice, and a part of it once more: there is something to prune from the start. */
async function play(directory: string, steps: readonly AnyPruneStep[]): Promise<void> {
  const run = await PruneRun.start(directory);
  try {
    await run.step({ do: 'change', changes: GIVEN });
    for (const to of ['x', 'y/copy']) await run.step({ ...INGEST, to });
    for (const step of steps) await run.step(step);
    await run.verify();
  } finally {
    await run.close();
  }
}

const INGEST = {
  do: 'ingest' as const,
  exclude: 'nothing' as const,
  ...{ part: 0, mirror: false, checksum: false, dry: false },
};

const GIVEN = (
  [
    ['mkdir', 'a', 0, 'none'],
    ['write', 'one.txt', 0, 'one'],
    ['write', 'b', 1, 'two'],
    ['write', 'c.tmp', 1, 'nul'],
    ['symlink', '-rf', 0, 'none'],
  ] as const
).map(([deed, name, where, content]) => ({
  ...{ deed, name, picks: [where, where] as const, content, mtimeNs: 5n },
}));
