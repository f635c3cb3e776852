/**
 * Signed notes (https://c2sp.org/signed-note): a text, a blank line, and signature lines
 * `— <key name> <base64(key ID || signature)>`. Ed25519 only, signature type 0x01, in the text forms of
 * keys that Go's sumdb/note made common:
 *
 * - verifier key: `<name>+<key ID, 8 hex digits>+<base64(0x01 || public key)>`
 * - signer key: `PRIVATE+KEY+<name>+<key ID>+<base64(0x01 || seed)>`
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { HkfsError } from '../errors.js';
import { fromBase64, toBase64 } from './base64.js';

/** What checks signatures: public. */
export interface VerifierKey {
  readonly name: string;
  /** SHA-256(name || 0x0A || 0x01 || public key), its first four bytes, big-endian. */
  readonly keyId: number;
  /** 32 bytes (RFC 8032). */
  readonly publicKey: Buffer;
}

/** What makes signatures: secret. */
export interface SignerKey {
  readonly verifier: VerifierKey;
  /** 32 bytes, the private key of RFC 8032 section 5.1.5. */
  readonly seed: Buffer;
}

const ED25519 = 0x01;
export const SEED_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;
/** More than the 16 that the specification wants accepted, and an end to what a stranger may ask for. */
const MAX_SIGNATURES = 100;
// RFC 8410: the ASN.1 around the 32 bytes of an Ed25519 key.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const SIGNER_PREFIX = 'PRIVATE+KEY+';

/** @param seed 32 random bytes. @throws HkfsError BAD_KEY for a name that the specification refuses */
export function signerKey(name: string, seed: Uint8Array): SignerKey {
  if (seed.length !== SEED_BYTES) throw badKey(`a seed has ${SEED_BYTES} bytes, not ${seed.length}`);
  const der = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
  return { verifier: verifierKey(name, der.subarray(SPKI_PREFIX.length)), seed: Buffer.from(seed) };
}

/** @throws HkfsError BAD_KEY */
export function verifierKey(name: string, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name)) throw badKey(`"${name}" is no name of a key`);
  if (publicKey.length !== SEED_BYTES) throw badKey(`a public key has ${SEED_BYTES} bytes`);
  return { name, keyId: keyIdOf(name, publicKey), publicKey: Buffer.from(publicKey) };
}

export function formatVerifierKey({ name, keyId, publicKey }: VerifierKey): string {
  return `${name}+${hexId(keyId)}+${toBase64(Buffer.from([ED25519, ...publicKey]))}`;
}

export function formatSignerKey({ verifier, seed }: SignerKey): string {
  const { name, keyId } = verifier;
  return `${SIGNER_PREFIX}${name}+${hexId(keyId)}+${toBase64(Buffer.from([ED25519, ...seed]))}`;
}

/** @throws HkfsError BAD_KEY, also for a signer key: it is to stay where it is */
export function parseVerifierKey(text: string): VerifierKey {
  if (text.startsWith(SIGNER_PREFIX))
    throw badKey('this is a private key; checking wants the public one (.pub)');
  const { name, id, key } = keyParts(text, 'verifier');
  const parsed = verifierKey(name, key);
  if (hexId(parsed.keyId) !== id) throw badKey('the ID in the verifier key is not the ID of its key');
  return parsed;
}

/** @throws HkfsError BAD_KEY; the message never has the key in it */
export function parseSignerKey(text: string): SignerKey {
  if (!text.startsWith(SIGNER_PREFIX)) throw badKey(`a signer key begins with ${SIGNER_PREFIX}`);
  const { name, id, key } = keyParts(text.slice(SIGNER_PREFIX.length), 'signer');
  const parsed = signerKey(name, key);
  if (hexId(parsed.verifier.keyId) !== id) throw badKey('the ID in the signer key is not the ID of its key');
  return parsed;
}

/** The note: the text and one signature. @throws HkfsError BAD_NOTE for a text that no note can have */
export function signNote(text: string, { verifier, seed }: SignerKey): string {
  if (!isNoteText(text)) throw badNote('its text has control characters or does not end in a newline');
  const signature = sign(null, Buffer.from(text), privateKeyOf(seed));
  return `${text}\n— ${verifier.name} ${toBase64(Buffer.concat([idBytes(verifier.keyId), signature]))}\n`;
}

/**
 * The text of a note that this key has signed, final newline included. Signatures of other keys are
 * ignored, as the specification wants; one of this key that does not hold spoils the whole note.
 *
 * @throws HkfsError BAD_NOTE when it is no note, KEY_MISMATCH when this key has not signed it,
 *   BAD_SIGNATURE when the signature is not that of the text
 */
export function openNote(note: string, key: VerifierKey): string {
  const { text, signatures } = splitNote(note);
  const own = signatures.filter(({ name, keyId }) => name === key.name && keyId === key.keyId);
  if (own.length === 0) throw mismatch(key, signatures);
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, key.publicKey]),
    format: 'der',
    type: 'spki',
  });
  for (const { signature } of own)
    if (signature.length !== SIGNATURE_BYTES || !verify(null, Buffer.from(text), publicKey, signature))
      throw new HkfsError('BAD_SIGNATURE', `the signature by ${key.name} is not that of the text`, {
        hint: 'the text or its signature was altered: get the file again from where it came from',
      });
  return text;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  readonly signature: Buffer;
}

/** A note taken apart, nothing of it verified. @throws HkfsError BAD_NOTE */
export function splitNote(note: string): { text: string; signatures: NoteSignature[] } {
  const end = note.lastIndexOf('\n\n');
  if (end < 0) throw badNote('no blank line stands before signatures');
  const text = note.slice(0, end + 1);
  const after = note.slice(end + 2);
  if (!isNoteText(text) || !after.endsWith('\n'))
    throw badNote('it has other characters, or its end is missing');
  const lines = after.slice(0, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw badNote(`it has more than ${MAX_SIGNATURES} signatures`);
  return { text, signatures: lines.map(signatureOf) };
}

function signatureOf(line: string): NoteSignature {
  const [dash, name, encoded, ...rest] = line.split(' ');
  const bytes = fromBase64(encoded ?? '');
  if (dash !== '—' || name === undefined || !isKeyName(name) || rest.length > 0)
    throw badNote('a line after the blank one is no signature');
  if (bytes === null || bytes.length <= KEY_ID_BYTES) throw badNote('a signature is not base64');
  return { name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(KEY_ID_BYTES) };
}

function keyParts(text: string, kind: string): { name: string; id: string; key: Buffer } {
  // Base64 may have a plus, names and IDs have none.
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text);
  const bytes = match === null ? null : fromBase64(match[3]!);
  if (match === null || bytes === null) throw badKey(`this is no ${kind} key`);
  if (bytes[0] !== ED25519 || bytes.length !== 1 + SEED_BYTES)
    throw badKey(`this ${kind} key is of another kind than Ed25519`);
  return { name: match[1]!, id: match[2]!, key: bytes.subarray(1) };
}

function keyIdOf(name: string, publicKey: Uint8Array): number {
  return createHash('sha256')
    .update(`${name}\n`)
    .update(Uint8Array.of(ED25519))
    .update(publicKey)
    .digest()
    .readUInt32BE(0);
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

/** Non-empty, without Unicode spaces and plus; nothing below U+0020 either, for it is to stand in a note. */
function isKeyName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}+\p{Cc}]/u.test(name) && name.isWellFormed();
}

/** Valid UTF-8 without control characters below U+0020 but newlines, the last of which ends it. */
function isNoteText(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return text.endsWith('\n') && !/[\0-\t\v-\x1f]/.test(text) && text.isWellFormed();
}

function hexId(keyId: number): string {
  return keyId.toString(16).padStart(8, '0');
}

function idBytes(keyId: number): Buffer {
  const bytes = Buffer.alloc(KEY_ID_BYTES);
  bytes.writeUInt32BE(keyId);
  return bytes;
}

function mismatch(key: VerifierKey, signatures: readonly NoteSignature[]): HkfsError {
  const signers = signatures.map(({ name, keyId }) => `${name}+${hexId(keyId)}`).join(', ');
  return new HkfsError(
    'KEY_MISMATCH',
    `signed by ${signers}, and not by the key ${key.name}+${hexId(key.keyId)}`,
    { hint: 'check with the key of the archive that it came from: .hkfs/keys/archive.pub there' },
  );
}

function badKey(what: string): HkfsError {
  return new HkfsError('BAD_KEY', what, { hint: 'a verifier key is one line: NAME+ID+BASE64' });
}

function badNote(what: string): HkfsError {
  return new HkfsError('BAD_NOTE', `not a signed note: ${what}`, {
    hint: 'the file is another one, or was cut off or altered on its way',
  });
}
