/** The one door to cborg: canonical CBOR (RFC 8949 section 4.2.1) out, nothing else in. */
import { decode, encode, rfc8949EncodeOptions } from 'cborg';

const DECODE_OPTIONS = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  rejectDuplicateMapKeys: true,
} as const;

/** Canonical CBOR of an array. */
export function encodeCbor(values: readonly unknown[]): Uint8Array {
  return encode(values, rfc8949EncodeOptions);
}

/**
 * The value in these bytes. Integers below 2^53 come back as numbers, larger ones as bigints.
 *
 * @throws Error of cborg when the bytes are not one whole CBOR item in canonical form.
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  return decode(bytes, DECODE_OPTIONS);
}
