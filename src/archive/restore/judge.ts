/** What becomes of one entry, given what stands at its place: values only, nothing is touched. */
import type { Attributes, EntryEvent, EntryKind, Xattr } from '../../events/types.js';
import { modeWithAcl } from '../../fs/posix-acl.js';
import type { FileStat } from '../../fs/stats.js';
import type { InodeId } from '../../projections/keys.js';
import { kindOf } from '../../projections/namespace.js';
import type { RestoreOverwrite } from '../api.js';

/** What was found at a place of the target. */
export interface Standing {
  readonly kind: EntryKind;
  readonly stat: FileStat;
  readonly target: string | null;
  readonly xattrs: readonly Xattr[];
}

/**
 * - `create`: nothing is there; `enter`: a directory is; `keep`: it is as it should be;
 * - `join`: a further name is as it should be, but an inode of its own: one with the first if the bytes are equal;
 * - `replace`: it makes room; `clear`: it is a directory, and makes room with all that is in it;
 * - `differs`: it is something else and stays; `blocked`: the same, of a directory in the way.
 */
export type Verdict = 'create' | 'enter' | 'keep' | 'join' | 'replace' | 'clear' | 'differs' | 'blocked';

export interface Rules {
  readonly overwrite: RestoreOverwrite;
  /** What is not wanted goes. */
  readonly mirror: boolean;
  /** The user: only 0 gives files to others. */
  readonly uid: number;
  /** What stands there may have extended attributes that cannot be read: they make no difference. */
  readonly ignoresXattrs?: boolean;
}

/** What a file is to be a link to, where it is not to be a file of its own. */
export type LinkedTo = readonly InodeId[] | null;

export function judge(
  event: EntryEvent,
  standing: Standing | null,
  rules: Rules,
  linkedTo: LinkedTo = null,
): Verdict {
  if (standing === null) return 'create';
  const kind = kindOf(event);
  if (kind === 'directory' && standing.kind === 'directory') return 'enter';
  if (standing.kind === 'directory') {
    if (rules.overwrite === 'never') return 'differs';
    return rules.mirror ? 'clear' : 'blocked';
  }
  const isLinked = linkedTo !== null && isOneOf(standing.stat, linkedTo);
  if (isLinked) return 'keep';
  const isSame = linkedTo === null && isAsWanted(event, standing, rules);
  if (rules.overwrite === 'never') return isSame ? 'keep' : 'differs';
  return isSame && rules.overwrite === 'if-different' && !isSharedByMistake(event, standing)
    ? 'keep'
    : 'replace';
}

/** The first of several names of one source inode. */
export interface FirstName {
  readonly path: string;
  /** Where it was there already. */
  readonly standing: Standing | null;
}

/**
 * A further name is as wanted where it is one inode with the first. One that was restored by itself, as by a run
 * that did not know of the first, joins it: nothing is lost by that where the bytes are the same.
 */
export function judgeFurtherName(
  { event, first }: { event: EntryEvent; first: FirstName },
  standing: Standing | null,
  rules: Rules,
): Verdict {
  if (standing === null) return 'create';
  if (standing.kind === 'directory')
    return rules.overwrite === 'never' ? 'differs' : rules.mirror ? 'clear' : 'blocked';
  const { stat } = first.standing ?? {};
  if (stat && stat.ino === standing.stat.ino && stat.dev === standing.stat.dev) return 'keep';
  if (rules.overwrite !== 'never') return 'replace';
  return isAsWanted(event, standing, rules) ? 'join' : 'differs';
}

/** One inode with something else, an object of the archive perhaps, where the entry had its own. */
function isSharedByMistake({ attributes }: EntryEvent, { kind, stat }: Standing): boolean {
  return kind === 'file' && stat.nlink > 1n && attributes.linkGroup === undefined;
}

/** As far as it can be seen without reading contents, and could be set by this user. */
function isAsWanted(event: EntryEvent, standing: Standing, { uid, ignoresXattrs = false }: Rules): boolean {
  const { attributes } = event;
  const { stat } = standing;
  if (kindOf(event) !== standing.kind || stat.mtimeNs !== attributes.mtimeNs) return false;
  if (event.type === 'file.ingested' && stat.size !== BigInt(event.size)) return false;
  if (event.type === 'symlink.added') {
    if (standing.target !== event.target) return false;
  } else if ((Number(stat.mode) & 0o7777) !== settableMode(attributes, uid)) return false;
  if (uid === 0 && (Number(stat.uid) !== attributes.uid || Number(stat.gid) !== attributes.gid)) return false;
  return (
    ignoresXattrs ||
    sameXattrs(settableXattrs(attributes.xattrs ?? [], uid), settableXattrs(standing.xattrs, uid))
  );
}

/** Setuid and setgid never go to an owner or group that the source did not have. */
function settableMode({ mode: recorded, uid: owner, xattrs = [] }: Attributes, uid: number): number {
  const acl = xattrs.find(([name]) => name === 'system.posix_acl_access');
  const mode = acl ? modeWithAcl(recorded, acl[1]) : recorded;
  return uid === 0 || uid === owner ? mode : mode & ~0o6000;
}

/** The system's own labels differ from place to place and are not compared. */
function settableXattrs(xattrs: readonly Xattr[], uid: number): readonly Xattr[] {
  const settable =
    uid === 0
      ? /^(user|trusted)\.|^system\.posix_acl_|^security\.capability$/
      : /^user\.|^system\.posix_acl_/;
  return xattrs.filter(([name]) => settable.test(name));
}

function sameXattrs(a: readonly Xattr[], b: readonly Xattr[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(([name, value]) => {
    const other = b.find(([otherName]) => otherName === name);
    return other !== undefined && Buffer.compare(value, other[1]) === 0;
  });
}

function isOneOf(stat: FileStat, inodes: readonly InodeId[]): boolean {
  return inodes.some(({ device, inode }) => stat.ino === inode && stat.dev === device);
}
