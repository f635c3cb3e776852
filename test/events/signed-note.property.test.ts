import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HkfsError } from '../../src/errors.js';
import { encodeCheckpoint, parseCheckpoint, verifyCheckpoint } from '../../src/events/checkpoint.js';
import {
  formatSignerKey,
  formatVerifierKey,
  openNote,
  parseSignerKey,
  parseVerifierKey,
  signerKey,
  signNote,
} from '../../src/events/signed-note.js';

// The example in the documentation of golang.org/x/mod/sumdb/note.
const SIGNER = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const VERIFIER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const NOTE = `${TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
const name = fc.oneof(fc.stringMatching(/^[a-z0-9./-]{1,30}$/), fc.constantFrom('hkfs/é', '名前', 'a—b'));
const noteText = fc
  .array(fc.stringMatching(/^[ -~é—\u{1F600}]{0,20}$/u), { minLength: 1, maxLength: 6 })
  .map((lines) => `${lines.join('\n')}\n`);
const head = fc.record({
  size: fc.maxSafeNat(),
  root: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
});

const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof HkfsError) return error.code;
    throw error;
  }
};

describe('a signed note', () => {
  test("Go's example is signed and opened to the byte", () => {
    expect(signNote(TEXT, parseSignerKey(SIGNER))).toBe(NOTE);
    expect(openNote(NOTE, parseVerifierKey(VERIFIER))).toBe(TEXT);
    expect(formatVerifierKey(parseSignerKey(SIGNER).verifier)).toBe(VERIFIER);
  });

  test("the verifier key of Go's checksum database is read", () => {
    const text = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
    expect(formatVerifierKey(parseVerifierKey(text))).toBe(text);
  });

  test('any key has texts that give it back', () => {
    fc.assert(
      fc.property(name, seed, (keyName, bytes) => {
        const key = signerKey(keyName, bytes);
        expect(parseSignerKey(formatSignerKey(key))).toEqual(key);
        expect(parseVerifierKey(formatVerifierKey(key.verifier))).toEqual(key.verifier);
      }),
    );
  });

  test('any text comes back from its note, empty lines and signature-like lines in it too', () => {
    fc.assert(
      fc.property(noteText, seed, (text, bytes) => {
        const key = signerKey('a.example', bytes);
        const twice = signNote(text, key);
        expect(openNote(twice, key.verifier)).toBe(text);
        expect(openNote(signNote(twice, key), key.verifier)).toBe(twice);
      }),
    );
  });

  test('signatures of strangers beside ours are ignored, and a broken one of ours is not', () => {
    const [ours, other] = [signerKey('a', Buffer.alloc(32, 1)), signerKey('a', Buffer.alloc(32, 2))];
    const lineOf = (note: string): string => note.slice(note.lastIndexOf('\n\n') + 2);
    const note = `${TEXT}\n${lineOf(signNote('x\n', other))}${lineOf(signNote(TEXT, ours))}`;
    expect(openNote(note, ours.verifier)).toBe(TEXT);
    expect(codeOf(() => openNote(note, other.verifier))).toBe('BAD_SIGNATURE');
    expect(codeOf(() => openNote(note, signerKey('b', Buffer.alloc(32, 1)).verifier))).toBe('KEY_MISMATCH');
  });

  test('sixteen signatures are accepted, a hundred and one are not', () => {
    const key = signerKey('a', Buffer.alloc(32, 1));
    const note = signNote(TEXT, key);
    const line = note.slice(note.lastIndexOf('\n\n') + 2);
    expect(openNote(note + line.repeat(15), key.verifier)).toBe(TEXT);
    expect(codeOf(() => openNote(note + line.repeat(100), key.verifier))).toBe('BAD_NOTE');
  });

  test.each(['', 'two words', 'pl+us', 'tab\t', 'nbsp\u00a0', 'nel\u0085', 'nul\0', '\udc80'])(
    'a key named %j is refused',
    (bad) => {
      expect(codeOf(() => signerKey(bad, Buffer.alloc(32)))).toBe('BAD_KEY');
    },
  );

  test.each(['no newline', 'tab\t\n', 'cr\r\n', 'nul\0\n', '\udc80\n'])('a text %j is refused', (bad) => {
    expect(codeOf(() => signNote(bad, signerKey('a', Buffer.alloc(32))))).toBe('BAD_NOTE');
  });

  test('every change of one character of a key or a note is refused, and nothing else is thrown', () => {
    const at = fc.nat(NOTE.length - 1);
    const other = fc.oneof(
      fc.string({ minLength: 0, maxLength: 2 }),
      fc.constantFrom('\n', ' ', '+', '=', '—'),
    );
    fc.assert(
      fc.property(at, other, (index, replacement) => {
        const note = NOTE.slice(0, index) + replacement + NOTE.slice(index + 1);
        fc.pre(note !== NOTE);
        expect(codeOf(() => openNote(note, parseVerifierKey(VERIFIER)))).toBeDefined();
        const key = VERIFIER.slice(0, index) + replacement + VERIFIER.slice(index + 1);
        if (key !== VERIFIER && index < VERIFIER.length)
          expect(codeOf(() => openNote(NOTE, parseVerifierKey(key)))).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  test('anything at all is refused as a key and as a note, and nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        expect(codeOf(() => parseVerifierKey(text))).toBe('BAD_KEY');
        expect(codeOf(() => parseSignerKey(text))).toBe('BAD_KEY');
        expect(codeOf(() => openNote(text, parseVerifierKey(VERIFIER)))).toBe('BAD_NOTE');
      }),
    );
  });

  test('a private key is refused where a public one is wanted, and is not repeated in the message', () => {
    expect(() => parseVerifierKey(SIGNER)).toThrow(/private key/);
    expect(() => parseSignerKey(SIGNER.replace('c74f', 'c74e'))).toThrow(/^(?!.*AYEK)/);
  });
});

describe('a checkpoint', () => {
  test('any head comes back from its signed checkpoint', () => {
    fc.assert(
      fc.property(head, seed, (given, bytes) => {
        const key = signerKey('hkfs/id', bytes);
        const note = encodeCheckpoint(given, key);
        expect(verifyCheckpoint(note, key.verifier)).toEqual({ origin: 'hkfs/id', ...given });
        expect(verifyCheckpoint(note, formatVerifierKey(key.verifier))).toEqual({
          origin: 'hkfs/id',
          ...given,
        });
      }),
    );
  });

  test('of another log than its key is named after, or than the one asked for, is refused', () => {
    const key = signerKey('hkfs/a', Buffer.alloc(32));
    const root = Buffer.alloc(32).toString('base64');
    const note = signNote(`hkfs/b\n1\n${root}\n`, key);
    expect(codeOf(() => verifyCheckpoint(note, key.verifier))).toBe('WRONG_ORIGIN');
    expect(verifyCheckpoint(note, key.verifier, 'hkfs/b').size).toBe(1);
    expect(codeOf(() => verifyCheckpoint(note, key.verifier, 'hkfs/c'))).toBe('WRONG_ORIGIN');
  });

  const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
  test("the specification's example is read, extension lines too", () => {
    const text = `example.com/behind-the-sofa\n20852163\n${root}\n`;
    expect(parseCheckpoint(text)).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 });
    expect(parseCheckpoint(`${text}more\n`).size).toBe(20_852_163);
  });

  test.each([
    ['no origin', `\n1\n${root}\n`],
    ['leading zeros', `a\n01\n${root}\n`],
    ['a sign', `a\n-1\n${root}\n`],
    ['more than 2^53 leaves', `a\n9007199254740993\n${root}\n`],
    ['no root', 'a\n1\n'],
    ['a short root', 'a\n1\nAAAA\n'],
    ['a root that is not canonical base64', `a\n1\n${root.replace('2I=', '2J=')}\n`],
    ['an empty extension line', `a\n1\n${root}\n\nmore\n`],
    ['no final newline', `a\n1\n${root}`],
  ])('with %s is refused', (_what, text) => {
    expect(codeOf(() => parseCheckpoint(text))).toBe('BAD_NOTE');
  });
});
