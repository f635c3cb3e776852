/** Giving a written file its name without ever replacing one, on whatever file system. */
import * as fs from 'node:fs';
import { errnoOf } from '../../errors.js';
import type { Posix } from '../../fs/posix.js';
import { renameByLink } from '../../fs/rename-no-replace.js';
import { toFsPath } from '../../fs/names.js';

const NO_LINKS = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK']);

/** @returns false where the name was taken; the file then keeps its old one */
export function nameWithoutReplacing(from: string, to: string, posix: Posix | null): boolean {
  try {
    if (posix) posix.renameNoReplace(from, to);
    else renameByLink(from, to);
    return true;
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno === 'EEXIST') return false;
    if (!NO_LINKS.has(errno)) throw error;
    return nameUnderClaim(from, to);
  }
}

/** A claim lasts for a rename; one so old was left by a kill. */
const STALE_CLAIM_MS = 60_000;

/** FAT and its like have neither way: the first to make the claim names the file. */
function nameUnderClaim(from: string, to: string): boolean {
  const claim = toFsPath(`${to}.claim`);
  try {
    fs.mkdirSync(claim);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return afterOthersClaim(from, to);
  }
  try {
    if (fs.lstatSync(toFsPath(to), { throwIfNoEntry: false })) return false;
    fs.renameSync(toFsPath(from), toFsPath(to));
    return true;
  } finally {
    fs.rmdirSync(claim);
  }
}

function afterOthersClaim(from: string, to: string): boolean {
  if (fs.lstatSync(toFsPath(to), { throwIfNoEntry: false })) return false;
  const claim = toFsPath(`${to}.claim`);
  const stat = fs.lstatSync(claim, { throwIfNoEntry: false });
  if (stat !== undefined && Date.now() - stat.mtimeMs < STALE_CLAIM_MS)
    throw Object.assign(new Error(`EBUSY: somebody else is making ${to}`), { code: 'EBUSY', path: to });
  if (stat !== undefined) fs.rmdirSync(claim);
  return nameUnderClaim(from, to);
}
