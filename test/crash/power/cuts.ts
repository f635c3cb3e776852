/** Many cuts of one recording, each tried once; what was tried is written down, so that a run can go on. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { below, randomFrom, type Random } from '../random.js';
import { checkCut } from './check-cut.js';
import { CutDisk, LOSSES, readWriteLog, type LoggedWrite, type Loss } from './cut-image.js';
import type { MountedDisk } from './log-disk.js';
import type { Recording } from './recording.js';
import { STEPS } from './steps.js';

interface PlannedCut {
  readonly number: number;
  readonly ns: bigint;
  readonly loss: Loss;
  readonly seed: number;
}

export interface Outcome {
  readonly number: number;
  readonly text: string;
  /** What was wrong; null: nothing. */
  readonly wrong: string | null;
}

/** @returns the outcome of each cut, those of earlier runs among them */
export async function tryCuts(
  disk: MountedDisk,
  recording: Recording,
  { count, seed }: { count: number; seed: number },
): Promise<Outcome[]> {
  const writes = readWriteLog(recording.log);
  const results = join(recording.directory, 'results.jsonl');
  const outcomes = existsSync(results) ? parseResults(readFileSync(results, 'utf8')) : [];
  const known = new Set(outcomes.map(({ number }) => number));
  const image = join(recording.directory, 'cut');
  const flushed = join(recording.directory, 'flushed');
  const cutDisk = new CutDisk({ base: recording.base, log: recording.log, flushed }, writes);
  for (const cut of planCuts(recording, writes, { count, seed })) {
    if (known.has(cut.number)) continue;
    const outcome = await tryOne({ disk, recording, cutDisk, image }, cut);
    outcomes.push(outcome);
    appendFileSync(results, `${JSON.stringify(outcome)}\n`);
  }
  cutDisk.close();
  return outcomes;
}

interface Parts {
  readonly disk: MountedDisk;
  readonly recording: Recording;
  readonly cutDisk: CutDisk;
  readonly image: string;
}

async function tryOne(parts: Parts, cut: PlannedCut): Promise<Outcome> {
  const { disk, recording } = parts;
  const { number, ns } = cut;
  const random = randomFrom(cut.seed);
  let text = `cut ${number}: ${whereOf(recording, ns)}`;
  try {
    text += `, ${await mountCut(parts, cut, random)}`;
    await checkCut(recording, { ns, root: disk.path, random });
    return { number, text, wrong: null };
  } catch (error) {
    return { number, text, wrong: error instanceof Error ? error.message : String(error) };
  } finally {
    await disk.unmount();
  }
}

/**
 * xfs does not always survive a block of its own metadata of which only some sectors arrived: then
 * there is no archive to ask, and whole writes are lost instead.
 *
 * @returns what is there of the writes after the last flush
 */
async function mountCut(
  { disk, cutDisk, image }: Parts,
  { ns, loss }: PlannedCut,
  random: Random,
): Promise<string> {
  const volatile = cutDisk.cut(ns, image, { loss, random });
  try {
    disk.mount(image);
    return `${loss} of ${volatile} writes arrived`;
  } catch (error) {
    await disk.unmount();
    if (loss !== 'torn') throw error;
  }
  cutDisk.cut(ns, image, { loss: 'some', random });
  disk.mount(image);
  return `some of ${volatile} writes arrived, because the file system did not survive them torn`;
}

/** Half of them somewhere among the writes, half just after a command had ended. In order of time. */
export function planCuts(
  { steps }: Recording,
  writes: readonly LoggedWrite[],
  { count, seed }: { count: number; seed: number },
): PlannedCut[] {
  const random = randomFrom(seed);
  const first = steps[0]!.byHandNs;
  const begun = writes.filter(({ ns }) => ns >= first);
  const cuts = Array.from({ length: count }, (_none, number): PlannedCut => {
    const isWrite = number % 2 === 0;
    const ns = isWrite ? begun[below(random, begun.length)]!.ns : momentAfter(steps, random);
    return { number, ns, loss: LOSSES[below(random, LOSSES.length)]!, seed: below(random, 2 ** 31) };
  });
  return cuts.sort((a, b) => Number(a.ns - b.ns));
}

/** Some time between the end of a command and the end of the next, more often soon. */
function momentAfter(steps: Recording['steps'], random: Random): bigint {
  const index = below(random, steps.length);
  const { endNs } = steps[index]!;
  const until = steps[index + 1]?.endNs ?? endNs + 1_000_000_000n;
  return endNs + BigInt(Math.floor(Number(until - endNs) * random() ** 3));
}

function whereOf({ steps }: Recording, ns: bigint): string {
  const done = steps.findLast(({ endNs }) => endNs <= ns);
  const next = steps.find(({ endNs }) => endNs > ns);
  const name = (step: number | undefined): string => (step === undefined ? 'nothing' : STEPS[step]!.name);
  return `after "${name(done?.step)}", before the end of "${name(next?.step)}"`;
}

function parseResults(text: string): Outcome[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Outcome);
}
