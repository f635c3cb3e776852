/**
 * How much is taken from a remote, which anybody may have written: docs/remote-format.md, "Bounds", has the
 * same numbers. What is longer is damaged, and is never read to its end.
 */
import { HkfsError } from '../../errors.js';

/** `hkfs-remote.json`, keys, claims and checkpoints have some hundred bytes. */
export const MAX_SMALL_FILE = 64 << 10;
/** Segments end at 8 MiB, but a commit is never cut. */
export const MAX_SEGMENT = 256 << 20;
/** Of a read that says nothing else. */
export const MAX_READ = 256 << 20;
/** A longer content is not read in its compressed form; hkfs compresses up to 1 MiB. */
export const MAX_UNPACKED = 64 << 20;
/** Of a bundle: one string of V8 takes no more. It has a line of some 160 bytes for each blob. */
export const MAX_INDEX = 511 << 20;
/** Names of one kind that one archive has at a remote: checkpoints, claims, log segments. */
export const MAX_NAMES = 1 << 20;
/** Archives at one remote. */
export const MAX_ARCHIVES = 10_000;

/** As long as Zstandard makes that many bytes at worst (ZSTD_compressBound), and room for many frames. */
export function packedBound(size: number): number {
  return size + (size >> 8) + (64 << 10);
}

/** @throws HkfsError REMOTE_DAMAGED */
export function refuseLonger(name: string, size: number, max: number): void {
  if (size > max) throw tooLong(name, max);
}

export function tooLong(name: string, max: number): HkfsError {
  return new HkfsError('REMOTE_DAMAGED', `${name} has more bytes than it can have, ${max}`, {
    hint: 'the file was replaced or damaged: bring it back from a copy of the remote',
  });
}
