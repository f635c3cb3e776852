import { readFileSync } from 'node:fs';

import { nameFromBytes } from '../fs/names.js';

const REPLACEMENT = '\uFFFD';
const NUL = 0;

/**
 * Arguments as PEP 383 strings. Node decodes its arguments as UTF-8 and turns every bad byte into
 * U+FFFD, so a file of such a name could not be named; Linux keeps the bytes.
 */
export function withRawBytes(
  argv: readonly string[],
  readCommandLine: () => Uint8Array = () => readFileSync('/proc/self/cmdline'),
): string[] {
  if (!argv.some((argument) => argument.includes(REPLACEMENT))) return [...argv];
  try {
    const all = splitAtNul(readCommandLine()).map((bytes) => nameFromBytes(bytes));
    const raw = all.slice(all.length - argv.length);
    return argv.map((argument, index) =>
      argument.includes(REPLACEMENT) ? (raw[index] ?? argument) : argument,
    );
  } catch {
    // No /proc: the decoded arguments are all there is.
    return [...argv];
  }
}

function splitAtNul(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NUL, start);
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return parts;
}
