/** Proofs are checked against everything that can happen to a small text on its way. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkProof } from '../../src/archive/check-proof.js';
import { HkfsError } from '../../src/errors.js';
import { encodeCheckpoint } from '../../src/events/checkpoint.js';
import { encodeEvent } from '../../src/events/codec.js';
import { leafHash } from '../../src/events/merkle.js';
import { formatProof, parseProof, type ProofText } from '../../src/events/proof-text.js';
import { signerKey, signNote } from '../../src/events/signed-note.js';
import type { HkfsEvent } from '../../src/events/types.js';
import { consistencyProof, inclusionProof, treeRoot } from '../events/merkle-twin.js';

const SIZE = 21;
const key = signerKey('hkfs/here', Buffer.alloc(32, 1));
const other = signerKey('hkfs/here', Buffer.alloc(32, 2));
const leaves = Array.from({ length: SIZE }, (_, at) => {
  const event: HkfsEvent = { type: 'path.removed', parent: 0, name: `name ${at}` };
  return Buffer.from(encodeEvent(event));
});
const hashes = leaves.map(leafHash);
const rootOf = (size: number): string => Buffer.from(treeRoot(hashes.slice(0, size))).toString('hex');
const head = { size: SIZE, root: rootOf(SIZE) };
const checkpoint = encodeCheckpoint(head, key);
const buffers = (all: Uint8Array[]): Buffer[] => all.map((each) => Buffer.from(each));

function inclusion(position: number): string {
  const proof = buffers(inclusionProof(hashes, position));
  return formatProof({ kind: 'inclusion', position, leaf: leaves[position]!, hashes: proof, checkpoint });
}

function consistency(size: number): string {
  const since = { size, root: rootOf(size) };
  const proof = buffers(consistencyProof(hashes, size, SIZE));
  return formatProof({ kind: 'consistency', since, hashes: proof, checkpoint });
}

/** `true`, `false`, or the code of the error: whatever else is thrown fails the test. */
function outcome(text: string, verifier = key.verifier): boolean | string {
  try {
    return checkProof(text, verifier).holds;
  } catch (error) {
    if (error instanceof HkfsError) return error.code;
    throw error;
  }
}

const REFUSALS = ['BAD_PROOF', 'BAD_NOTE', 'KEY_MISMATCH', 'WRONG_ORIGIN', false];
const position = fc.nat(SIZE - 1);
const text = fc.oneof(
  position.map(inclusion),
  position.map((at) => consistency(at + 1)),
  fc.constant(checkpoint),
);

describe('a proof', () => {
  test('of every event and every older head holds, and says what it proves', () => {
    for (let at = 0; at < SIZE; at += 1) {
      expect(checkProof(inclusion(at), key.verifier)).toMatchObject({
        ...{ holds: true, kind: 'inclusion', origin: 'hkfs/here', ...head, position: at },
        event: { type: 'path.removed', data: { name: `name ${at}` } },
      });
      const since = { size: at + 1, root: rootOf(at + 1) };
      expect(checkProof(consistency(at + 1), key.verifier, { since })).toEqual({
        ...{ holds: true, kind: 'consistency', origin: 'hkfs/here', ...head, since },
      });
    }
  });

  test('comes back from its text', () => {
    fc.assert(fc.property(text, (given) => expect(formatProof(parseProof(given))).toBe(given)));
  });

  test('cut off anywhere is refused', () => {
    fc.assert(
      fc.property(text, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (given, part) => {
        expect(REFUSALS).toContain(outcome(given.slice(0, Math.floor(part * given.length))));
      }),
    );
  });

  test('with any character changed, added or taken away is refused', () => {
    const replacement = fc.oneof(
      fc.string({ maxLength: 2 }),
      fc.constantFrom('\n', '\n\n', '=', '0', 'A', '—', '\ud800'),
    );
    fc.assert(
      fc.property(text, fc.nat(), replacement, (given, at, put) => {
        const index = at % given.length;
        const altered = given.slice(0, index) + put + given.slice(index + 1);
        fc.pre(altered !== given);
        expect(REFUSALS).toContain(outcome(altered));
      }),
      { numRuns: 2000 },
    );
  });

  test('with its lines in another order, doubled or left out is refused', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { minLength: 1, maxLength: 12 }), (given, order) => {
        const lines = given.split('\n');
        const altered = order.map((at) => lines[at % lines.length]).join('\n');
        fc.pre(altered !== given);
        expect(REFUSALS).toContain(outcome(altered));
      }),
      { numRuns: 500 },
    );
  });

  test('that is anything at all is refused, with or without the right first line', () => {
    const first = fc.constantFrom('', 'c2sp.org/tlog-proof@v1\n', 'hkfs/consistency-proof@v1\nold 1\n');
    fc.assert(
      fc.property(first, fc.string({ unit: 'binary', maxLength: 200 }), (start, rest) => {
        expect(REFUSALS).toContain(outcome(start + rest));
      }),
      { numRuns: 500 },
    );
  });

  test('signed by another key, or of another archive, is told apart from one that is false', () => {
    expect(outcome(inclusion(3), other.verifier)).toBe('KEY_MISMATCH');
    expect(outcome(inclusion(3), signerKey('hkfs/there', Buffer.alloc(32, 1)).verifier)).toBe('KEY_MISMATCH');
    const foreign = signNote(checkpoint.split('\n\n')[0]!.replace('here', 'there') + '\n', key);
    expect(outcome(inclusion(3).replace(checkpoint, foreign))).toBe('WRONG_ORIGIN');
  });

  test('of one event does not pass for another, nor an altered event for what was logged', () => {
    const proof = parseProof(inclusion(3)) as Extract<ProofText, { kind: 'inclusion' }>;
    expect(outcome(formatProof({ ...proof, position: 4 }))).toBe(false);
    expect(outcome(formatProof({ ...proof, position: SIZE }))).toBe(false);
    expect(outcome(formatProof({ ...proof, leaf: leaves[4]! }))).toBe(false);
    expect(outcome(formatProof({ ...proof, hashes: proof.hashes.toReversed() }))).toBe(false);
    expect(checkProof(formatProof({ ...proof, leaf: Buffer.from('?') }), key.verifier).event).toBeNull();
  });

  test('from another older head, or about another than the one asked for, does not hold', () => {
    const proof = parseProof(consistency(8)) as Extract<ProofText, { kind: 'consistency' }>;
    expect(outcome(formatProof({ ...proof, since: { size: 8, root: rootOf(7) } }))).toBe(false);
    expect(outcome(formatProof({ ...proof, since: { size: 0, root: rootOf(7) } }))).toBe(false);
    const since = { size: 8, root: rootOf(9) };
    expect(checkProof(consistency(8), key.verifier, { since }).holds).toBe(false);
    expect(checkProof(checkpoint, key.verifier, { since: { checkpoint } }).holds).toBe(true);
    expect(checkProof(checkpoint, key.verifier, { since }).holds).toBe(false);
    expect(() => checkProof(checkpoint, key.verifier, { since: { position: 3 } })).toThrow(/position/);
  });
});
