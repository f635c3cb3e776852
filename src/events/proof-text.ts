/**
 * Proofs as small texts (docs/proofs.md). Inclusion is a C2SP tlog-proof (https://c2sp.org/tlog-proof)
 * whose extra line has the event's stored bytes. For consistency there is no such format: this one is
 * the request of https://c2sp.org/tlog-witness below a line that names it and with the older root.
 */
import { HkfsError } from '../errors.js';
import { fromBase64, toBase64 } from './base64.js';
import { HASH_BYTES } from './merkle.js';
import type { Head, Position } from './types.js';

const INCLUSION = 'c2sp.org/tlog-proof@v1';
const CONSISTENCY = 'hkfs/consistency-proof@v1';
/** More levels has no tree of fewer than 2^53 leaves; a consistency proof may have one line more. */
const MAX_HASHES = 54;

export interface InclusionText {
  readonly kind: 'inclusion';
  readonly position: Position;
  /** The event as it is stored. */
  readonly leaf: Buffer;
  readonly hashes: readonly Buffer[];
  /** A signed note. */
  readonly checkpoint: string;
}
export interface ConsistencyText {
  readonly kind: 'consistency';
  readonly since: Head;
  readonly hashes: readonly Buffer[];
  readonly checkpoint: string;
}
/** No proof of its own: a signed head, as `hkfs head --signed` writes it. */
export interface CheckpointText {
  readonly kind: 'checkpoint';
  readonly checkpoint: string;
}
export type ProofText = InclusionText | ConsistencyText | CheckpointText;

export function formatProof(proof: ProofText): string {
  if (proof.kind === 'checkpoint') return proof.checkpoint;
  const { hashes, checkpoint } = proof;
  return [...headerOf(proof), ...hashes.map(toBase64), '', checkpoint].join('\n');
}

/**
 * What the text says; nothing of it is verified. A text that begins otherwise is taken for a checkpoint.
 *
 * @throws HkfsError BAD_PROOF
 */
export function parseProof(text: string): ProofText {
  const first = text.slice(0, text.indexOf('\n'));
  if (first !== INCLUSION && first !== CONSISTENCY) return { kind: 'checkpoint', checkpoint: text };
  const end = text.indexOf('\n\n');
  if (end < 0) throw badProof('no blank line and no checkpoint stand behind it');
  const lines = text.slice(0, end).split('\n');
  const checkpoint = text.slice(end + 2);
  const [second, third] = [valueOf(lines[1], first === INCLUSION ? 'extra' : 'old'), lines[2]];
  const hashes = hashesIn(lines.slice(3));
  if (first === CONSISTENCY) {
    const root = hashOf(valueOf(third, 'root')).toString('hex');
    return { kind: 'consistency', since: { size: numberOf(second), root }, hashes, checkpoint };
  }
  const leaf = fromBase64(second);
  if (leaf === null) throw badProof('its event is not base64');
  return { kind: 'inclusion', position: numberOf(valueOf(third, 'index')), leaf, hashes, checkpoint };
}

function headerOf(proof: InclusionText | ConsistencyText): string[] {
  if (proof.kind === 'inclusion')
    return [INCLUSION, `extra ${toBase64(proof.leaf)}`, `index ${proof.position}`];
  const { size, root } = proof.since;
  return [CONSISTENCY, `old ${size}`, `root ${toBase64(Buffer.from(root, 'hex'))}`];
}

function valueOf(line: string | undefined, word: string): string {
  if (line?.startsWith(`${word} `) === true) return line.slice(word.length + 1);
  throw badProof(`its line "${word}" is missing`);
}

/** Without leading zeros, as C2SP has it. */
function numberOf(text: string): number {
  const value = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw badProof(`${JSON.stringify(text)} is no number`);
  return value;
}

function hashesIn(lines: readonly string[]): Buffer[] {
  if (lines.length > MAX_HASHES) throw badProof('it has more hashes than any log has levels');
  return lines.map(hashOf);
}

function hashOf(text: string): Buffer {
  const hash = fromBase64(text);
  if (hash?.length !== HASH_BYTES) throw badProof('a line that is to be a hash is none');
  return hash;
}

function badProof(what: string): HkfsError {
  return new HkfsError('BAD_PROOF', `not a proof: ${what}`, {
    hint: 'the file is another one, or was cut off or altered on its way',
  });
}
