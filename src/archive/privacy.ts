/** Who may look into an archive: objects are 0444, whatever the modes of the sources were. */
import { chmodSync, statSync } from 'node:fs';
import { toFsPath } from '../fs/names.js';

/** To list it, or to reach what is in it. */
const OTHERS_READ_OR_ENTER = 0o055;
const OWNER_ALONE = 0o700;

/** Whether the folder itself lets others than its owner in; what is above it may still keep them out. */
export function isOpenToOthers(root: string): boolean {
  return (statSync(toFsPath(root)).mode & OTHERS_READ_OR_ENTER) !== 0;
}

/** @throws the errno of chmod: only its owner may */
export function makePrivate(root: string): void {
  if (isOpenToOthers(root)) chmodSync(toFsPath(root), OWNER_ALONE);
}
