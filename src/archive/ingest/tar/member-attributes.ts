/** The attributes of an entry from what a tar says of it. */
import type { Attributes } from '../../../events/types.js';
import type { AccountIds } from '../../../fs/account-ids.js';
import { encodeAclText } from '../../../tar/acl-text.js';
import { sortedXattrs, type TarMember } from '../../../tar/tar-member.js';

const ACCESS = 'system.posix_acl_access';
const DEFAULT = 'system.posix_acl_default';
/** Owner, group and others: no more than the mode says. */
const MINIMAL_BYTES = 4 + 3 * 8;

export interface MemberAttributes {
  readonly attributes: Attributes;
  /** What could not be kept, in words. */
  readonly lost: readonly string[];
}

export function memberAttributes(member: TarMember, ids: AccountIds): MemberAttributes {
  const { mode, uid, gid, user, group, mtimeNs, inode, kind } = member;
  const lost: string[] = [];
  const xattrs = allXattrs(member, ids, lost);
  const isFile = kind === 'file';
  const attributes = {
    mode,
    uid,
    gid,
    user,
    group,
    mtimeNs,
    ...(xattrs.size > 0 ? { xattrs: sortedXattrs(xattrs) } : {}),
    ...(isFile && member.sparse ? { sparse: true } : {}),
    ...(isFile && inode ? { linkGroup: inode } : {}),
  };
  return { attributes, lost };
}

function allXattrs(member: TarMember, ids: AccountIds, lost: string[]): ReadonlyMap<string, Uint8Array> {
  const { xattrs, accessAcl, defaultAcl } = member;
  if (accessAcl === null && defaultAcl === null) return xattrs;
  const all = new Map(xattrs);
  for (const [name, text] of [
    [ACCESS, accessAcl],
    [DEFAULT, defaultAcl],
  ] as const) {
    if (text === null || all.has(name)) continue;
    const value = encodeAclText(text, ids);
    if (value === null) lost.push(`an ACL that cannot be read here: ${JSON.stringify(text)}`);
    else if (name === DEFAULT || value.length > MINIMAL_BYTES) all.set(name, value);
  }
  return all;
}
