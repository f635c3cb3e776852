/** The files of proofs, heads and keys on the real filesystem, and the heads that people type. */
import { isUtf8 } from 'node:buffer';
import { rmSync, writeFileSync } from 'node:fs';
import { errnoOf, HkfsError } from '../errors.js';
import { parseVerifierKey, type VerifierKey } from '../events/signed-note.js';
import { describeFsError, isOfDisk } from '../fs/errors.js';
import { toFsPath } from '../fs/names.js';
import { readRegular } from '../fs/open-regular.js';
import type { KnownHead } from './api.js';

/** @throws HkfsError NOT_FOUND, BAD_PROOF for what is no text */
export function readProofFile(path: string): string {
  const bytes = readBytes(path);
  if (isUtf8(bytes)) return bytes.toString();
  throw new HkfsError('BAD_PROOF', `${path} is no text`, {
    hint: 'proofs and signed heads are small texts; see `hkfs prove`',
  });
}

/** A proof names what is in the archive: for its owner alone. Never replaces a file. @throws HkfsError FILE_EXISTS and what the file system refuses */
export function writeProofFile(path: string, text: string): void {
  const target = toFsPath(path);
  try {
    writeFileSync(target, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST')
      throw new HkfsError('FILE_EXISTS', `${path} is there already`, { hint: 'name another file' });
    if (errnoOf(error) === 'ENOENT')
      throw new HkfsError('NOT_FOUND', `there is no folder for ${path}`, { hint: 'make it first' });
    // Half a proof is none.
    if (isOfDisk(errnoOf(error) ?? '')) rmSync(target, { force: true });
    throw describeFsError(error, path);
  }
}

/** A verifier key as it is, or the file that has it. @throws HkfsError BAD_KEY, NOT_FOUND */
export function readVerifierKey(keyOrPath: string): VerifierKey {
  const isKey = /^[^/+\s][^+\s]*\+[0-9a-f]{8}\+/.test(keyOrPath) || keyOrPath.startsWith('PRIVATE+KEY+');
  return parseVerifierKey((isKey ? keyOrPath : readBytes(keyOrPath).toString('latin1')).trim());
}

/**
 * A head as people have it: `SIZE:ROOT`, `@POSITION`, or a file with a signed one.
 *
 * @throws HkfsError NOT_FOUND, BAD_PROOF
 */
export function readKnownHead(text: string): KnownHead {
  const head = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (head !== null) return { size: Number(head[1]), root: head[2]! };
  const position = /^@(\d{1,15})$/.exec(text);
  if (position !== null) return { position: Number(position[1]) };
  return { checkpoint: readProofFile(text) };
}

/** As {@link readKnownHead}, and only a size. */
export function readSince(text: string): KnownHead {
  return /^\d{1,15}$/.test(text) ? { position: Number(text) - 1 } : readKnownHead(text);
}

function readBytes(path: string): Buffer {
  try {
    return readRegular(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'ENOENT' && errno !== 'EISDIR' && errno !== 'ENAMETOOLONG')
      throw describeFsError(error, path);
    throw new HkfsError('NOT_FOUND', `there is no file ${path}`, {
      hint: 'name a file, or write the key itself (NAME+ID+BASE64) or the head (SIZE:ROOT)',
    });
  }
}
