import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claim, ratioClaim } from '../claims.mjs';
import { hkfs } from '../programs.mjs';
import { median } from '../statistics.mjs';
import { ingested } from '../steps.mjs';

export const rows = [
  {
    name: 'backup-small',
    title: 'First backup of many small files to a directory; rsync copies the same objects',
    run: first,
  },
  {
    name: 'backup-again',
    title: 'Backup to a directory after one file changed',
    millionToo: true,
    run: again,
  },
  {
    name: 'clone-small',
    title: 'Clone from a directory; cp copies the objects, replay makes the views',
    run: clone,
  },
];

/** @param {import('../bench.mjs').Bench} bench */
async function first(bench) {
  const corpus = bench.corpus('small');
  const archive = await ingested(bench, corpus);
  const objects = join(archive, '.hkfs/objects');
  const [remote, copy] = [bench.path('remote'), bench.path('copy')];
  let backups = 0;
  const results = await bench.compare([
    {
      name: 'hkfs backup',
      command: backup(archive),
      reads: [objects],
      prepare: async () => {
        if (backups++ > 0) await bench.ask('remote', 'rm', 'disk', '-a', archive);
        await bench.ask('remote', 'add', 'disk', remote, '-a', archive);
      },
      check: sentAll(corpus),
      clear: () => bench.discard(remote),
    },
    {
      name: 'rsync -a; sync',
      needs: ['rsync'],
      command: ['sh', '-c', 'set -e; rsync -a "$1/" "$2"; sync -f "$2"', 'sh', objects, copy],
      reads: [objects],
      clear: () => bench.discard(copy),
    },
  ]);
  return {
    results,
    claims: [ratioClaim(results, { ours: 'hkfs backup', against: ['rsync -a; sync'], limit: 1 })],
  };
}

/** @param {import('../bench.mjs').Bench} bench */
async function again(bench) {
  const corpus = bench.corpus(bench.million ? 'million' : 'small');
  const archive = await ingested(bench, corpus);
  const file = bench.path('changing');
  await bench.ask('remote', 'add', 'disk', bench.path('remote'), '-a', archive);
  await bench.run(backup(archive), { usage: false });
  let round = 0;
  const results = await bench.compare([
    {
      name: 'hkfs backup',
      command: backup(archive),
      prepare: async () => {
        writeFileSync(file, `round ${(round += 1)}`);
        await bench.ask('ingest', file, '-a', archive);
      },
      check: ({ stdout }) => {
        const { objects } = JSON.parse(stdout);
        if (objects !== 1) throw new Error(`hkfs backup sent ${objects} objects, and not one`);
      },
    },
  ]);
  const value = 1000 * median(results.get('hkfs backup').map(({ seconds }) => seconds));
  const target = { sense: 'at most', limit: 500 };
  return { results, claims: [claim({ text: 'hkfs backup', unit: 'ms', value, target })] };
}

/** @param {import('../bench.mjs').Bench} bench */
async function clone(bench) {
  const corpus = bench.corpus('small');
  const archive = await ingested(bench, corpus);
  const [remote, target, copy] = [bench.path('remote'), bench.path('clone'), bench.path('copy')];
  await bench.ask('remote', 'add', 'disk', remote, '-a', archive);
  await bench.run(backup(archive), { usage: false });
  const objects = join(archive, '.hkfs/objects');
  const replay = hkfs('replay', '-a', archive, '--json', '--progress', 'none');
  const results = await bench.compare([
    {
      name: 'hkfs clone',
      command: hkfs('clone', remote, target, '--json', '--progress', 'none'),
      reads: [join(remote, 'objects')],
      check: sentAll(corpus),
      clear: () => bench.discard(target),
    },
    {
      name: 'cp -a; sync; hkfs replay',
      needs: ['cp'],
      command: [
        'sh',
        '-c',
        'set -e; cp -a "$1" "$2"; sync -f "$2"; shift 2; exec "$@"',
        'sh',
        objects,
        copy,
        ...replay,
      ],
      reads: [objects],
      clear: () => bench.discard(copy),
    },
    {
      name: 'cp -a; hkfs replay',
      needs: ['cp'],
      command: ['sh', '-c', 'set -e; cp -a "$1" "$2"; shift 2; exec "$@"', 'sh', objects, copy, ...replay],
      reads: [objects],
      clear: () => bench.discard(copy),
    },
  ]);
  const ours = 'hkfs clone';
  return {
    results,
    claims: [
      ratioClaim(results, { ours, against: ['cp -a; hkfs replay'], limit: 1.2 }),
      ratioClaim(results, { ours, against: ['cp -a; sync; hkfs replay'] }),
    ],
  };
}

/** @param {string} archive */
function backup(archive) {
  return hkfs('backup', 'disk', '-a', archive, '--json', '--progress', 'none');
}

/** Also where more than one file had the same content. */
function sentAll({ shape }) {
  return ({ stdout }) => {
    const { objects, damaged } = JSON.parse(stdout);
    if (objects !== shape.contents || damaged.length > 0)
      throw new Error(
        `${objects} objects went over, ${damaged.length} of them damaged, and not ${shape.contents}`,
      );
  };
}
