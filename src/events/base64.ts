/** Base64 as C2SP's texts want it: the standard alphabet with padding (RFC 4648 section 4), one text for each value. */

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Null unless it is exactly what encoding gives: Buffer alone skips what it does not know. */
export function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}
