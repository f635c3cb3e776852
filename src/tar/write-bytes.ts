/** Bytes as text, one character a byte: what headers are put together from. */

/** A string of characters up to U+00FF, each of which is one byte. */
export type ByteString = string;

const ASCII = /^[\x00-\x7f]*$/;

export function isAscii(bytes: ByteString): boolean {
  return ASCII.test(bytes);
}

/** The last name of a path, without slashes. */
export function lastName(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function toBuffer(bytes: ByteString): Buffer {
  return Buffer.from(bytes, 'latin1');
}
