/** Which attributes of a directory or an empty file on disk are a person's doing. */
import { umask } from 'node:process';
import type { Attributes } from '../../events/types.js';
import { OBJECT_MODE } from '../../fs/contents.js';
import type { FileStat } from '../../fs/stats.js';
import type { SeenDirectory } from './marks.js';

const SECOND_NS = 1_000_000_000n;
/** The first and last seconds of file systems that hold fewer than the log: 32 bits with a sign or without. */
const FIRST_SECOND = -(1n << 31n);
const LAST_SECONDS: ReadonlySet<bigint> = new Set([(1n << 31n) - 1n, (1n << 32n) - 1n]);

const MADE_MODE = 0o755;
const SETGID = 0o2000;

/**
 * Directories of the tree are made by hkfs, with its owner, as the umask says, and their times move with
 * every entry; what the source's were is in the log. So times are never adopted. Mode and owner are
 * where they differ from what they were when a sync saw them last; where none did, a mode that is
 * neither ours nor the recorded one.
 * @returns null when there is nothing to adopt
 */
export function directoryAttributes(
  recorded: Attributes,
  stat: FileStat,
  before: SeenDirectory | undefined,
): Attributes | null {
  const mode = Number(stat.mode) & 0o7777;
  const uid = Number(stat.uid);
  const gid = Number(stat.gid);
  if (before === undefined) {
    const plain = mode & ~SETGID;
    const isOurs = plain === MADE_MODE || plain === (MADE_MODE & ~umask());
    return isOurs || mode === recorded.mode ? null : { ...recorded, mode };
  }
  const changed = {
    ...(mode === before.mode || mode === recorded.mode ? {} : { mode }),
    ...(uid === before.uid || uid === recorded.uid ? {} : { uid, user: null }),
    ...(gid === before.gid || gid === recorded.gid ? {} : { gid, group: null }),
  };
  return Object.keys(changed).length === 0 ? null : { ...recorded, ...changed };
}

/** The file system of the tree does not hold the recorded time, and made it the nearest that it holds. */
function isNearest(recorded: bigint, there: bigint): boolean {
  const second = (there - (((there % SECOND_NS) + SECOND_NS) % SECOND_NS)) / SECOND_NS;
  return recorded < there ? second === FIRST_SECOND : LAST_SECONDS.has(second);
}

/** The tree's time is the recorded one but for rounding; its mode is ours unless somebody changed it. */
export function emptyAttributes(recorded: Attributes, stat: FileStat): Attributes | null {
  const mode = Number(stat.mode) & 0o7777;
  const difference = stat.mtimeNs - recorded.mtimeNs;
  const sameTime =
    (difference > -1_000_000n && difference < 1_000_000n) || isNearest(recorded.mtimeNs, stat.mtimeNs);
  const sameMode = mode === recorded.mode || (mode & OBJECT_MODE) === mode;
  if (sameTime && sameMode) return null;
  return {
    ...recorded,
    ...(sameMode ? {} : { mode }),
    ...(sameTime ? {} : { mtimeNs: stat.mtimeNs }),
  };
}
