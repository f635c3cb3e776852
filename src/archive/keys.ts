/**
 * The key that signs for an archive: `.hkfs/keys/archive`, its owner's alone, and beside it the public
 * half for everybody else. Only the process that holds the archive makes one, so there is never a race.
 */
import { createPrivateKey, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { errnoOf, HkfsError } from '../errors.js';
import { originOf } from '../events/checkpoint.js';
import {
  formatSignerKey,
  formatVerifierKey,
  parseSignerKey,
  SEED_BYTES,
  signerKey,
  type SignerKey,
} from '../events/signed-note.js';
import { fsyncDirectory, writeFileDurably } from '../fs/durable.js';
import { describeFsError } from '../fs/errors.js';
import { failpoint } from '../fs/failpoints.js';
import { toFsPath } from '../fs/names.js';
import type { ArchiveFile, Layout } from './layout.js';

/** The key of an archive. One that was made before there were keys gets its own now. */
export function archiveKey({ layout, file }: { layout: Layout; file: ArchiveFile }): SignerKey {
  const path = `${layout.keys}/archive`;
  if (!existsSync(toFsPath(path))) {
    refuseClone(layout);
    return makeKey(layout, file.id, randomBytes(SEED_BYTES));
  }
  const key = parseSignerKey(readText(path).trim());
  const { name } = key.verifier;
  if (name === originOf(file.id)) {
    writePublicKey(layout, key);
    return key;
  }
  throw new HkfsError('KEY_MISMATCH', `${path} is the key of ${name}, not of ${originOf(file.id)}`, {
    hint: 'bring the key of this archive back from a backup; without it, move the wrong one away and a new one is made',
  });
}

/** A clone has the public key only: a new private one would sign for the same log as if it were another. */
function refuseClone({ keys }: Layout): void {
  if (!existsSync(toFsPath(`${keys}/archive.pub`))) return;
  throw new HkfsError('KEY_MISMATCH', `the private key of this archive is not in ${keys}: this is a clone`, {
    hint: 'copy .hkfs/keys/archive from the archive itself; if it is lost, move archive.pub away as well: a new key is made, for new remotes',
  });
}

/** The private key first: a public one without it would be of no use to anybody. */
export function makeKey(layout: Layout, archiveId: string, seed: Uint8Array): SignerKey {
  const key = signerKey(originOf(archiveId), seed);
  try {
    mkdirSync(toFsPath(layout.keys), { mode: 0o700, recursive: true });
    fsyncDirectory(layout.hkfs);
    writeFileDurably(`${layout.keys}/archive`, Buffer.from(`${formatSignerKey(key)}\n`), 0o600);
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

function writePublicKey(layout: Layout, key: SignerKey): void {
  const path = `${layout.keys}/archive.pub`;
  if (existsSync(toFsPath(path))) return;
  writeFileDurably(path, Buffer.from(`${formatVerifierKey(key.verifier)}\n`), 0o644);
}

function readText(path: string): string {
  try {
    return readFileSync(toFsPath(path), 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'ENOENT' && errno !== 'EISDIR') throw describeFsError(error, path);
    throw new HkfsError('NOT_FOUND', `there is no file ${path}`, { hint: 'name the file of the key' });
  }
}
