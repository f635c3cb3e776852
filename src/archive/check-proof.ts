/** Checking what an archive has proved or signed, with its public key and nothing else. */
import { HkfsError, isHkfsError, counted } from '../errors.js';
import { parseCheckpoint, verifyCheckpoint, type Checkpoint } from '../events/checkpoint.js';
import { decodeEvent } from '../events/codec.js';
import { leafHash } from '../events/merkle.js';
import { verifyConsistency, verifyInclusion } from '../events/merkle-proofs.js';
import {
  parseProof,
  type ConsistencyText,
  type InclusionText,
  type ProofText,
} from '../events/proof-text.js';
import { splitNote, type VerifierKey } from '../events/signed-note.js';
import type { Head } from '../events/types.js';
import type { CheckedProof, KnownHead } from './api.js';
import { plain } from './plain-values.js';

/**
 * Whether a proof, or a signed head alone, holds.
 *
 * @param since the older head that somebody wrote down: the proof has to begin from it
 * @throws HkfsError BAD_PROOF, BAD_NOTE for what is neither; KEY_MISMATCH, WRONG_ORIGIN
 */
export function checkProof(
  text: string,
  key: VerifierKey,
  options: { since?: KnownHead | undefined } = {},
): CheckedProof {
  const proof = parseProof(text);
  const since = options.since === undefined ? undefined : headOf(options.since, key);
  const { checkpoint, isSigned } = openCheckpoint(proof.checkpoint, key);
  const { origin, size, root, commit } = checkpoint;
  const reason = isSigned
    ? (whyNot(proof, checkpoint) ?? notSince(proof, checkpoint, since))
    : `the signature by ${key.name} is not that of this head`;
  const verdict = reason === null ? { holds: true } : { holds: false, reason };
  return {
    ...{ ...verdict, kind: proof.kind, origin, size, root },
    ...(commit !== undefined && { commit }),
    ...detailsOf(proof),
  };
}

/** A signed head that does not have its signature is read all the same, to be told about. */
function openCheckpoint(note: string, key: VerifierKey): { checkpoint: Checkpoint; isSigned: boolean } {
  try {
    return { checkpoint: verifyCheckpoint(note, key), isSigned: true };
  } catch (error) {
    if (!isHkfsError(error, 'BAD_SIGNATURE')) throw error;
    return { checkpoint: parseCheckpoint(splitNote(note).text), isSigned: false };
  }
}

function headOf(known: KnownHead, key: VerifierKey): Head {
  if ('checkpoint' in known) return verifyCheckpoint(known.checkpoint, key);
  if ('size' in known) return known;
  throw new HkfsError('USAGE', 'without the archive nobody knows which head a position stands for', {
    hint: 'write SIZE:ROOT, or name a file with a signed head',
  });
}

function whyNot(proof: ProofText, { size, root }: Head): string | null {
  if (proof.kind === 'checkpoint') return null;
  return proof.kind === 'inclusion'
    ? whyNotIncluded(proof, { size, root })
    : whyNotConsistent(proof, { size, root });
}

function whyNotIncluded({ position, leaf, hashes }: InclusionText, { size, root }: Head): string | null {
  const claim = { leafIndex: position, treeSize: size, leafHash: leafHash(leaf), proof: hashes };
  if (verifyInclusion({ ...claim, root: Buffer.from(root, 'hex') })) return null;
  return `the signed history of ${counted(size, 'event')} does not have this event at @${position}`;
}

function whyNotConsistent({ since, hashes }: ConsistencyText, { size, root }: Head): string | null {
  const roots = { root1: Buffer.from(since.root, 'hex'), root2: Buffer.from(root, 'hex') };
  if (verifyConsistency({ size1: since.size, size2: size, ...roots, proof: hashes })) return null;
  return `the older head of ${counted(since.size, 'event')} is not shown to be a beginning of the signed history of ${size}`;
}

/** The head that was written down is the one that the proof is about: the older one, or that of the checkpoint. */
function notSince(proof: ProofText, checkpoint: Head, since: Head | undefined): string | null {
  if (since === undefined) return null;
  const { size, root } = proof.kind === 'consistency' ? proof.since : checkpoint;
  if (size === since.size && root === since.root) return null;
  return `it is about the head ${size}:${root}, not about the one that was given`;
}

function detailsOf(proof: ProofText): Partial<CheckedProof> {
  if (proof.kind === 'consistency') return { since: proof.since };
  return proof.kind === 'inclusion' ? { position: proof.position, event: eventIn(proof) } : {};
}

function eventIn({ leaf, position }: InclusionText): CheckedProof['event'] {
  try {
    const { type, ...fields } = decodeEvent(leaf, position);
    return { type, data: plain(fields) as Record<string, unknown> };
  } catch (error) {
    // Bytes of a newer hkfs, or of a proof that does not hold anyway.
    if (isHkfsError(error)) return null;
    throw error;
  }
}
