import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { delayClaim, ratioClaim } from '../claims.mjs';
import { ensureCopies, NESTED } from '../copies.mjs';
import { fileOf } from '../corpus.mjs';
import { hkfs, ProgramFailed } from '../programs.mjs';
import { ingest, ingested, mustRun } from '../steps.mjs';

const ASK_DIGESTS = fileURLToPath(new URL('../ask-digests.mjs', import.meta.url));
const LEAST_RUNS = 15;
const LIMIT_MS = 10;

export const rows = [
  {
    name: 'dups',
    title: 'Find the duplicate files of an archive at rest; others read their source',
    async run(bench) {
      const corpus = bench.corpus('small');
      const archive = await ingested(bench, corpus);
      const { files, contents } = corpus.shape;
      const others = [
        other('jdupes -r', ['jdupes', '-q', '-r', corpus.folder], corpus.folder),
        other(
          'rdfind -dryrun true',
          ['rdfind', '-dryrun', 'true', '-makeresultsfile', 'false', corpus.folder],
          corpus.folder,
        ),
      ];
      const check = (groups) => equal('files more than needed', sum(groups, moreFiles), files - contents);
      return compare(bench, { ours: ours('hkfs dups', archive, ['dups'], check), others, limit: 0.5 });
    },
  },
  {
    name: 'dup-dirs',
    title:
      'Find the duplicate directories among 10,000, nested, of an archive at rest; rmlint reads its source',
    async run(bench) {
      bench.say('corpus copies');
      const levels = bench.smoke ? NESTED.smoke : NESTED.full;
      const corpus = ensureCopies(levels, bench.seed, bench.cache);
      if (corpus.made) bench.settle();
      const archive = bench.path('archive');
      await bench.ask('init', archive);
      const { stdout } = await bench.run(ingest(archive, corpus.folder), { usage: false });
      equal('files', JSON.parse(stdout).files, corpus.files);
      const check = (groups) => {
        if (groups.length === 0 || groups.some(({ kind, count }) => kind !== 'dir' || count < 2))
          throw new ProgramFailed('hkfs: no groups of directories');
      };
      const side = ours('hkfs dups --kind dir', archive, ['dups', '--kind', 'dir'], check);
      const command = ['rmlint', '-D', '-o', 'json:stdout', corpus.folder];
      const others = [other('rmlint -D', command, corpus.folder)];
      return compare(bench, { ours: side, others, limit: 0.1 });
    },
  },
  {
    name: 'digests',
    title: 'Ask for duplicate directories after one file changed; how much longer than when none did',
    millionToo: true,
    async run(bench) {
      const corpus = bench.corpus(bench.million ? 'million' : 'small');
      const archive = await ingested(bench, corpus);
      const { path } = fileOf(corpus.shape, bench.seed, corpus.shape.files >> 1);
      const runs = bench.smoke ? bench.runs : Math.max(LEAST_RUNS, bench.runs);
      bench.say(`one open archive, ${runs} changes`);
      const command = [process.execPath, ASK_DIGESTS, archive, `corpus/${path}`, bench.path('changed'), runs];
      const { stdout } = await bench.run(command.map(String), { usage: false });
      const { changed, atRest } = JSON.parse(stdout);
      const [ours, against] = ['dups by kind dir, after a change', 'dups by kind dir, at rest'];
      const results = new Map([
        [against, atRest.map(runOf)],
        [ours, changed.map(runOf)],
      ]);
      return { results, claims: [delayClaim(results, { ours, against, limit: LIMIT_MS })] };
    },
  },
];

/** A run of which only the time is known. */
function runOf(milliseconds) {
  return { seconds: milliseconds / 1000, user: null, system: null, peakBytes: null };
}

function other(name, command, folder) {
  return { name, command, needs: [command[0]], reads: [folder] };
}

function ours(name, archive, words, check) {
  return {
    name,
    command: hkfs(...words, '-a', archive, '--json'),
    reads: [join(archive, '.hkfs/views'), join(archive, '.hkfs/log')],
    check: ({ stdout }) =>
      check(
        stdout
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line)),
      ),
  };
}

async function compare(bench, { ours, others, limit }) {
  bench.say('first answer, which is remembered');
  mustRun(bench, ours.command);
  const results = await bench.compare([ours, ...others]);
  const against = others.map(({ name }) => name);
  return { results, claims: [ratioClaim(results, { ours: ours.name, against, limit })] };
}

function moreFiles({ count, files }) {
  return (count - 1) * files;
}

function sum(rows, of) {
  return rows.reduce((total, row) => total + of(row), 0);
}

function equal(what, actual, expected) {
  if (actual !== expected) throw new ProgramFailed(`hkfs: ${what} is ${actual}, not ${expected}`);
}
