/** What the type of a header means. */
import type { Extensions } from './extensions.js';
import type { TarHeader } from './header.js';
import type { TarKind } from './tar-member.js';

const SLASH = 0x2f;
const KINDS: Readonly<Record<string, TarKind>> = {
  '1': 'link',
  '2': 'symlink',
  '3': 'chardev',
  '4': 'blockdev',
  '5': 'directory',
  '6': 'fifo',
  // A directory of an incremental dump: its data are names.
  D: 'directory',
};
/** Headers that say something of the next member that is not kept. */
export const PASSED: Readonly<Record<string, string>> = {
  A: 'an ACL of Solaris',
  E: 'extended attributes of Solaris',
};
/** Of the whole tar, and nothing of any member. */
export const LABEL = 'V';

/** Headers that speak of the members after them. */
export function isExtension(type: string): boolean {
  return type === 'x' || type === 'X' || type === 'g' || type === 'L' || type === 'K';
}

/** Whatever is unknown is a file. */
export function kindOf(header: TarHeader, extensions: Extensions): TarKind {
  const kind = KINDS[header.type];
  if (kind !== undefined) return kind;
  // Before there was a type for directories, a slash at the end said it.
  return header.type !== 'S' && extensions.name(header).at(-1) === SLASH ? 'directory' : 'file';
}

export function isKnownFile(type: string): boolean {
  return /^[\0\d7S]$/.test(type);
}
