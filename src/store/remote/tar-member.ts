/** Members of a plain POSIX tar: the outer form of a bundle, so that any tar unpacks one. */

export const BLOCK = 512;
/** What ends a tar. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** A ustar header takes eleven octal digits. */
const MAX_USTAR_SIZE = 8 ** 11 - 1;
const MAX_USTAR_NAME = 100;
const MODE = 0o444;

/** All that stands before the body; always the same bytes for the same name and size. */
export function memberHeader(name: string, size: number): Buffer {
  const isPlain = name.length <= MAX_USTAR_NAME && size <= MAX_USTAR_SIZE;
  if (isPlain) return ustar(name, size, '0');
  const records = paxRecord('path', name) + paxRecord('size', String(size));
  return Buffer.concat([
    ustar('hkfs-pax', records.length, 'x'),
    Buffer.from(records),
    padding(records.length),
    ustar(name.slice(-MAX_USTAR_NAME), Math.min(size, MAX_USTAR_SIZE), '0'),
  ]);
}

/** Bodies fill whole blocks. */
export function padding(size: number): Buffer {
  return Buffer.alloc(-size & (BLOCK - 1));
}

function ustar(name: string, size: number, type: string): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 'latin1');
  header.write(octal(MODE, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(0, 11), 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  return header;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}
