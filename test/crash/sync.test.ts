/** kill -9 at every named step of a sync: what people did by hand is never undone, and the next sync adopts it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { EntryRow, SyncSummary } from '../../src/archive/api.js';
import { describe as say, hkfs, row, rows, withArchive } from './hkfs.js';
import { isHeavy } from './random.js';
import { expectSound } from './soundness.js';

/** Commits of a sync: 1 its opening, 2 everything but changed attributes, 3 those, 4 its end. */
const STEPS: readonly (readonly [step: string, times: readonly number[]])[] = [
  ['sync.start', [1]],
  ['commit.append', [1, 2, 3, 4]],
  ['commit.appended', [1, 2, 3, 4]],
  ['commit.views', [2, 3]],
  ['commit.tree', [2, 3]],
  ['commit.done', [2, 3]],
  ['sync.moved', [1]],
  ['stage.link', [1]],
  ['stage.linked', [1, 2]],
  ['object.name', [1, 2]],
  ['object.named', [1, 2]],
  ['commit.named', [1]],
  ['tree.apply', [1, 3]],
  ['tree.replace', [1]],
  ['tree.protect', [1, 2]],
  ['sync.added', [1]],
  ['sync.relinked', [1]],
  ['sync.sealed', [1]],
];
const SMALL = ['commit.appended@2', 'object.named@1', 'tree.replace@1'];
const rounds = STEPS.flatMap(([step, times]) => times.map((time) => `${step}@${time}`));

const FILES: Readonly<Record<string, string>> = {
  ...{ a: 'alpha', b: 'beta', c: 'gamma', e: 'edited later', same: 'the same', mode: 'mode' },
  ...{ 'd/one': 'number one', 'd/two': 'number two', 'd/sub/three': 'number three', 'gone/x': 'x' },
};

/** A rename, a swap, a moved and changed directory, removals, edits, new files, copies and attributes. */
const BY_HAND = `
  mv a x; mv b a; mv x b
  mv c renamed
  mv d moved; rm moved/one; echo more > moved/more; mv moved/sub .
  rm -r gone
  echo new content > .t; mv .t e
  cp same .t; chmod 600 .t; mv .t same
  mkdir -p n/m; echo fresh > n/m/fresh; cp renamed n/copy; cp -l renamed n/link; ln -s m n/s; : > n/empty
  chmod 711 mode
`;

test.each(isHeavy ? rounds : rounds.filter((round) => SMALL.includes(round)))(
  'a sync killed at %s leaves the tree as people made it; the next one adopts it, and all is sound',
  (round) =>
    withArchive(async (archive, source) => {
      await makeTree(archive, source);
      const before = snapshot(archive);

      const [step, time] = round.split('@');
      const killed = await hkfs(['sync', '-a', archive], { failpoint: `${step}=kill@${time}` });
      expect({ signal: killed.signal, why: killed.signal ? '' : say(killed) }).toEqual({
        signal: 'SIGKILL',
        why: '',
      });
      expect(snapshot(archive)).toEqual(before);

      await row<SyncSummary>(['sync', '-a', archive]);
      expect(snapshot(archive)).toEqual(before);
      expect(await row(['sync', '-a', archive])).toMatchObject({ operation: null });
      await expectSound(archive);
      const names = (await rows<EntryRow>(['ls', '-R', '-a', archive])).map(({ path }) => path);
      expect(names.toSorted()).toEqual([...before.keys()].toSorted());
      expect((await row<{ entry: EntryRow }>(['stat', 't/mode', '-a', archive])).entry.mode).toBe(0o711);
    }),
  60_000,
);

async function makeTree(archive: string, source: string): Promise<void> {
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    writeFileSync(join(source, path), content);
  }
  await row(['ingest', source, '--to', 't', '-a', archive]);
  execFileSync('sh', ['-ec', BY_HAND], { cwd: join(archive, 't') });
}

/** Names, and what is in them. */
function snapshot(archive: string): Map<string, string> {
  const script = `find . -path ./.hkfs -prune -o -mindepth 1 -printf '%P %y %l ' \\( -type f -exec md5sum '{}' ';' -o -printf '\\n' \\)`;
  const lines = execFileSync('sh', ['-ec', script], { cwd: archive, encoding: 'utf8' }).trimEnd().split('\n');
  return new Map(lines.map((line) => [line.split(' ')[0]!, line]));
}
