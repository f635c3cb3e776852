/** What several rows do around their comparisons. */
import { spawnSync } from 'node:child_process';
import { answers } from './bench.mjs';
import { hkfs, ProgramFailed } from './programs.mjs';

/** @typedef {import('./bench.mjs').Bench} Bench */

/** Copies a corpus to a fresh source, for programs that change theirs and those compared with them. */
export function freshSource(bench, corpus) {
  const source = bench.path('source');
  bench.discard(source);
  mustRun(bench, ['cp', '-a', corpus.folder, source]);
  return source;
}

/** @param {Bench} bench @param {readonly string[]} command */
export function mustRun(bench, [program, ...args]) {
  const stdio = ['ignore', 'ignore', 'pipe'];
  const { status, stderr, error } = spawnSync(program, args, { env: bench.env, encoding: 'utf8', stdio });
  if (status !== 0) throw new ProgramFailed(`${program} ${args[0]}: ${error?.message ?? stderr.trim()}`);
}

/** The whole of a corpus, each content new once. */
export function wholeCorpus({ shape }) {
  return answers({ files: shape.files, newObjects: shape.contents, failed: [] });
}

/** @param {string} archive @param {string} source @param {...string} flags */
export function ingest(archive, source, ...flags) {
  return hkfs('ingest', source, '-a', archive, '--to', 'corpus', '--json', '--progress', 'none', ...flags);
}

/** A fresh archive that holds a corpus under `corpus`. */
export async function ingested(bench, corpus) {
  const archive = bench.path('archive');
  bench.say('archive to ask');
  await bench.ask('init', archive);
  wholeCorpus(corpus)(await bench.run(ingest(archive, corpus.folder), { usage: false }));
  return archive;
}

/** The sides of hashing all files below a folder with b3sum, on one process and on all cores. */
export function b3sumSides(folder, cores) {
  return [
    { name: 'b3sum', command: ['sh', '-c', hashAll(), 'sh', folder], needs: ['b3sum'], reads: [folder] },
    {
      name: 'b3sum, a process per core',
      command: ['sh', '-c', hashAll(cores), 'sh', folder],
      needs: ['b3sum'],
      reads: [folder],
    },
  ];
}

/** Shell text that hashes all files below `$1`; with `cores`, on as many processes of one thread. */
export function hashAll(cores) {
  const one = 'find "$1" -type f -print0 | xargs -0 b3sum >/dev/null';
  if (cores === undefined) return one;
  return `find "$1" -type f -print0 | xargs -0 -P ${cores} -n 500 b3sum --num-threads 1 >/dev/null`;
}

/** Restic and borg with fresh repositories. Borg without encryption, which restic cannot leave out. */
export function backupSides(bench, source) {
  const restic = bench.path('restic');
  const borg = bench.path('borg');
  return {
    restic: {
      name: 'restic backup',
      needs: ['restic'],
      start: () => mustRun(bench, ['restic', 'init', '-q', '-r', restic]),
      command: ['restic', 'backup', '-q', '-r', restic, source],
      clear: () => bench.remove(restic, bench.env.HOME),
    },
    borg: {
      name: 'borg create',
      needs: ['borg'],
      start: () => mustRun(bench, ['borg', 'init', '--encryption', 'none', borg]),
      command: ['borg', 'create', `${borg}::{utcnow:%s.%f}`, source],
      clear: () => bench.remove(borg, bench.env.HOME),
    },
  };
}
