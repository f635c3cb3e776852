/**
 * Of which hash a manifest is that does not say it: 64 digits are BLAKE3 or SHA-256. The digest of no bytes
 * tells it, and so does any digest that the archive knows.
 */
import type { ContainsOptions } from '../api.js';
import type { ArchivePlace } from './archive-place.js';
import type { Manifest } from './manifest.js';
import { emptyDigest, Translation } from './other-hashes.js';

/** Digests of one question: any that is known ends the doubt. */
const SAMPLE = 10_000;

export interface Settled {
  readonly manifest: Manifest;
  /** Null of BLAKE3. */
  readonly translation: Translation | null;
}

/** Reads the archive's contents once where the manifest is of another hash, or may be. */
export async function settleAlgorithm(
  place: ArchivePlace,
  manifest: Manifest,
  options: ContainsOptions,
): Promise<Settled> {
  if (!manifest.isGuess) {
    const isOther = manifest.algorithm !== 'blake3';
    return { manifest, translation: isOther ? await Translation.make(place, manifest, options) : null };
  }
  const blake3 = { manifest: { ...manifest, isGuess: false }, translation: null };
  if (await looksLikeBlake3(place, manifest, options)) return blake3;
  const sha256 = { ...manifest, algorithm: 'sha256', isGuess: false } as const;
  const translation = await Translation.make(place, sha256, options);
  if (
    hasDigest(sha256, emptyDigest('sha256')) ||
    sha256.entries.some(({ digest }) => translation.has(digest))
  )
    return { manifest: sha256, translation };
  const text = 'no digest of the manifest is of anything here, neither as BLAKE3 nor as SHA-256';
  options.onMessage?.({ level: 'warning', code: 'NO_DIGEST_KNOWN', text });
  return blake3;
}

async function looksLikeBlake3(
  place: ArchivePlace,
  manifest: Manifest,
  { at }: ContainsOptions,
): Promise<boolean> {
  if (hasDigest(manifest, emptyDigest('blake3'))) return true;
  if (hasDigest(manifest, emptyDigest('sha256'))) return false;
  const reader = await place.open();
  try {
    for (let from = 0; from < manifest.entries.length; from += SAMPLE) {
      const hashes = manifest.entries.slice(from, from + SAMPLE).map(({ digest }) => digest);
      for await (const _found of reader.lookUp(hashes, at === undefined ? {} : { at })) return true;
    }
  } finally {
    await reader.close();
  }
  return false;
}

function hasDigest({ entries }: Manifest, digest: string): boolean {
  return entries.some((entry) => entry.digest === digest);
}
