/** POSIX_ACL_XATTR_VERSION of linux/posix_acl_xattr.h; all numbers there are little-endian. */
const VERSION = 2;
const HEADER_SIZE = 4;
/** Tag and permissions of 16 bits each, then the id of 32. */
const ENTRY_SIZE = 8;

const TAGS: Readonly<Record<number, { label: string; named: boolean }>> = {
  0x01: { label: 'user', named: false },
  0x02: { label: 'user', named: true },
  0x04: { label: 'group', named: false },
  0x08: { label: 'group', named: true },
  0x10: { label: 'mask', named: false },
  0x20: { label: 'other', named: false },
};

/**
 * The text of a `system.posix_acl_*` value as `getfacl --numeric` spells it, its lines joined by
 * commas: `user::rw-,user:1000:r--,group::r--,mask::r--,other::---`. Null for what is no such value.
 */
export function parsePosixAcl(value: Uint8Array): string | null {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const entriesSize = value.byteLength - HEADER_SIZE;
  if (entriesSize < 0 || entriesSize % ENTRY_SIZE !== 0 || view.getUint32(0, true) !== VERSION) return null;
  const entries: string[] = [];
  for (let offset = HEADER_SIZE; offset < value.byteLength; offset += ENTRY_SIZE) {
    const entry = entryAt(view, offset);
    if (entry === null) return null;
    entries.push(entry);
  }
  return entries.join(',');
}

const USER_OBJ = 0x01;
const GROUP_OBJ = 0x04;
const MASK = 0x10;
const OTHER = 0x20;

/**
 * The mode of a file once it has this ACL: of permissions that differ, as where a tar has a mask that is not the
 * mode's, the kernel takes the ACL's. The mode itself for what is no such value.
 */
export function modeWithAcl(mode: number, value: Uint8Array): number {
  if (parsePosixAcl(value) === null) return mode;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const bits = new Map<number, number>();
  for (let offset = HEADER_SIZE; offset < value.byteLength; offset += ENTRY_SIZE)
    bits.set(view.getUint16(offset, true), view.getUint16(offset + 2, true) & 7);
  const owner = bits.get(USER_OBJ) ?? (mode >> 6) & 7;
  const group = bits.get(MASK) ?? bits.get(GROUP_OBJ) ?? (mode >> 3) & 7;
  return (mode & ~0o777) | (owner << 6) | (group << 3) | (bits.get(OTHER) ?? mode & 7);
}

function entryAt(view: DataView, offset: number): string | null {
  const tag = TAGS[view.getUint16(offset, true)];
  if (tag === undefined) return null;
  const id = tag.named ? view.getUint32(offset + 4, true) : '';
  return `${tag.label}:${id}:${permissions(view.getUint16(offset + 2, true))}`;
}

function permissions(bits: number): string {
  return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`;
}
