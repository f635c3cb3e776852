/** Entries of the log as members of a tar. */
import { asBuffer } from '../../events/bytes.js';
import type { Attributes, EntryEvent, Xattr } from '../../events/types.js';
import { nameToBytes } from '../../fs/names.js';
import { parsePosixAcl } from '../../fs/posix-acl.js';
import { kindOf } from '../../projections/namespace.js';
import { isAscii, type ByteString } from '../../tar/write-bytes.js';
import type { Member } from '../../tar/write-member.js';

const ACLS: Readonly<Record<string, 'access' | 'default'>> = {
  'system.posix_acl_access': 'access',
  'system.posix_acl_default': 'default',
};
const NONE: readonly never[] = [];

/**
 * Null for a socket, which no tar can hold.
 * @param link the path of the member that it is one inode with, where there is one before it
 */
export function memberOf(path: string, event: EntryEvent, link: string | null): Member | null {
  const kind = kindOf(event);
  if (kind === 'socket') return null;
  const target = link ?? (event.type === 'symlink.added' ? event.target : '');
  const isDevice = event.type === 'special.added';
  return {
    kind: link === null ? kind : 'link',
    path: bytesOf(path),
    target: bytesOf(target),
    size: event.type === 'file.ingested' && link === null ? event.size : 0,
    ...attributesOf(event.attributes),
    major: isDevice ? event.major : 0,
    minor: isDevice ? event.minor : 0,
    ranges: null,
  };
}

/** The bytes that a PEP 383 string stands for. */
export function bytesOf(name: string): ByteString {
  return isAscii(name) ? name : latin1(nameToBytes(name));
}

function latin1(bytes: Uint8Array): ByteString {
  return asBuffer(bytes).toString('latin1');
}

type Common = Pick<Member, 'mode' | 'uid' | 'gid' | 'user' | 'group' | 'mtimeNs' | 'acls' | 'xattrs'>;

function attributesOf({ mode, uid, gid, user, group, mtimeNs, xattrs }: Attributes): Common {
  const names = { user: bytesOf(user ?? ''), group: bytesOf(group ?? '') };
  const common = { mode, uid, gid, ...names, mtimeNs };
  return xattrs === undefined ? { ...common, acls: NONE, xattrs: NONE } : { ...common, ...split(xattrs) };
}

/** ACLs go by their text, which every reader has; what is no ACL that we know stays as it is. */
function split(all: readonly Xattr[]): Pick<Member, 'acls' | 'xattrs'> {
  const acls: (readonly ['access' | 'default', string])[] = [];
  const xattrs: (readonly [ByteString, ByteString])[] = [];
  for (const [name, value] of all) {
    const kind = ACLS[name];
    const text = kind === undefined ? null : parsePosixAcl(value);
    if (kind !== undefined && text) acls.push([kind, text]);
    else xattrs.push([bytesOf(name), latin1(value)]);
  }
  return { acls, xattrs };
}
