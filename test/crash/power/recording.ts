/** A disk whose writes were logged while all the steps were done, with the times of what was acknowledged. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Archive, type OperationRow } from 'hkfs';
import { describe, hkfs, rows, type Ended } from '../hkfs.js';
import { randomFrom } from '../random.js';
import { LogDisk, makeFilesystem, run, type Filesystem, type MountedDisk } from './log-disk.js';
import { makeSources, STEPS, type Step } from './steps.js';

export interface Entry {
  readonly path: string;
  readonly kind: string;
  readonly hash: string | null;
  readonly mode: number;
}

export interface Acknowledged {
  readonly step: number;
  /** CLOCK_MONOTONIC: when a person began, and the command after it. */
  readonly byHandNs: bigint;
  readonly startNs: bigint;
  /** From then on the step counts as done. */
  readonly endNs: bigint;
  /** The log of `a` has so many events by then. */
  readonly size: number;
  readonly names: readonly Entry[];
}

export interface Recording {
  readonly type: Filesystem;
  /** What inodes were known by. */
  readonly device: string;
  readonly directory: string;
  readonly base: string;
  readonly log: string;
  readonly steps: readonly Acknowledged[];
}

/** Often enough that some of what is not synced gets to the disk by itself. */
const OPTIONS: Readonly<Record<Filesystem, string>> = {
  ext4: 'commit=1',
  xfs: 'defaults',
  btrfs: 'commit=1',
};

/** @param program the compiled logdisk.c */
export async function record(
  disk: MountedDisk,
  parts: { type: Filesystem; directory: string; program: string; seed: number },
): Promise<Recording> {
  const { type, directory, program, seed } = parts;
  mkdirSync(directory, { recursive: true });
  const [image, base, log] = ['image', 'base', 'log'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  makeFilesystem(image, type);
  run('cp', '--sparse=always', image, base);
  const logged = await LogDisk.start(program, { image, log, at: join(directory, 'fuse') });
  try {
    disk.mount(logged.file, seed % 2 === 0 ? 'defaults' : OPTIONS[type]);
    makeSources(disk.path, randomFrom(seed));
    run('sync', '-f', disk.path);
    const times = await performAll(disk.path);
    const steps = await expectations(disk.path, times);
    return { type, device: disk.device, directory, base, log, steps };
  } finally {
    await disk.unmount();
    await logged.stop();
  }
}

type Times = Pick<Acknowledged, 'step' | 'byHandNs' | 'startNs' | 'endNs'>;

async function performAll(root: string): Promise<Times[]> {
  const times: Times[] = [];
  for (const [index, step] of STEPS.entries()) {
    const byHandNs = process.hrtime.bigint();
    step.byHand?.(root);
    const startNs = process.hrtime.bigint();
    expectStatus(step, await hkfs([...step.args(root), '--json']));
    times.push({ step: index, byHandNs, startNs, endNs: process.hrtime.bigint() });
  }
  return times;
}

function expectStatus({ name, status = 0 }: Step, ended: Ended): void {
  if (ended.status !== status) throw new Error(`${name}: ${describe(ended)}`);
}

/** What the log says of each step is asked when all is done: a question in between would write as well. */
async function expectations(root: string, times: readonly Times[]): Promise<Acknowledged[]> {
  const operations = await rows<OperationRow>(['ops', '-a', `${root}/a`]);
  let size = 1;
  const steps: Acknowledged[] = [];
  for (const time of times) {
    const { logged, name } = STEPS[time.step]!;
    if (logged !== null) {
      const operation = operations.shift();
      if (operation?.command !== logged) throw new Error(`${name}: the log has ${operation?.command}`);
      size = operation.last + 1;
    }
    steps.push({ ...time, size, names: await namesAt(`${root}/a`, size) });
  }
  return steps;
}

/** Names with what they have, as of a size of the log. */
export async function namesAt(archive: string, size?: number): Promise<Entry[]> {
  const names: Entry[] = [];
  const open = await Archive.open(archive);
  try {
    const moment = size === undefined ? {} : { at: `@${size - 1}` };
    for await (const { path, kind, hash, mode } of open.ls('', { recursive: true, ...moment }))
      names.push({ path, kind, hash, mode });
  } finally {
    await open.close();
  }
  return names;
}

/** A recording that an earlier run kept. */
export function loadRecording(directory: string): Recording {
  const text = readFileSync(join(directory, 'recording.json'), 'utf8');
  return JSON.parse(text, (key, value: unknown) =>
    key.endsWith('Ns') ? BigInt(value as string) : value,
  ) as Recording;
}

export function saveRecording(recording: Recording): void {
  const text = JSON.stringify(recording, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  writeFileSync(join(recording.directory, 'recording.json'), text);
}
