/** What a file is, told from its first bytes and never from its name. */
import { BLOCK, isZeroBlock, parseHeader } from './header.js';

export type Compression = 'gzip' | 'zstd' | 'xz' | 'bzip2';

const COMPRESSIONS: readonly (readonly [Compression, RegExp])[] = [
  ['gzip', /^\x1f\x8b\x08/],
  // A frame, or one that holds no content and comes before it.
  ['zstd', /^(?:\x28|[\x50-\x5f])(?:\xb5\x2f\xfd|\x2a\x4d\x18)/],
  ['xz', /^\xfd7zXZ\0/],
  ['bzip2', /^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/],
];

/** What hkfs does not unpack, by the names that people know. */
const FOREIGN: readonly (readonly [string, RegExp])[] = [
  ['LZ4', /^\x04\x22\x4d\x18/],
  ['lzip', /^LZIP/],
  ['compress (.Z)', /^\x1f\x9d/],
  ['lzop', /^\x89LZO/],
  ['LZMA', /^\x5d\0\0/],
  ['ZIP', /^PK\x03\x04/],
  ['7-Zip', /^7z\xbc\xaf/],
  ['RAR', /^Rar!/],
];

/** Endings that people give to tars, the compressed ones as well. */
const TAR_ENDING = /\.(?:tar(?:\.[a-z0-9]{1,4})?|tgz|tpz|taz|tbz2?|tz2|txz|tlz|tzst)$/i;

/** Enough bytes of a file to tell what it is. */
export const HEAD_BYTES = 2 * BLOCK;

export function compressionOf(head: Buffer): Compression | null {
  const text = head.toString('latin1', 0, 16);
  return COMPRESSIONS.find(([, magic]) => magic.test(text))?.[0] ?? null;
}

export function foreignCompressionOf(head: Buffer): string | null {
  const text = head.toString('latin1', 0, 16);
  return FOREIGN.find(([, magic]) => magic.test(text))?.[0] ?? null;
}

/**
 * `tar`: begins with a header, or with one that is damaged but says `ustar`; `empty`: the end marker of
 * a tar without members, which may as well be a file of zeros.
 */
export function looksLike(head: Buffer): 'tar' | 'empty' | 'other' {
  if (head.length < BLOCK) return 'other';
  const block = head.subarray(0, BLOCK);
  if (parseHeader(block) !== null) return 'tar';
  if (isZeroBlock(block))
    return head.length >= HEAD_BYTES && isZeroBlock(head.subarray(BLOCK)) ? 'empty' : 'other';
  return head.toString('latin1', 257, 262) === 'ustar' ? 'tar' : 'other';
}

export function hasTarName(name: string): boolean {
  return TAR_ENDING.test(name);
}

/** The name of the tree that a tar becomes: `home.tar.gz` becomes `home`. */
export function treeName(name: string): string {
  const bare = name.replace(TAR_ENDING, '').replace(/(?<=.)\.(?:gz|zst|xz|bz2)$/i, '');
  return bare === '' || bare === '.' || bare === '..' ? name : bare;
}
