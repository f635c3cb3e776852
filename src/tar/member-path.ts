/** Where a member goes: below the tree's root, and nowhere else. */
import { nameFromBytes, nameToBytes } from '../events/names.js';

export type MemberPath =
  { readonly parts: readonly string[]; readonly isAbsolute: boolean } | { readonly refused: string };

/** Longest name that Linux filesystems take, in bytes. */
const NAME_MAX = 255;
/** Deeper paths cost their length in every directory on the way. */
const MAX_DEPTH = 4096;
const SLASH = 0x2f;

/** The names down from the root; none for the root itself. `..` takes the name before it away. */
export function memberPath(name: Uint8Array): MemberPath {
  if (name.length === 0) return { refused: 'it has no name' };
  if (name.includes(0)) return { refused: 'its name has a NUL byte' };
  const parts: string[] = [];
  for (const part of nameFromBytes(name).split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') {
      if (part.length * 3 > NAME_MAX && nameToBytes(part).length > NAME_MAX)
        return { refused: `a name in its path has over ${NAME_MAX} bytes` };
      if (parts.length >= MAX_DEPTH) return { refused: `its path has more than ${MAX_DEPTH} levels` };
      parts.push(part);
    } else if (parts.pop() === undefined) return { refused: 'its path leads out of the tree' };
  }
  return { parts, isAbsolute: name[0] === SLASH };
}
