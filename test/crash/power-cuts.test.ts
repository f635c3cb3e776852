/**
 * Power cuts. All commands that change something are done once on a disk that logs its writes and flushes;
 * then disks are made of the log as cuts at many moments leave them, and hkfs is asked what is there.
 *
 * HKFS_SEED=N plans the same cuts again; but a new recording has other moments. HKFS_POWER_DIR=DIR keeps
 * recordings and outcomes there: a run with the same seed goes on where one that was stopped ended, and
 * after `rm DIR/…/results.jsonl` tries the very same cuts again.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { tryCuts } from './power/cuts.js';
import { compileLogDisk, MountedDisk, whyNoCuts, type Filesystem } from './power/log-disk.js';
import { loadRecording, record, saveRecording, type Recording } from './power/recording.js';
import { isHeavy, printSeed, seed } from './random.js';

/** btrfs orders least by itself: it has the most cuts. */
const CUTS: Readonly<Record<Filesystem, number>> = isHeavy
  ? { ext4: 45, xfs: 45, btrfs: 75 }
  : { ext4: 6, xfs: 6, btrfs: 8 };
/** With the mount options as they are, and with commits every second. */
const ROUNDS = isHeavy ? [seed, seed + 1] : [seed];
const MINUTES = 40;

printSeed('power cuts');

describeCuts('btrfs');
describeCuts('ext4');
describeCuts('xfs');

function describeCuts(type: Filesystem): void {
  const reason = whyNoCuts(type);
  if (reason !== null) process.stderr.write(`skipped in test/crash: power cuts on ${type}: ${reason}\n`);
  (reason === null ? test : test.skip).each(ROUNDS)(
    `${CUTS[type]} power cuts on ${type} (seed %d) lose nothing that was acknowledged, and the same command goes on`,
    (round) => withDirectory((directory) => cutOften(type, { directory, round })),
    MINUTES * 60_000,
  );
}

async function cutOften(type: Filesystem, parts: { directory: string; round: number }): Promise<void> {
  const { round } = parts;
  const directory = join(parts.directory, `${type}-${round}`);
  const kept = existsSync(join(directory, 'recording.json')) ? loadRecording(directory) : null;
  const disk = new MountedDisk(join(parts.directory, `mounted-${type}`), type, kept?.device);
  try {
    const recording = kept ?? (await recordAnew(disk, { type, directory, round }));
    const outcomes = await tryCuts(disk, recording, { count: CUTS[type], seed: round });
    const wrong = outcomes.filter((outcome) => outcome.wrong !== null);
    expect(wrong.map(({ text, wrong: why }) => `${type}, seed ${round}, ${text}: ${why}`)).toEqual([]);
    expect(outcomes).toHaveLength(CUTS[type]);
  } finally {
    await disk.remove();
  }
}

async function recordAnew(
  disk: MountedDisk,
  { type, directory, round }: { type: Filesystem; directory: string; round: number },
): Promise<Recording> {
  rmSync(directory, { recursive: true, force: true });
  const program = compileLogDisk(join(directory, '..'));
  const recording = await record(disk, { type, directory, program, seed: round });
  saveRecording(recording);
  return recording;
}

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const kept = process.env.HKFS_POWER_DIR || undefined;
  const directory = kept === undefined ? mkdtempSync(join(tmpdir(), 'hkfs-power-')) : resolve(kept);
  try {
    await use(directory);
  } finally {
    if (kept === undefined) rmSync(directory, { recursive: true, force: true });
  }
}
