/** The value of the kernel's attributes for ACLs, from entries and to the mode that it stands for. */

export interface AclEntry {
  readonly tag: number;
  readonly permissions: number;
  readonly id: number;
}

export const ACL_TAG = {
  owner: 0x01,
  user: 0x02,
  group: 0x04,
  namedGroup: 0x08,
  mask: 0x10,
  other: 0x20,
} as const;
/** For entries that name nobody. */
export const NO_ID = 0xffff_ffff;
const VERSION = 2;
const HEADER = 4;
const ENTRY = 8;

/** An ACL that names accounts needs a mask; one that has none gets the one that takes nothing away. */
export function encodeAcl(entries: readonly AclEntry[]): Buffer {
  const all = [...entries, ...maskOf(entries)].sort((a, b) => a.tag - b.tag || a.id - b.id);
  const value = Buffer.alloc(HEADER + ENTRY * all.length);
  value.writeUInt32LE(VERSION, 0);
  for (const [index, { tag, permissions, id }] of all.entries()) {
    const at = HEADER + ENTRY * index;
    value.writeUInt16LE(tag, at);
    value.writeUInt16LE(permissions, at + 2);
    value.writeUInt32LE(id, at + 4);
  }
  return value;
}

/** The mode of a file that has this ACL: the kernel shows the mask as the bits of the group, and keeps no other. */
export function modeWithAcl(mode: number, value: Uint8Array): number {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.length < HEADER || bytes.readUInt32LE(0) !== VERSION) return mode;
  const rights = new Map<number, number>();
  for (let at = HEADER; at + ENTRY <= bytes.length; at += ENTRY)
    rights.set(bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2) & 7);
  const owner = rights.get(ACL_TAG.owner) ?? (mode >> 6) & 7;
  const group = rights.get(ACL_TAG.mask) ?? rights.get(ACL_TAG.group) ?? (mode >> 3) & 7;
  const other = rights.get(ACL_TAG.other) ?? mode & 7;
  return (mode & ~0o777) | (owner << 6) | (group << 3) | other;
}

function maskOf(entries: readonly AclEntry[]): AclEntry[] {
  const isNamed = ({ tag }: AclEntry): boolean => tag === ACL_TAG.user || tag === ACL_TAG.namedGroup;
  if (!entries.some(isNamed) || entries.some(({ tag }) => tag === ACL_TAG.mask)) return [];
  const permissions = entries
    .filter((entry) => isNamed(entry) || entry.tag === ACL_TAG.group)
    .reduce((all, entry) => all | entry.permissions, 0);
  return [{ tag: ACL_TAG.mask, permissions, id: NO_ID }];
}
