import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { delayClaim, ratioClaim } from '../claims.mjs';
import { ensureCopies, NESTED } from '../copies.mjs';
import { fileOf } from '../corpus.mjs';
import { hkfs, ProgramFailed } from '../programs.mjs';
import { ingest, ingested, mustRun } from '../steps.mjs';

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
      const again = ours('hkfs dups --kind dir', archive, ['dups', '--kind', 'dir'], () => {});
      const changed = {
        ...again,
        name: `${again.name}, after a change`,
        prepare: changeOf(bench, archive, path),
      };
      bench.say('first answer, which is remembered');
      mustRun(bench, again.command);
      const runs = bench.smoke ? bench.runs : Math.max(LEAST_RUNS, bench.runs);
      const results = await bench.compare([again, changed], runs);
      const claim = delayClaim(results, { ours: changed.name, against: again.name, limit: LIMIT_MS });
      return { results, claims: [claim] };
    },
  },
];

/** Another content for one file of the archive each time, outside the clock. */
function changeOf(bench, archive, path) {
  let number = 0;
  const file = bench.path('changed');
  return async () => {
    writeFileSync(file, `changed ${(number += 1)}`);
    await bench.ask('ingest', file, '-a', archive, '--to', `corpus/${path}`, '--progress', 'none');
  };
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
