/** Files of `.hkfs/outside`: each may be deleted, and one that is not as it was written counts as absent. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { errnoOf } from '../../errors.js';
import { hashBytes } from '../../fs/hash.js';
import { toFsPath } from '../../fs/names.js';
import { SESSION_ID } from '../../fs/session.js';
import type { Layout } from '../layout.js';

const MAGIC = Buffer.from('hkfsout1');
/** Magic, then the BLAKE3 of what follows. */
const HEADER_BYTES = MAGIC.length + 32;
/** The archive's file system takes no cache: it is full, read-only, or a writer swept staging. */
const TOLERATED = new Set(['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT']);

/** Empty where there is none, or another version, or one that a power cut tore. */
export function readChecked(path: string): Uint8Array<ArrayBuffer> {
  const nothing = new Uint8Array(0);
  try {
    const file = readFileSync(toFsPath(path));
    if (!file.subarray(0, MAGIC.length).equals(MAGIC)) return nothing;
    // A copy, so that its numbers are aligned.
    const content = new Uint8Array(file.subarray(HEADER_BYTES));
    return hashBytes(content).equals(file.subarray(MAGIC.length, HEADER_BYTES)) ? content : nothing;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'EACCES') return nothing;
    throw error;
  }
}

/** Best effort: without it the next run takes as long as this one. */
export function writeChecked(layout: Layout, path: string, content: Uint8Array): void {
  // In staging, where the next writer removes what a kill leaves.
  const staged = `${layout.staging}/outside-${SESSION_ID}`;
  try {
    mkdirSync(toFsPath(layout.outside), { recursive: true });
    writeFileSync(toFsPath(staged), Buffer.concat([MAGIC, hashBytes(content), content]));
    renameSync(toFsPath(staged), toFsPath(path));
  } catch (error) {
    if (!TOLERATED.has(errnoOf(error) ?? '')) throw error;
  }
}
