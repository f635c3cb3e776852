import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ratioClaim } from '../claims.mjs';
import { hkfs } from '../programs.mjs';
import { ingest, wholeCorpus } from '../steps.mjs';

const EVERY_MS = 200;
/** From the holder's last answer to the end of its process. */
const ENDING_MS = 2000;
const ALONE = 'hkfs ingest';
const QUERIED = `hkfs ingest, a query every ${EVERY_MS} ms`;
/** Starting a process costs something whatever it asks: this side tells how much of the slowing that is. */
const CONTROL = `hkfs ingest, hkfs --version every ${EVERY_MS} ms`;

export const row = {
  name: 'ingest-queried',
  title: 'Take in many small files while others ask; the same alone',
  async run(bench) {
    const corpus = bench.corpus('small');
    const archive = bench.path('archive');
    const known = knownFolder(bench.path('known'));
    const side = (name, asked) => ({
      name,
      command: ingest(archive, corpus.folder),
      reads: [corpus.folder],
      prepare: () => bench.ask('ingest', known, '--to', 'known', '-a', archive, '--init'),
      beside: asked && ((running) => askMeanwhile(bench, running, asked)),
      check: wholeCorpus(corpus),
      clear: () => bench.discard(archive),
    });
    const queries = [
      ['ls', 'known', '-a', archive],
      ['stat', 'known/1.txt', '-a', archive],
    ];
    const results = await bench.compare([
      side(ALONE),
      side(QUERIED, queries),
      side(CONTROL, [['--version']]),
    ]);
    return {
      results,
      claims: [
        ratioClaim(results, { ours: QUERIED, against: [ALONE], limit: 1.1 }),
        ratioClaim(results, { ours: CONTROL, against: [ALONE] }),
      ],
    };
  },
};

/** What can be asked for from the beginning. */
function knownFolder(folder) {
  mkdirSync(folder);
  for (let number = 1; number <= 10; number++)
    writeFileSync(join(folder, `${number}.txt`), `known ${number}\n`);
  return folder;
}

/** Asks in turn, one at a time, until the ingest is done. */
async function askMeanwhile(bench, running, queries) {
  const asked = [];
  let unanswered = 0;
  let pause = EVERY_MS;
  while (!(await isOver(running, pause))) {
    const query = queries[asked.length % queries.length];
    const seconds = await askOnce(bench, running, query);
    if (seconds === null) unanswered++;
    else asked.push({ query: query[0], seconds });
    pause = EVERY_MS - 1000 * (seconds ?? 0);
  }
  return { asked, unanswered };
}

/**
 * A query that fails fails the row, except where the ingest that answered it ended meanwhile: that is null.
 */
async function askOnce(bench, running, query) {
  try {
    return (await bench.run(hkfs(...query), { usage: false })).seconds;
  } catch (error) {
    if (await isOver(running, ENDING_MS)) return null;
    throw error;
  }
}

async function isOver(running, milliseconds) {
  const over = running.then(
    () => true,
    () => true,
  );
  return Promise.race([over, sleep(Math.max(0, milliseconds), false)]);
}
