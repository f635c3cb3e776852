/// <reference lib="es2024.string" />
/**
 * Names as PEP 383 strings (Python's `surrogateescape`): valid UTF-8 stands as text, and each byte
 * that is no part of a valid sequence as the lone surrogate U+DC00 + byte (U+DC80–U+DCFF).
 */
import { isUtf8 } from 'node:buffer';
import { HkfsError } from '../errors.js';

const ESCAPE = 0xdc00;
const FIRST_ESCAPE = 0xdc80;
const LAST_ESCAPE = 0xdcff;
const REPLACEMENT = '\uFFFD';

// ignoreBOM keeps a leading U+FEFF: it is part of the name.
const lossy = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The raw bytes of a name. Inverse of {@link nameFromBytes} for any bytes.
 *
 * @throws HkfsError BAD_PATH when the name has a lone surrogate that stands for no byte.
 */
export function nameToBytes(name: string): Uint8Array {
  return isWellFormed(name) ? Buffer.from(name) : unescape(name);
}

/** The PEP 383 string of any bytes; different bytes give different strings. */
export function nameFromBytes(bytes: Uint8Array): string {
  const text = lossy.decode(bytes);
  // U+FFFD is either what the decoder put for bad bytes, or a character of the name itself.
  return text.includes(REPLACEMENT) && !isUtf8(bytes) ? escape(bytes) : text;
}

/** True when a string has no lone surrogate: UTF-8 can carry it. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

function escape(bytes: Uint8Array): string {
  let name = '';
  let validFrom = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    name += lossy.decode(bytes.subarray(validFrom, at)) + String.fromCharCode(ESCAPE + bytes[at]!);
    at += 1;
    validFrom = at;
  }
  return name + lossy.decode(bytes.subarray(validFrom));
}

/** Bytes of the valid UTF-8 sequence that starts here (RFC 3629 section 4), 0 when none does. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const second = bytes[at + 1] ?? 0;
  if (second < lowestSecond(lead) || second > highestSecond(lead)) return 0;
  if (lead < 0xe0) return 2;
  if (!isContinuation(bytes[at + 2])) return 0;
  if (lead < 0xf0) return 3;
  return isContinuation(bytes[at + 3]) ? 4 : 0;
}

/** Excludes overlong forms. */
function lowestSecond(lead: number): number {
  if (lead === 0xe0) return 0xa0;
  return lead === 0xf0 ? 0x90 : 0x80;
}

/** Excludes encoded surrogates (ED A0 80 and up) and what lies beyond U+10FFFF. */
function highestSecond(lead: number): number {
  if (lead === 0xed) return 0x9f;
  return lead === 0xf4 ? 0x8f : 0xbf;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function unescape(name: string): Uint8Array {
  const parts: Buffer[] = [];
  for (const character of name) {
    const code = character.codePointAt(0)!;
    if (code < 0xd800 || code > 0xdfff) parts.push(Buffer.from(character));
    else if (code >= FIRST_ESCAPE && code <= LAST_ESCAPE) parts.push(Buffer.of(code - ESCAPE));
    else throw notAName(code);
  }
  return Buffer.concat(parts);
}

function notAName(code: number): HkfsError {
  return new HkfsError('BAD_PATH', `a name has the lone surrogate U+${code.toString(16).toUpperCase()}`, {
    hint: 'only U+DC80 to U+DCFF stand for bytes',
  });
}
