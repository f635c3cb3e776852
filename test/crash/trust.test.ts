/** Random writes through links, kills and good copies: no content that was taken in is nowhere. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { hashBytes } from '../../src/fs/hash.js';
import { describe as say, hkfs, withArchive } from './hkfs.js';
import { printSeed, randomFrom, seed, some } from './random.js';

const FILES = 12;
const ROUNDS = 6;
const KILLS = [
  'commit.appended',
  'commit.views',
  'tree.link',
  'commit.tree',
  'source.release',
  'object.named',
];

printSeed('trust');

test.each(some([0, 1, 2, 3], 1))(
  'objects written to between ingests, kills and changes of names lose no good copy that is moved (run %d)',
  (run) =>
    withArchive(async (archive, source) => {
      const random = randomFrom(seed + run);
      const pick = (count: number): number => Math.floor(random() * count);
      const contents = Array.from({ length: FILES }, (_, at) => `content ${at} of ${seed}`);
      for (let round = 0; round < ROUNDS; round += 1) {
        fs.rmSync(source, { recursive: true, force: true });
        fs.mkdirSync(source, { recursive: true });
        for (const [at, content] of contents.entries()) fs.writeFileSync(join(source, `${at}`), content);
        const mode = ['copy', 'link', 'move', 'assimilate'][pick(4)]!;
        const ingest = ['ingest', source, '--mode', mode, '-a', archive];
        const failpoint = pick(2) === 0 ? `${KILLS[pick(KILLS.length)]}=kill@${1 + pick(3)}` : undefined;
        const ended = await hkfs(ingest, { failpoint });
        if (failpoint === undefined) expect(say(ended)).toMatch(/^ended with 0\n/);
        expectNowhereLost(contents, archive, source);
        for (const path of objectsOf(archive)) if (pick(4) === 0) scribble(path, pick(3));
        if (pick(2) === 0) {
          await hkfs(['rm', `source/${pick(FILES)}`, '--yes', '-a', archive]);
          if (pick(2) === 0) await hkfs(['undo', '--yes', '-a', archive]);
        }
        // What was written into an object through the source's own name is that person's doing.
        if (mode === 'link') fs.rmSync(source, { recursive: true });
        fs.mkdirSync(source, { recursive: true });
        for (const [at, content] of contents.entries()) writeAnew(join(source, `${at}`), content);
        const last = await hkfs(['ingest', source, '--mode', 'move', '-a', archive]);
        expect(say(last)).toMatch(/^ended with 0\n/);
        expectNowhereLost(contents, archive, source);
      }
    }),
  300_000,
);

function writeAnew(path: string, content: string): void {
  fs.rmSync(path, { force: true });
  fs.writeFileSync(path, content);
}

/** Each content is under its name in the hash tree, or still a source. */
function expectNowhereLost(contents: readonly string[], archive: string, source: string): void {
  const lost = contents.filter((content, at) => {
    const hash = hashBytes(Buffer.from(content)).toString('hex');
    const object = join(archive, '.hkfs/objects', hash.slice(0, 2), hash.slice(2));
    return ![object, join(source, `${at}`)].some((path) => isThere(path, content));
  });
  expect(lost).toEqual([]);
}

function isThere(path: string, content: string): boolean {
  return fs.existsSync(path) && fs.readFileSync(path, 'utf8') === content;
}

function objectsOf(archive: string): string[] {
  const objects = join(archive, '.hkfs/objects');
  return fs
    .readdirSync(objects, { recursive: true, encoding: 'utf8' })
    .map((name) => join(objects, name))
    .filter((path) => fs.lstatSync(path).isFile());
}

/** In place: other bytes and the times as they were, other bytes, or more bytes. */
function scribble(path: string, how: number): void {
  const { mode } = fs.statSync(path);
  const times = `${path.slice(0, path.lastIndexOf('/'))}/times`;
  if (how === 0) execFileSync('touch', ['-r', path, times]);
  fs.chmodSync(path, 0o644);
  if (how === 2) fs.appendFileSync(path, 'more');
  else {
    const fd = fs.openSync(path, 'r+');
    fs.writeSync(fd, 'X', 0);
    fs.closeSync(fd);
  }
  if (how === 0) execFileSync('touch', ['-r', times, path]);
  fs.rmSync(times, { force: true });
  fs.chmodSync(path, mode);
}
