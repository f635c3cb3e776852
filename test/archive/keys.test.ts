/** The key of an archive: made once, its owner's alone, and the archive's name in it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { archiveKey, keyProblem, makeKey, readSeed } from '../../src/archive/keys.js';
import { layoutOf, type ArchiveFile, type Layout } from '../../src/archive/layout.js';
import { readKnownHead, readVerifierKey, writeProofFile } from '../../src/archive/proof-files.js';
import { formatSignerKey, formatVerifierKey, signerKey } from '../../src/events/signed-note.js';
import { codeThrownBy, hasTool, scratchDirectory, testWhen } from '../fs/scratch.js';

const scratch = scratchDirectory();
const file: ArchiveFile = { format: 1, id: 'some-id', hash: 'blake3-256', created: '' };
const seed = Buffer.alloc(32, 7);
let layout: Layout;
let made = 0;

beforeEach(() => {
  layout = layoutOf(join(scratch.path, `archive-${(made += 1)}`));
  mkdirSync(layout.hkfs, { recursive: true });
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('the key of an archive', () => {
  test('is for its owner alone, and its public half for everybody', () => {
    makeKey(layout, 'some-id', seed);
    expect([modeOf(layout.keys), modeOf(`${layout.keys}/archive`)]).toEqual([0o700, 0o600]);
    const { verifier } = signerKey('hkfs/some-id', seed);
    expect(readFileSync(`${layout.keys}/archive.pub`, 'utf8')).toBe(`${formatVerifierKey(verifier)}\n`);
    expect(archiveKey({ layout, file }).verifier).toEqual(verifier);
  });

  test('of an archive that has none is made once, and stays', () => {
    const first = archiveKey({ layout, file });
    expect(first.verifier.name).toBe('hkfs/some-id');
    expect(archiveKey({ layout, file })).toEqual(first);
  });

  test('a key whose public half is missing gets it again', () => {
    makeKey(layout, 'some-id', seed);
    rmSync(`${layout.keys}/archive.pub`);
    archiveKey({ layout, file });
    expect(existsSync(`${layout.keys}/archive.pub`)).toBe(true);
  });

  test('a public half that is not that of the key is written again', () => {
    makeKey(layout, 'some-id', seed);
    const before = readFileSync(`${layout.keys}/archive.pub`, 'utf8');
    writeFileSync(`${layout.keys}/archive.pub`, 'something else\n');
    archiveKey({ layout, file });
    expect(readFileSync(`${layout.keys}/archive.pub`, 'utf8')).toBe(before);
  });

  test.each([
    ['of other bytes', () => formatVerifierKey(signerKey('hkfs/some-id', Buffer.alloc(32, 8)).verifier)],
    ['of another name', () => formatVerifierKey(signerKey('hkfs/other', seed).verifier)],
  ])('with a public half %s, whole in itself, is KEY_DAMAGED, and neither is replaced', (_what, other) => {
    makeKey(layout, 'some-id', seed);
    expect(keyProblem({ layout, file })).toBeNull();
    writeFileSync(`${layout.keys}/archive.pub`, other());
    expect(codeThrownBy(() => archiveKey({ layout, file }))).toBe('KEY_DAMAGED');
    expect(readFileSync(`${layout.keys}/archive.pub`, 'utf8')).toBe(other());
    expect(keyProblem({ layout, file })).toMatch(/do not belong together|is the key of/);
  });

  test('any byte of either half that is another is told by its file', () => {
    makeKey(layout, 'some-id', seed);
    for (const name of ['archive', 'archive.pub']) {
      const path = `${layout.keys}/${name}`;
      const good = readFileSync(path);
      for (let at = 0; at < good.length - 1; at += 1) {
        const bytes = Buffer.from(good);
        bytes[at]! ^= 1 << (at % 7);
        writeFileSync(path, bytes);
        expect({ at, problem: keyProblem({ layout, file }) }).toEqual({
          at,
          problem: expect.stringContaining(path),
        });
      }
      writeFileSync(path, good);
    }
    expect(keyProblem({ layout, file })).toBeNull();
  });

  test('that is lost while others may have its public half is not replaced unasked', () => {
    makeKey(layout, 'some-id', seed);
    rmSync(`${layout.keys}/archive`);
    expect(codeThrownBy(() => archiveKey({ layout, file }))).toBe('BAD_KEY');
    expect(existsSync(`${layout.keys}/archive`)).toBe(false);
  });

  test('of another archive is refused, and a damaged one is not replaced', () => {
    makeKey(layout, 'other-id', seed);
    expect(codeThrownBy(() => archiveKey({ layout, file }))).toBe('KEY_MISMATCH');
    writeFileSync(`${layout.keys}/archive`, 'PRIVATE+KEY+half');
    expect(codeThrownBy(() => archiveKey({ layout, file }))).toBe('BAD_KEY');
    expect(readFileSync(`${layout.keys}/archive`, 'utf8')).toBe('PRIVATE+KEY+half');
  });
});

describe('an existing key', () => {
  const at = (text: string): string => {
    const path = join(layout.hkfs, 'given');
    writeFileSync(path, text);
    return path;
  };

  test('is read as a signer key of any name', () => {
    expect(readSeed(at(`${formatSignerKey(signerKey('me.example', seed))}\n`))).toEqual(seed);
  });

  test.each([
    ['nothing', ''],
    ['a public key', formatVerifierKey(signerKey('me.example', seed).verifier)],
    ['a broken PEM', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
  ])('that is %s is refused', (_what, text) => {
    expect(codeThrownBy(() => readSeed(at(text)))).toBe('BAD_KEY');
  });

  test('that is not there, or a directory, is NOT_FOUND', () => {
    expect(codeThrownBy(() => readSeed(join(layout.hkfs, 'nosuch')))).toBe('NOT_FOUND');
    expect(codeThrownBy(() => readSeed(layout.hkfs))).toBe('NOT_FOUND');
  });

  testWhen(hasTool('openssl'), 'no openssl')("of openssl's is read, one of another kind is not", () => {
    const made = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8' });
    const path = at(made('genpkey', '-algorithm', 'ed25519'));
    const der = execFileSync('openssl', ['pkey', '-in', path, '-pubout', '-outform', 'DER']);
    expect(signerKey('x', readSeed(path)).verifier.publicKey).toEqual(der.subarray(-32));
    expect(codeThrownBy(() => readSeed(at(made('genpkey', '-algorithm', 'x25519'))))).toBe('BAD_KEY');
  });
});

describe('what people type', () => {
  const { verifier } = signerKey('hkfs/some-id', seed);

  test('a key is taken as it is or from its file', () => {
    makeKey(layout, 'some-id', seed);
    expect(readVerifierKey(formatVerifierKey(verifier))).toEqual(verifier);
    expect(readVerifierKey(`${layout.keys}/archive.pub`)).toEqual(verifier);
    expect(codeThrownBy(() => readVerifierKey(`${layout.keys}/archive`))).toBe('BAD_KEY');
    expect(codeThrownBy(() => readVerifierKey(`${layout.keys}/nosuch`))).toBe('NOT_FOUND');
  });

  test('a head is a size and a root, a position, or a file', () => {
    const root = 'ab'.repeat(32);
    expect(readKnownHead(`12:${root}`)).toEqual({ size: 12, root });
    expect(readKnownHead('@12')).toEqual({ position: 12 });
    expect(codeThrownBy(() => readKnownHead(`12:${root.toUpperCase()}`))).toBe('NOT_FOUND');
    writeFileSync(join(layout.hkfs, 'head'), Buffer.from([0xff]));
    expect(codeThrownBy(() => readKnownHead(join(layout.hkfs, 'head')))).toBe('BAD_PROOF');
  });

  test('a file that is there is never replaced by a proof', () => {
    const path = join(layout.hkfs, 'proof');
    writeProofFile(path, 'one\n');
    expect(codeThrownBy(() => writeProofFile(path, 'two\n'))).toBe('FILE_EXISTS');
    expect(readFileSync(path, 'utf8')).toBe('one\n');
  });
});
