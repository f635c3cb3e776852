/** What an archive signs and proves, and how it is checked without the archive. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { CheckedProof, Proof, SignedHead } from '../../src/archive/api.js';
import { hasTool, scratchDirectory, testWhen } from '../fs/scratch.js';
import { Box, hkfs, isStopped, saying, until } from './hkfs.js';

const FILES = 200;
const scratch = scratchDirectory();
let box: Box;
let key: string;
let oldHead: string;

const here = (name: string): string => join(box.path, name);
const read = (name: string): string => readFileSync(here(name), 'utf8');
const check = (...args: string[]): ReturnType<typeof hkfs> =>
  hkfs(['check-proof', ...args], { cwd: box.path });

/** Below /, with no archive anywhere near. */
function checked(name: string, ...args: string[]): CheckedProof {
  const { status, stdout } = hkfs(['check-proof', here(name), '--json', '--key', key, ...args], { cwd: '/' });
  const row = JSON.parse(stdout) as CheckedProof;
  expect(status).toBe(row.holds ? 0 : 1);
  return row;
}

function write(name: string, text: string): string {
  writeFileSync(here(name), text);
  return name;
}

beforeAll(() => {
  box = Box.make(scratch.path).write({ 'd/first': 'first' });
  box.ingest();
  key = readFileSync(box.tree('.hkfs/keys/archive.pub'), 'utf8').trim();
  oldHead = box.head().trim().replace(' ', ':');
  write('old.txt', box.run('head', '--signed').stdout);
  box.write(Object.fromEntries(Array.from({ length: FILES }, (_, at) => [`d/file ${at}`, `content ${at}`])));
  box.ingest();
});

describe('a signed head', () => {
  test('is that of the log, and holds wherever it is checked', () => {
    const [head] = box.rows<SignedHead>('head', '--signed');
    expect(box.head()).toBe(`${head!.size} ${head!.root}\n`);
    write('head.txt', box.run('head', '--signed').stdout);
    expect(read('head.txt')).toBe(head!.checkpoint);
    const { size, root } = head!;
    expect(checked('head.txt')).toMatchObject({ holds: true, kind: 'checkpoint', size, root });
  });

  test('is signed also while another process writes', async () => {
    box.write({ 'd/later': 'later' });
    const holder = box.start(['ingest', box.source, '--to', 'held'], {
      HKFS_FAILPOINT: 'commit.append=pause@2',
    });
    await until(() => isStopped(holder.pid), 'the pause before the second commit');
    const asked = box.start(['prove', '@3', '--wait']);
    process.kill(holder.pid, 'SIGCONT');
    const { stdout, status } = await asked.ended;
    expect(status).toBe(0);
    await holder.ended;
    write('held.txt', stdout);
    expect(checked('held.txt')).toMatchObject({ holds: true, position: 3 });
  });
});

describe('an inclusion proof', () => {
  test('of any event holds and shows the event', () => {
    const types = box.rows<{ type: string }>('log').map(({ type }) => type);
    for (const position of [0, 256, types.length - 1]) {
      write('event', box.run('prove', `@${position}`).stdout);
      expect(checked('event')).toMatchObject({ holds: true, position, event: { type: types[position] } });
    }
  });

  test('goes to a new file with -o, and never over one that is there', () => {
    const [row] = box.rows<Proof & { file: string }>('prove', '@2', '-o', 'new.tlog-proof');
    expect(row).toMatchObject({ kind: 'inclusion', position: 2, file: 'new.tlog-proof' });
    expect(checked('new.tlog-proof').holds).toBe(true);
    const again = box.run('prove', '@3', '-o', 'new.tlog-proof');
    expect(again.status).toBe(2);
    expect(again.stderr).toMatch(saying('FILE_EXISTS'));
    expect(checked('new.tlog-proof').position).toBe(2);
  });

  test('holds no more when its event, its position, a hash or the head is altered', () => {
    const proof = box.run('prove', '@9').stdout;
    const lines = proof.split('\n');
    const other = box.run('prove', '@10').stdout.split('\n');
    for (const at of [1, 3, 6]) {
      write('altered', lines.map((line, index) => (index === at ? other[at]! : line)).join('\n'));
      expect(checked('altered').holds).toBe(at === 6);
    }
    write('altered', proof.replace('index 9', 'index 10'));
    expect(checked('altered').reason).toMatch(/does not have this event at @10/);
    write('altered', proof.replace(/\n(\d+)\n/, '\n1$1\n'));
    expect(checked('altered').reason).toMatch(/signature/);
  });
});

describe('a consistency proof', () => {
  test('from a signed head, from its size and root, and from its position is the same', () => {
    const proofs = ['old.txt', oldHead, `@${Number(oldHead.split(':')[0]) - 1}`].map(
      (head) => box.run('prove', '--since', head).stdout,
    );
    write('since', proofs[0]!);
    expect(new Set(proofs).size).toBe(1);
    expect(checked('since', '--since', here('old.txt'))).toMatchObject({ holds: true, kind: 'consistency' });
    expect(checked('since', '--since', oldHead).holds).toBe(true);
    expect(
      checked(
        'since',
        '--since',
        oldHead.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      ),
    ).toMatchObject({ holds: false });
  });

  test('cannot be had from a head that the log never had', () => {
    const [size, root] = oldHead.split(':');
    for (const head of [`${Number(size) - 1}:${root}`, `99999:${root}`]) {
      const { status, stderr } = box.run('prove', '--since', head);
      expect([status, stderr]).toEqual([1, expect.stringMatching(saying('HEAD_DIFFERS'))]);
    }
  });
});

describe('bad input', () => {
  const bad = (title: string, act: () => ReturnType<typeof hkfs>, code: string): void =>
    test(`${title} is ${code}`, () => {
      const { status, stdout, stderr } = act();
      expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(saying(code))]);
    });
  const proof = (): string => box.run('prove', '@5').stdout;
  const withKey = (text: string, of = key): ReturnType<typeof hkfs> => check(write('bad', text), '--key', of);
  const STRANGER = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';

  bad('a proof of nothing', () => box.run('prove'), 'USAGE');
  bad('a proof of two things', () => box.run('prove', '@1', '--since', oldHead), 'USAGE');
  bad('an event that is no position', () => box.run('prove', 'yesterday'), 'USAGE');
  bad('an event beyond the log', () => box.run('prove', '@999999'), 'BAD_MOMENT');
  bad('a head of nothing', () => box.run('prove', '--since', `0:${'0'.repeat(64)}`), 'BAD_MOMENT');
  bad('a head in no file', () => box.run('prove', '--since', 'nosuch'), 'NOT_FOUND');
  bad('a head in a file of something else', () => box.run('prove', '--since', 'source/d/first'), 'BAD_NOTE');
  bad('a key that is none', () => withKey(proof(), 'hkfs/x+00000000+AAAA'), 'BAD_KEY');
  bad('a key in no file', () => withKey(proof(), 'nosuch'), 'NOT_FOUND');
  bad('a private key', () => withKey(proof(), box.tree('.hkfs/keys/archive')), 'BAD_KEY');
  bad('a key that has not signed', () => withKey(proof(), STRANGER), 'KEY_MISMATCH');
  bad('a proof in no file', () => check('nosuch', '--key', key), 'NOT_FOUND');
  bad('a proof without a key', () => check('bad'), 'USAGE');
  bad('a proof that was cut off', () => withKey(proof().slice(0, 200)), 'BAD_PROOF');
  bad('a proof without its signature', () => withKey(proof().slice(0, -40)), 'BAD_NOTE');
});

test('an archive from before there were keys and kept subtrees gets both when it first proves something', () => {
  const older = Box.make(scratch.path).write({ 'd/first': 'first' });
  older.ingest();
  rmSync(older.tree('.hkfs/keys'), { recursive: true });
  const { status, stdout } = older.run('prove', '@3');
  expect(status).toBe(0);
  writeFileSync(join(older.path, 'proof'), stdout);
  const args = ['check-proof', join(older.path, 'proof'), '--key', older.tree('.hkfs/keys/archive.pub')];
  expect(hkfs(args).status).toBe(0);
  older.expectSound();
});

test('the head of one archive is not taken for that of another', () => {
  const other = Box.make(scratch.path);
  rmSync(other.tree('.hkfs/keys'), { recursive: true });
  const { status, stderr } = other.run('prove', '--since', here('old.txt'));
  expect([status, stderr]).toEqual([2, expect.stringMatching(saying('KEY_MISMATCH'))]);
});

testWhen(hasTool('python3') && hasTool('openssl'), 'no python3 or no openssl')(
  'the program in docs/proofs.md, which knows nothing of hkfs, accepts and refuses the same',
  () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/proofs.md'), 'utf8');
    const program = /```python\n([^`]*)```/.exec(page)![1]!;
    const python = (text: string): string => {
      const args = ['-c', program, key, here(write('strange', text))];
      return execFileSync('python3', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    };
    const inclusion = box.run('prove', '@77').stdout;
    const consistency = box.run('prove', '--since', '@200').stdout;
    expect([inclusion, consistency].map(python)).toEqual(['holds\n', 'holds\n']);
    expect(() => python(inclusion.replace('index 77', 'index 76'))).toThrow(/Command failed/);
    expect(() => python(consistency.replace('old 201', 'old 202'))).toThrow(/Command failed/);
  },
);
