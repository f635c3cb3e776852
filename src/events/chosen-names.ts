/** Names that people choose, and that become parts of keys and paths: what they may be. */

const REMOTE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** The longest tag in bytes, so that it stays something to type. */
const MAX_TAG_BYTES = 255;

/** A remote's name is that of a folder below `.hkfs/remotes` as well. */
export function isRemoteName(name: string): boolean {
  return REMOTE.test(name);
}

/** Null for what may be a tag. */
export function whyNoTag(name: string): string | null {
  if (name === '') return 'it is empty';
  if (!name.isWellFormed()) return 'it is not UTF-8';
  if (Buffer.byteLength(name) > MAX_TAG_BYTES) return `it is longer than ${MAX_TAG_BYTES} bytes`;
  if (/\p{C}/u.test(name)) return 'it has a control character';
  if (name !== name.trim()) return 'it begins or ends with a space';
  return name.startsWith('-') ? 'it begins with a dash' : null;
}
