/**
 * Inode numbers that come again. An archive is copied, restored, cloned and moved between disks, edited by
 * hand and through links, killed and raced with; and after each command of hkfs every byte on the disk is
 * read: no file has other bytes than before, and no content is nowhere.
 */
import { describe, expect } from '@jest/globals';
import { testWhere } from '../e2e/hkfs.js';
import { isHeavy, printSeed, seed } from './random.js';
import { totals } from './inode-reuse/act.js';
import { KINDS_HERE, whyNot } from './inode-reuse/disk.js';
import { runOnce } from './inode-reuse/run.js';

const RUNS = Number(process.env['HKFS_RUNS'] ?? (isHeavy ? 60 : 4));
const STEPS = 24;
/** The light form repeats the same runs, so that a build says something of the change; the heavy one draws new ones. */
const FIRST = isHeavy || process.env['HKFS_SEED'] !== undefined ? seed : 5003;

const testOnDisks = testWhere(KINDS_HERE.length > 0, whyNot('ext4') ?? '');

printSeed('inode numbers that come again');

describe('random runs', () => {
  for (let run = 0; run < RUNS; run += 1)
    testOnDisks(
      `run ${run + 1} of ${RUNS}: no file has other bytes than before, and no content is nowhere`,
      async () => {
        try {
          await runOnce(FIRST + run, STEPS);
        } catch (error) {
          // At once: the reporter would wait for all the others.
          process.stderr.write(`run ${run + 1} of ${RUNS}: ${(error as Error).message}\n`);
          throw error;
        }
      },
      300_000,
    );

  testOnDisks('the runs did what they are for', () => {
    const { commands, succeeded, killed, raced, moved } = totals;
    process.stderr.write(`inode numbers that come again: ${JSON.stringify(totals)}\n`);
    expect(totals.runs).toBe(RUNS);
    expect(commands).toBeGreaterThan(10 * RUNS);
    expect(succeeded).toBeGreaterThan(6 * RUNS);
    expect(moved).toBeGreaterThanOrEqual(RUNS);
    // By chance there may be none in a few runs.
    if (isHeavy) expect(Math.min(killed, raced)).toBeGreaterThan(RUNS / 3);
  });
});
