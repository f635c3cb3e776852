/**
 * Commands on a disk of faults: what is there before, what is asked, and what has to hold after. All of a trial
 * is below the mounted disk; N is the number of the round, of which one archive sees many.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { EntryRow } from '../../../src/archive/api.js';
import { describe as say, hkfs, rows, type Ended } from '../hkfs.js';
import { hashOfFile } from '../source-tree.js';
import type { FaultDisk } from './fault-disk.js';

export interface Round {
  readonly disk: FaultDisk;
  /** The archive as programs see it. */
  readonly archive: string;
  readonly n: number;
}

export interface Trial {
  readonly name: string;
  /** Where faults are: a name, and the glob of its paths. */
  readonly sides: (n: number) => Readonly<Record<string, string>>;
  readonly prepare: (round: Round) => Promise<void> | void;
  readonly args: (round: Round) => string[];
  /** What is wrong after the command ended so with faults, and the disk is well again. */
  readonly judge: (round: Round, ended: Ended) => Promise<string[]>;
  /** How the same command ends without faults where it is not 0: what it was to do is done. */
  readonly isDone?: RegExp;
  /** What was wrong before, and is still where the command failed. */
  readonly leaves?: 'damage' | 'unlinked';
}

const ARCHIVE = '/a*';
const MODES = ['copy', 'link', 'move', 'assimilate'] as const;

/** Five files: two of one content, two names of one inode, and one that takes some writes. */
export function filesOf(n: number): ReadonlyMap<string, string> {
  return new Map([
    ['one', `one of ${n}`],
    ['twin', `the same of ${n}`],
    ['deep/twin', `the same of ${n}`],
    ['deep/large', `${n} `.repeat(60_000)],
    ['deep/two names', `two names of ${n}`],
    ['other name', `two names of ${n}`],
  ]);
}

export function makeFiles(root: string, n: number): void {
  fs.mkdirSync(join(root, 'deep'), { recursive: true });
  for (const [name, text] of filesOf(n)) {
    if (name === 'other name') fs.linkSync(join(root, 'deep/two names'), join(root, name));
    else fs.writeFileSync(join(root, name), text, { mode: 0o640 });
    fs.utimesSync(join(root, name), 1e9, 1e9);
  }
}

const wordsOf = (words: readonly string[], { archive }: Round): string[] => [...words, '-a', archive];
const source = ({ disk, n }: Round, name = ''): string => join(disk.path, 'src', `s${n}`, name);
/** The same without the faults' file system in between. */
const good = ({ disk }: Round, ...names: string[]): string => join(disk.behind, ...names);

export async function must(words: readonly string[]): Promise<Ended> {
  const ended = await hkfs(words);
  if (ended.status !== 0) throw new Error(`${words.join(' ')} ${say(ended)}`);
  return ended;
}

async function entries(round: Round): Promise<Map<string, EntryRow>> {
  const all = await rows<EntryRow>(['ls', '-R', '/', '-a', round.archive]);
  return new Map(all.map((entry) => [entry.path, entry]));
}

const ingest = (mode: (typeof MODES)[number]): Trial => ({
  name: `ingest --mode ${mode}`,
  sides: (n) => ({ archive: ARCHIVE, source: `/src/s${n}*` }),
  prepare: ({ disk, n }) => makeFiles(join(disk.behind, 'src', `s${n}`), n),
  args: (round) => wordsOf(['ingest', source(round), '--mode', mode], round),
  judge: (round, ended) => judgeIngest(round, { mode, ended }),
  isDone: mode === 'move' ? /SOURCE_MISSING/ : /^$/,
});

/** Each content is at its source or in the archive, whatever happened; in the archive where nothing was said. */
async function judgeIngest(round: Round, { mode, ended }: { mode: string; ended: Ended }): Promise<string[]> {
  const wrong: string[] = [];
  const known = await entries(round);
  const text = good(round, 'hash of a text');
  for (const [name, content] of filesOf(round.n)) {
    fs.writeFileSync(text, content);
    const hash = hashOfFile(text);
    const file = good(round, 'src', `s${round.n}`, name);
    const isThere = fs.existsSync(file) && fs.readFileSync(file, 'utf8') === content;
    const isKnown = known.get(`s${round.n}/${name}`)?.hash === hash;
    if (!isThere && !isKnown) wrong.push(`${name} is lost`);
    if (ended.status === 0 && !isKnown) wrong.push(`${name} is not in the archive`);
    if (ended.status === 0 && mode === 'move' && fs.existsSync(file)) wrong.push(`${name} stays untold`);
  }
  return wrong;
}

const sync: Trial = {
  name: 'sync',
  leaves: 'unlinked',
  sides: () => ({ archive: ARCHIVE }),
  prepare({ disk, n }) {
    const tree = join(disk.behind, 'a', 'base');
    fs.writeFileSync(join(tree, `by hand ${n}`), `by hand ${n}`);
    if (n > 0 && fs.existsSync(join(tree, `by hand ${n - 1}`)))
      fs.renameSync(join(tree, `by hand ${n - 1}`), join(tree, `moved by hand ${n - 1}`));
  },
  args: (round) => wordsOf(['sync', '--yes'], round),
  async judge(round, ended) {
    const { n } = round;
    const file = good(round, 'a', 'base', `by hand ${n}`);
    const wrong: string[] = [];
    if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== `by hand ${n}`)
      wrong.push('what a hand made is lost');
    if (ended.status === 0 && !(await entries(round)).has(`base/by hand ${n}`))
      wrong.push('what a hand made is untold');
    return wrong;
  },
};

const mv: Trial = {
  name: 'mv',
  sides: () => ({ archive: ARCHIVE }),
  async prepare(round) {
    await ingestAs(round, `m${round.n}`);
  },
  args: (round) => wordsOf(['mv', `m${round.n}`, `moved${round.n}`], round),
  async judge(round, ended) {
    const known = await entries(round);
    const [from, to] = [known.has(`m${round.n}/one`), known.has(`moved${round.n}/one`)];
    if (from === to) return ['the name is there twice or never'];
    return ended.status === 0 && from ? ['not moved and not told'] : [];
  },
  isDone: /NOT_FOUND/,
};

const rm: Trial = {
  name: 'rm',
  sides: () => ({ archive: ARCHIVE }),
  async prepare(round) {
    await ingestAs(round, `r${round.n}`);
  },
  args: (round) => wordsOf(['rm', `r${round.n}`, '--yes'], round),
  async judge(round, ended) {
    const isThere = (await entries(round)).has(`r${round.n}/one`);
    return ended.status === 0 && isThere ? ['not removed and not told'] : [];
  },
  isDone: /NOT_FOUND/,
};

async function ingestAs(round: Round, name: string): Promise<void> {
  const { disk, n, archive } = round;
  makeFiles(join(disk.behind, 'src', `s${n}`), n);
  await must(['ingest', `${source(round)}/`, '--to', name, '-a', archive]);
}

const gc: Trial = {
  name: 'gc',
  sides: () => ({ archive: ARCHIVE }),
  async prepare(round) {
    await ingestAs(round, `g${round.n}`);
    await must(wordsOf(['rm', `g${round.n}`, '--yes'], round));
  },
  args: (round) => wordsOf(['gc', '--older-than', '0s', '--yes'], round),
  judge: () => Promise.resolve([]),
};

const backup: Trial = {
  name: 'backup',
  sides: () => ({ archive: ARCHIVE, remote: '/remote*' }),
  prepare: (round) => ingestAs(round, `b${round.n}`),
  args: (round) => wordsOf(['backup', 'disk'], round),
  async judge(round, ended) {
    if (ended.status !== 0) return [];
    const verified = await hkfs(wordsOf(['verify', '--remote', 'disk'], round));
    return verified.status === 0 ? [] : [`the remote is not whole: ${say(verified)}`];
  },
};

const clone: Trial = {
  name: 'clone',
  sides: (n) => ({ remote: '/remote*', clone: `/c${n}*` }),
  prepare: () => {},
  args: ({ disk, n }) => ['clone', join(disk.path, 'remote'), join(disk.path, `c${n}`)],
  async judge(round, ended) {
    if (ended.status !== 0) return [];
    return judgeArchive(join(round.disk.path, `c${round.n}`), 'the clone');
  },
  isDone: /ALREADY_AN_ARCHIVE/,
};

async function judgeArchive(archive: string, name: string): Promise<string[]> {
  const verified = await hkfs(['verify', '-a', archive]);
  return verified.status === 0 ? [] : [`${name} is not whole: ${say(verified)}`];
}

const restore: Trial = {
  name: 'restore',
  sides: (n) => ({ archive: ARCHIVE, target: `/out${n}*` }),
  prepare: () => {},
  args: (round) => wordsOf(['restore', 'base/', '--to', join(round.disk.path, `out${round.n}`)], round),
  judge: (round, ended) => Promise.resolve(ended.status === 0 ? judgeRestored(round) : []),
};

function judgeRestored(round: Round): string[] {
  const wrong = [...filesOf(-1)].filter(([name, content]) => {
    const file = good(round, `out${round.n}`, name);
    return !fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== content;
  });
  return wrong.map(([name]) => `${name} is not restored, and not told`);
}

const exported: Trial = {
  name: 'export',
  sides: (n) => ({ archive: ARCHIVE, target: `/out${n}*` }),
  prepare: ({ disk, n }) => fs.mkdirSync(join(disk.behind, `out${n}`)),
  args: (round) => wordsOf(['export', 'base', '--yes', '-o', tarOf(round)], round),
  async judge(round, ended) {
    const file = good(round, `out${round.n}`, 'base.tar');
    if (!fs.existsSync(file)) return ended.status === 0 ? ['no tar, and not told'] : [];
    await must(wordsOf(['export', 'base', '--yes', '-o', good(round, 'good.tar')], round));
    const isWhole = fs.readFileSync(file).equals(fs.readFileSync(good(round, 'good.tar')));
    return isWhole ? [] : ['half a tar has the name of a whole one'];
  },
};

const tarOf = ({ disk, n }: Round): string => join(disk.path, `out${n}`, 'base.tar');

const heal: Trial = {
  name: 'heal',
  leaves: 'damage',
  sides: () => ({ archive: ARCHIVE, remote: '/remote*' }),
  async prepare(round) {
    const object = objectOf(round, 'one');
    fs.chmodSync(object, 0o644);
    fs.writeFileSync(object, 'damage');
    const found = await hkfs(wordsOf(['verify'], round));
    if (found.status !== 4) throw new Error(`the damage is not found: ${say(found)}`);
  },
  args: (round) => wordsOf(['heal'], round),
  judge: (round, ended) =>
    Promise.resolve(
      ended.status === 0 && fs.readFileSync(objectOf(round, 'one'), 'utf8') !== 'one of -1'
        ? ['not healed, and not told']
        : [],
    ),
};

function objectOf(round: Round, name: string): string {
  const text = good(round, 'hash of a text');
  fs.writeFileSync(text, filesOf(-1).get(name)!);
  const hash = hashOfFile(text);
  return good(round, 'a/.hkfs/objects', hash.slice(0, 2), hash.slice(2));
}

const verify: Trial = {
  name: 'verify',
  sides: () => ({ archive: ARCHIVE }),
  prepare: () => {},
  args: (round) => wordsOf(['verify'], round),
  judge: () => Promise.resolve([]),
};

const replay: Trial = { ...verify, name: 'replay', args: (round) => wordsOf(['replay'], round) };

export const TRIALS: readonly Trial[] = [
  ...MODES.map(ingest),
  ...[sync, mv, rm, gc, backup, clone, restore, exported, heal, verify, replay],
];
