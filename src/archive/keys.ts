/**
 * The key that signs for an archive: `.hkfs/keys/archive`, its owner's alone, and beside it the public
 * half for everybody else. Only the process that holds the archive makes one, so there is never a race.
 */
import { createPrivateKey, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { errnoOf, HkfsError, isHkfsError } from '../errors.js';
import { originOf } from '../events/checkpoint.js';
import {
  formatSignerKey,
  formatVerifierKey,
  parseSignerKey,
  parseVerifierKey,
  SEED_BYTES,
  signerKey,
  type SignerKey,
  type VerifierKey,
} from '../events/signed-note.js';
import { fsyncDirectory, writeFileDurably } from '../fs/durable.js';
import { describeFsError } from '../fs/errors.js';
import { failpoint } from '../fs/failpoints.js';
import { toFsPath } from '../fs/names.js';
import { readRegular } from '../fs/open-regular.js';
import type { ArchiveFile, Layout } from './layout.js';

/**
 * The key of an archive. One that was made before there were keys gets its own now.
 *
 * @throws HkfsError BAD_KEY, KEY_MISMATCH, KEY_DAMAGED and what the file system refuses
 */
export function archiveKey({ layout, file }: { layout: Layout; file: ArchiveFile }): SignerKey {
  const { path, publicPath } = pathsOf(layout);
  if (!existsSync(toFsPath(path))) {
    if (existsSync(toFsPath(publicPath))) throw lost(path);
    return makeKey(layout, file.id, randomBytes(SEED_BYTES));
  }
  const key = parseSignerKey(readText(path).trim());
  const { name } = key.verifier;
  if (name !== originOf(file.id))
    throw new HkfsError('KEY_MISMATCH', `${path} is the key of ${name}, not of ${originOf(file.id)}`, {
      hint: 'bring the key of this archive back from a backup; without it, move the wrong one away and a new one is made',
    });
  const open = readPublicKey(publicPath);
  if (typeof open === 'object' && open !== null && !isSameKey(open, key.verifier))
    throw new HkfsError('KEY_DAMAGED', notAPair(layout), { hint: WHICH_HALF });
  writePublicKey(layout, key);
  return key;
}

/** What is wrong with the keys beside an archive, for people; null: nothing, and where there are none. */
export function keyProblem({ layout, file }: { layout: Layout; file: ArchiveFile }): string | null {
  const { path, publicPath } = pathsOf(layout);
  const open = readPublicKey(publicPath);
  if (open === 'damaged') return `${publicPath} is damaged: \`hkfs recover\` writes it anew`;
  if (open !== null && open.name !== originOf(file.id)) return `${publicPath} is the key of ${open.name}`;
  if (!existsSync(toFsPath(path))) return null;
  try {
    const { verifier } = parseSignerKey(readText(path).trim());
    if (verifier.name !== originOf(file.id)) return `${path} is the key of ${verifier.name}`;
    return open === null || isSameKey(open, verifier) ? null : `${notAPair(layout)}: ${WHICH_HALF}`;
  } catch (error) {
    if (!isHkfsError(error, 'BAD_KEY')) throw error;
    return `${path} is damaged: bring it back from a backup`;
  }
}

const WHICH_HALF =
  'bring the half that others know back from a copy; a remote has the public one. Without either, move the wrong one away';

function notAPair({ keys }: Layout): string {
  return `the two halves of the key in ${keys} do not belong together`;
}

function isSameKey(one: VerifierKey, other: VerifierKey): boolean {
  return one.name === other.name && one.publicKey.equals(other.publicKey);
}

/** Null: there is none. */
function readPublicKey(path: string): VerifierKey | 'damaged' | null {
  if (!existsSync(toFsPath(path))) return null;
  try {
    return parseVerifierKey(readText(path).trim());
  } catch (error) {
    if (isHkfsError(error, 'BAD_KEY') || isHkfsError(error, 'NOT_FOUND')) return 'damaged';
    throw error;
  }
}

/** The private key first: a public one without it would be of no use to anybody. */
export function makeKey(layout: Layout, archiveId: string, seed: Uint8Array): SignerKey {
  const key = signerKey(originOf(archiveId), seed);
  try {
    mkdirSync(toFsPath(layout.keys), { mode: 0o700, recursive: true });
    fsyncDirectory(layout.hkfs);
    writeFileDurably(pathsOf(layout).path, Buffer.from(`${formatSignerKey(key)}\n`), 0o600);
    failpoint('key.private');
    writePublicKey(layout, key);
  } catch (error) {
    throw describeFsError(error, layout.keys);
  }
  return key;
}

/**
 * The 32 bytes of an existing key: a signer key of a signed note under any name, or PKCS #8 as
 * `openssl genpkey -algorithm ed25519` writes it.
 *
 * @throws HkfsError BAD_KEY, NOT_FOUND
 */
export function readSeed(path: string): Buffer {
  const text = readText(path);
  if (!text.startsWith('-----BEGIN')) return parseSignerKey(text.trim()).seed;
  try {
    const { kty, crv, d } = createPrivateKey(text).export({ format: 'jwk' });
    if (kty === 'OKP' && crv === 'Ed25519' && d !== undefined) return Buffer.from(d, 'base64url');
  } catch {
    // Whatever OpenSSL says of it, it is not what was asked for.
  }
  throw new HkfsError('BAD_KEY', `${path} has no Ed25519 private key that can be read`, {
    hint: 'make one with `openssl genpkey -algorithm ed25519`; one with a passphrase cannot be used',
  });
}

/** Where it is missing, or is not that of the private key. */
function writePublicKey(layout: Layout, key: SignerKey): void {
  const { publicPath } = pathsOf(layout);
  const text = `${formatVerifierKey(key.verifier)}\n`;
  if (existsSync(toFsPath(publicPath)) && readText(publicPath) === text) return;
  writeFileDurably(publicPath, Buffer.from(text), 0o644);
}

function pathsOf({ keys }: Layout): { path: string; publicPath: string } {
  return { path: `${keys}/archive`, publicPath: `${keys}/archive.pub` };
}

/** A new key would make everybody who has the old public one doubt the archive. */
function lost(path: string): HkfsError {
  return new HkfsError('BAD_KEY', `the private key ${path} is missing, its public half is there`, {
    hint: 'bring it back from a backup; without one, move archive.pub away and a new key is made',
  });
}

function readText(path: string): string {
  try {
    return readRegular(path).toString('utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'ENOENT' && errno !== 'EISDIR') throw describeFsError(error, path);
    throw new HkfsError('NOT_FOUND', `there is no file ${path}`, { hint: 'name the file of the key' });
  }
}
