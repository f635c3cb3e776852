import { join } from 'node:path';
import { ratioClaim } from '../claims.mjs';
import { hkfs } from '../programs.mjs';

const LEAST_RUNS = 15;
const LIMIT = 1.3;
const EVENTS = { full: 2_000_000, smoke: 20_000 };
const COMMIT = 4000;
/** Files that get new versions all the time, in directories of this many; everything else is named once. */
const HOT = { directories: 20, files: 100 };
const ATTRIBUTES = {
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  user: 'ann',
  group: 'ann',
  mtimeNs: 1_600_000_000_000_000_000n,
};

export const row = {
  name: 'at',
  title: 'Ask a long log as of the first, the middle and the last tenth; the same as of now',
  async run(bench) {
    const archive = bench.path('archive');
    const events = EVENTS[bench.smoke ? 'smoke' : 'full'];
    bench.say(`a log of ${events} events`);
    await bench.ask('init', archive);
    await writeLog(join(archive, '.hkfs/log'), events);
    await bench.ask('head', '-a', archive); // folds the log
    const queries = { ls: ['ls', 'hot7'], stat: ['stat', 'hot7/1'] };
    const sides = Object.entries(queries).flatMap(([name, words]) =>
      sidesOf(name, [...words, '-a', archive], events),
    );
    if (!bench.smoke) await bench.compare(sides, 1);
    const results = await bench.compare(sides, bench.smoke ? bench.runs : Math.max(LEAST_RUNS, bench.runs));
    const claims = sides
      .filter(({ now }) => now !== undefined)
      .map(({ name, now }) => ratioClaim(results, { ours: name, against: [now], limit: LIMIT }));
    return { results, claims };
  },
};

function sidesOf(query, words, events) {
  const now = `hkfs ${query}`;
  const tenths = { first: 0.1, middle: 0.5, last: 0.95 };
  return [
    { name: now, command: hkfs(...words), usage: false },
    ...Object.entries(tenths).map(([which, part]) => ({
      name: `${now} --at the ${which} tenth`,
      now,
      command: hkfs(...words, '--at', `@${Math.floor(events * part)}`),
      usage: false,
    })),
  ];
}

/** Two million files would take minutes to ingest: the log is written as an ingest would write it. */
async function writeLog(location, count) {
  const { EventLog } = await import('../../../dist/events/log.js');
  const log = await EventLog.open(location);
  let commit = [];
  for (const event of eventsFrom(log.size)) {
    if (log.size + commit.length >= count) break;
    commit.push(event);
    if (commit.length < COMMIT) continue;
    await log.append(commit, { timeMs: Date.now(), operation: log.lastCommit?.operation ?? 0 });
    commit = [];
  }
  if (commit.length > 0)
    await log.append(commit, { timeMs: Date.now(), operation: log.lastCommit?.operation ?? 0 });
  await log.compactForClose();
  await log.close();
}

/** Directories first; then in turns a new version of a hot file and a file that is named once. */
function* eventsFrom(first) {
  let position = first;
  const directory = (name) => ({ type: 'directory.added', parent: 0, name, attributes: ATTRIBUTES });
  const hot = [];
  for (; hot.length < HOT.directories; hot.push(position++)) yield directory(`hot${hot.length}`);
  let cold = position++;
  yield directory('cold0');
  for (let number = 0; ; number++) {
    const at = number % (HOT.directories * HOT.files);
    yield* file(hot[at % HOT.directories], `${Math.floor(at / HOT.directories)}`, 2 * number);
    yield* file(cold, `${number}`, 2 * number + 1);
    position += 4;
    if (number % 1000 !== 999) continue;
    cold = position++;
    yield directory(`cold${number}`);
  }
}

function* file(parent, name, content) {
  const hash = (content * 2654435761).toString(16).padStart(64, '0').slice(-64);
  yield { type: 'object.stored', hash, size: 1000, device: 1n, inode: BigInt(content + 1) };
  yield { type: 'file.ingested', parent, name, hash, size: 1000, attributes: ATTRIBUTES, source: null };
}
