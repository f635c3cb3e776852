import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { claim } from '../claims.mjs';
import { seconds } from '../bench.mjs';
import { hkfs, ProgramFailed } from '../programs.mjs';
import { median } from '../statistics.mjs';

/** Directories in pairs, the second of each a changed copy of the first, in folders of ten pairs. */
const DIRECTORIES = { full: 5000, smoke: 200 };
const FILES = 20;
const KEPT = 14;
/** Every directory has one of these, as licences and thumbnails are: they make no pair. */
const COMMON = 50;
const PAIRS_PER_FOLDER = 10;
const COMMIT = 4000;
const LIMIT_MS = 5000;
const ATTRIBUTES = {
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  user: 'ann',
  group: 'ann',
  mtimeNs: 1_600_000_000_000_000_000n,
};

export const row = {
  name: 'similar',
  title: 'Find all pairs of similar directories, and those similar to one',
  async run(bench) {
    const archive = bench.path('archive');
    const directories = DIRECTORIES[bench.smoke ? 'smoke' : 'full'];
    bench.say(`a log of ${directories} directories`);
    await bench.ask('init', archive);
    await writeLog(join(archive, '.hkfs/log'), directories);
    await bench.ask('head', '-a', archive); // folds the log
    const results = await bench.compare([
      {
        name: 'hkfs similar --all',
        command: hkfs('similar', '--all', '-a', archive, '--json'),
        check: hasRows(directories / 2),
      },
      {
        name: 'hkfs similar PATH',
        command: hkfs('similar', 'folder 0/pair 3', '-a', archive, '--json'),
        check: hasRows(1),
      },
    ]);
    return { results, claims: [...results.keys()].map((name) => timeClaim(results, name)) };
  },
};

function timeClaim(results, name) {
  const times = seconds(results.get(name)).map((time) => time * 1000);
  const target = name.endsWith('--all') ? { target: { sense: 'at most', limit: LIMIT_MS } } : {};
  const span = { least: Math.min(...times), greatest: Math.max(...times) };
  return claim({ text: name, unit: 'ms', value: median(times), ...span, ...target });
}

function hasRows(count) {
  return ({ stdout }) => {
    const rows = stdout.trim().split('\n').length;
    if (rows !== count) throw new ProgramFailed(`hkfs similar: ${rows} rows, not ${count}`);
  };
}

/** Written as an ingest would write it: making the files would take longer than all that is measured. */
async function writeLog(location, directories) {
  const { EventLog } = await import('../../../dist/events/log.js');
  const log = await EventLog.open(location);
  try {
    let events = [];
    let position = log.size;
    const push = (event) => {
      events.push({ ...event, attributes: ATTRIBUTES });
      return position++;
    };
    let folder = 0;
    for (let number = 0; number < directories; number += 1) {
      const pair = number >> 1;
      if (number % (2 * PAIRS_PER_FOLDER) === 0)
        folder = push({ type: 'directory.added', parent: 0, name: `folder ${pair / PAIRS_PER_FOLDER}` });
      const name = number % 2 === 0 ? `pair ${pair}` : `pair ${pair} (copy)`;
      const parent = push({ type: 'directory.added', parent: folder, name });
      for (const file of filesOf(number)) push({ type: 'file.ingested', parent, source: null, ...file });
      if (events.length < COMMIT) continue;
      await log.append(events, { timeMs: Date.now(), operation: log.lastCommit?.operation ?? 0 });
      events = [];
    }
    if (events.length > 0)
      await log.append(events, { timeMs: Date.now(), operation: log.lastCommit?.operation ?? 0 });
  } finally {
    await log.close();
  }
}

function* filesOf(number) {
  yield { name: 'common', hash: hashOf('common', number % COMMON), size: 500 };
  for (let file = 1; file < FILES; file += 1) {
    const isKept = file < KEPT || number % 2 === 0;
    const content = isKept ? `${number >> 1}/${file}` : `${number}/${file}/new`;
    yield { name: `file ${file}`, hash: hashOf('file', content), size: 1000 + file };
  }
}

function hashOf(use, content) {
  return createHash('sha256').update(`${use} ${content}`).digest('hex');
}
