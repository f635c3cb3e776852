import type { Attributes, EntryKind, Xattr } from '../events/types.js';
import { storedTime } from '../events/stored-time.js';
import type { FsPath } from './names.js';
import type { Posix } from './posix.js';
import type { FileStat } from './stats.js';

/** Permissions with setuid, setgid and sticky. */
const MODE_BITS = 0o7777;
const TYPE_BITS = 0o170000;
/** `st_blocks` counts these, whatever the filesystem's own block is. */
const BLOCK = 512n;

/** The type bits of `st_mode` (sys/stat.h). */
const KINDS: Readonly<Record<number, EntryKind>> = {
  0o010000: 'fifo',
  0o020000: 'chardev',
  0o040000: 'directory',
  0o060000: 'blockdev',
  0o100000: 'file',
  0o120000: 'symlink',
  0o140000: 'socket',
};

export interface AttributesOptions {
  /** Taken instead of reading them; `false` leaves them out. */
  readonly xattrs?: readonly Xattr[] | false;
}

/**
 * All attributes of the entry that `stat` (from lstat with bigint) describes. Without `posix` names
 * and extended attributes are left out. Throws when the extended attributes cannot be read.
 */
export function attributesOf(
  stat: FileStat,
  path: FsPath,
  posix: Posix | null,
  { xattrs = posix?.readXattrs(path) }: AttributesOptions = {},
): Attributes {
  const uid = Number(stat.uid);
  const gid = Number(stat.gid);
  return {
    mode: Number(stat.mode) & MODE_BITS,
    uid,
    gid,
    user: posix?.userName(uid) ?? null,
    group: posix?.groupName(gid) ?? null,
    mtimeNs: storedTime(stat.mtimeNs),
    ...(xattrs && xattrs.length > 0 ? { xattrs } : {}),
    ...ofRegularFile(stat),
  };
}

function ofRegularFile(stat: FileStat): Pick<Attributes, 'sparse' | 'linkGroup'> {
  if (entryKindOf(stat.mode) !== 'file') return {};
  return {
    ...(stat.blocks * BLOCK < stat.size ? { sparse: true } : {}),
    ...(stat.nlink > 1n ? { linkGroup: [stat.dev, stat.ino] as const } : {}),
  };
}

/** The kind that the type bits of `st_mode` name. Throws a RangeError for bits that name none. */
export function entryKindOf(mode: number | bigint): EntryKind {
  const kind = KINDS[Number(mode) & TYPE_BITS];
  if (kind === undefined) throw new RangeError(`no file type has mode 0o${mode.toString(8)}`);
  return kind;
}

/** True when nothing differs; absent and empty are the same. */
export function attributesEqual(a: Attributes, b: Attributes): boolean {
  return (
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.user === b.user &&
    a.group === b.group &&
    a.mtimeNs === b.mtimeNs &&
    (a.sparse ?? false) === (b.sparse ?? false) &&
    a.linkGroup?.[0] === b.linkGroup?.[0] &&
    a.linkGroup?.[1] === b.linkGroup?.[1] &&
    xattrsEqual(a.xattrs ?? [], b.xattrs ?? [])
  );
}

function xattrsEqual(a: readonly Xattr[], b: readonly Xattr[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  return a.every(([name, value], index) => {
    const other = b[index];
    return other !== undefined && other[0] === name && Buffer.compare(other[1], value) === 0;
  });
}
