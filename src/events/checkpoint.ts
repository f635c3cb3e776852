/**
 * Checkpoints (https://c2sp.org/tlog-checkpoint): a signed note whose text is the log's origin, its size
 * and the base64 of its RFC 6962 root, a line each; then, as an extension line, what the last commit record hashes
 * to, because no leaf of the tree has it (earlier versions wrote none). The origin of an archive is `hkfs/<archive id>`, and
 * its key has the same name, as the specification recommends.
 */
import { HkfsError } from '../errors.js';
import { fromBase64, toBase64 } from './base64.js';
import { HASH_BYTES } from './merkle.js';
import { openNote, parseVerifierKey, signNote, type SignerKey, type VerifierKey } from './signed-note.js';
import type { CommitHead } from './types.js';

export interface Checkpoint extends CommitHead {
  /** Which log it is. */
  readonly origin: string;
}

const COMMIT = 'hkfs/commit ';

export function originOf(archiveId: string): string {
  return `hkfs/${archiveId}`;
}

/** The signed note of a head, in the name of the key. */
export function encodeCheckpoint({ size, root, commit }: CommitHead, key: SignerKey): string {
  const extension = commit === undefined ? '' : `${COMMIT}${toBase64(Buffer.from(commit, 'hex'))}\n`;
  return signNote(`${key.verifier.name}\n${size}\n${toBase64(Buffer.from(root, 'hex'))}\n${extension}`, key);
}

/**
 * The head that a signed checkpoint states.
 *
 * @param key as parsed, or its text
 * @param origin which log it has to be; unless told, the one that the key is named after
 * @throws HkfsError BAD_KEY, BAD_NOTE, KEY_MISMATCH, BAD_SIGNATURE; WRONG_ORIGIN when it is of another log
 */
export function verifyCheckpoint(note: string, key: VerifierKey | string, origin?: string): Checkpoint {
  const verifier = typeof key === 'string' ? parseVerifierKey(key.trim()) : key;
  const checkpoint = parseCheckpoint(openNote(note, verifier));
  const expected = origin ?? verifier.name;
  if (checkpoint.origin === expected) return checkpoint;
  throw new HkfsError('WRONG_ORIGIN', `a checkpoint of ${checkpoint.origin}, and not of ${expected}`, {
    hint: 'take the checkpoint and the key of the same archive',
  });
}

/**
 * The text of a note as a checkpoint. Other extension lines than ours are allowed and mean nothing here.
 *
 * @throws HkfsError BAD_NOTE
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, size, encoded, ...extensions] = text.split('\n').slice(0, -1);
  const root = fromBase64(encoded ?? '');
  if (origin === undefined || origin === '' || !text.endsWith('\n')) throw noCheckpoint('it names no log');
  // Without leading zeros, so that a head has one text.
  if (size === undefined || !/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)))
    throw noCheckpoint('its size is no number');
  if (root?.length !== HASH_BYTES) throw noCheckpoint('its root is no hash');
  if (extensions.includes('')) throw noCheckpoint('it has an empty line');
  return { origin, size: Number(size), root: root.toString('hex'), ...commitIn(extensions) };
}

function commitIn(extensions: readonly string[]): { commit?: string } {
  const ours = extensions.filter((line) => line.startsWith(COMMIT));
  if (ours.length === 0) return {};
  const hash = fromBase64(ours[0]!.slice(COMMIT.length));
  if (ours.length > 1 || hash?.length !== HASH_BYTES) throw noCheckpoint('its commit is no hash');
  return { commit: hash.toString('hex') };
}

function noCheckpoint(what: string): HkfsError {
  return new HkfsError('BAD_NOTE', `not a checkpoint: ${what}`, {
    hint: 'the file is another one, or was cut off or altered on its way',
  });
}
