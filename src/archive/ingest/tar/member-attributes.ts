/** The attributes of an entry from what a tar says of it. */
import type { Attributes } from '../../../events/types.js';
import type { AccountIds } from '../../../fs/account-ids.js';
import { encodeAclText } from '../../../tar/acl-text.js';
import { modeWithAcl } from '../../../tar/acl-value.js';
import { sortedXattrs, type TarMember } from '../../../tar/tar-member.js';

const ACCESS = 'system.posix_acl_access';
const DEFAULT = 'system.posix_acl_default';
/** Owner, group and others: no more than the mode says. */
const MINIMAL_BYTES = 4 + 3 * 8;
const MAX_SAID = 1000;

export interface MemberAttributes {
  readonly attributes: Attributes;
  /** What could not be kept, in words. */
  readonly lost: readonly string[];
}

export function memberAttributes(member: TarMember, ids: AccountIds): MemberAttributes {
  const { uid, gid, user, group, mtimeNs, kind } = member;
  const lost: string[] = [...member.lost];
  const { xattrs, mode } = withAcls(member, ids, lost);
  const attributes = {
    mode,
    uid,
    gid,
    user,
    group,
    mtimeNs,
    ...(xattrs.size > 0 ? { xattrs: sortedXattrs(xattrs) } : {}),
    ...(kind === 'file' && member.sparse ? { sparse: true } : {}),
  };
  return { attributes, lost };
}

/** Where mode and ACL differ the ACL holds, because it is what a file with both of them has in the end. */
function withAcls(
  member: TarMember,
  ids: AccountIds,
  lost: string[],
): { xattrs: ReadonlyMap<string, Uint8Array>; mode: number } {
  const { xattrs, accessAcl, defaultAcl, mode } = member;
  const access = xattrs.get(ACCESS) ?? aclOf(accessAcl, ids, lost);
  const byDefault = xattrs.get(DEFAULT) ?? aclOf(defaultAcl, ids, lost);
  if (access === null && byDefault === null) return { xattrs, mode };
  const all = new Map(xattrs);
  if (access !== null && access.length > MINIMAL_BYTES) all.set(ACCESS, access);
  if (byDefault !== null) all.set(DEFAULT, byDefault);
  return { xattrs: all, mode: access === null ? mode : modeWithAcl(mode, access) };
}

function aclOf(text: string | null, ids: AccountIds, lost: string[]): Uint8Array | null {
  const value = text === null ? null : encodeAclText(text, ids);
  if (text !== null && value === null)
    lost.push(`an ACL that cannot be read here: ${JSON.stringify(text.slice(0, MAX_SAID))}`);
  return value;
}
