/**
 * Asks an open archive for duplicate directories, by turns after one file of it changed and at rest, and prints
 * the milliseconds of each answer: the start of a process and LevelDB's recovery, which a command pays each time
 * whatever it asks, have no part in them, nor has the change itself.
 *
 *     node ask-digests.mjs ARCHIVE FILE-IN-IT SCRATCH-FILE RUNS
 */
import { writeFileSync } from 'node:fs';
import { Archive } from '../../dist/index.js';

const WARM_UP = 3;

const [root, path, scratch, runs] = process.argv.slice(2);
const archive = await Archive.open(root);
try {
  const times = { changed: [], atRest: [] };
  for (let run = -WARM_UP; run < Number(runs); run += 1) {
    await change(run);
    const changed = await milliseconds(ask);
    const atRest = await milliseconds(ask);
    if (run < 0) continue;
    times.changed.push(changed);
    times.atRest.push(atRest);
  }
  console.log(JSON.stringify(times));
} finally {
  await archive.close();
}

async function change(run) {
  writeFileSync(scratch, `changed ${run} ${Date.now()}`);
  const { files, failed } = await archive.ingest({ sources: [scratch], to: path });
  if (files !== 1 || failed.length > 0) throw new Error(`the change failed: ${JSON.stringify(failed)}`);
}

async function ask() {
  for await (const group of archive.dups({ kind: 'dir' }))
    if (group.kind !== 'dir') throw new Error(`a group of kind ${group.kind}`);
}

async function milliseconds(act) {
  const start = performance.now();
  await act();
  return performance.now() - start;
}
