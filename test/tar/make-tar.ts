/** Tars made by hand, field by field, so that every oddity can be written. */

export interface Fields {
  readonly name?: string | Buffer;
  readonly type?: string;
  readonly size?: number | Buffer;
  readonly link?: string | Buffer;
  readonly mode?: string;
  readonly uid?: number | Buffer;
  readonly mtime?: number | Buffer;
  readonly prefix?: string;
  readonly magic?: 'ustar\0' | 'ustar ' | '';
  readonly user?: string;
  /** Bytes to put somewhere, before the checksum is made. */
  readonly patches?: readonly (readonly [offset: number, bytes: Buffer])[];
}

export const END = Buffer.alloc(1024);

export function header(fields: Fields): Buffer {
  const { name = 'f', type = '0', size = 0, link = '', mode = '0000644', magic = 'ustar\0' } = fields;
  const block = Buffer.alloc(512);
  put(block, 0, name);
  put(block, 100, mode);
  put(block, 108, numeric(fields.uid ?? 0, 7));
  put(block, 116, '0000000');
  put(block, 124, numeric(size, 11));
  put(block, 136, numeric(fields.mtime ?? 0, 11));
  put(block, 156, type);
  put(block, 157, link);
  put(block, 257, magic === 'ustar\0' ? 'ustar\x0000' : magic === 'ustar ' ? 'ustar  \0' : '');
  put(block, 265, fields.user ?? '');
  put(block, 345, fields.prefix ?? '');
  for (const [offset, bytes] of fields.patches ?? []) bytes.copy(block, offset);
  return checksummed(block);
}

export function checksummed(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(block, 148, `${octal(sum, 6)}\0 `);
  return block;
}

/** A header and its content, padded. */
export function member(fields: Fields, content: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([header({ size: bytes.length, ...fields }), padded(bytes)]);
}

export function pax(records: Readonly<Record<string, string | Buffer>>, type = 'x'): Buffer {
  return member({ name: 'PaxHeaders/f', type }, paxBytes(Object.entries(records)));
}

export function paxBytes(records: readonly (readonly [string, string | Buffer])[]): Buffer {
  return Buffer.concat(records.map(([key, value]) => paxRecord(key, Buffer.from(value))));
}

function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

export function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function numeric(value: number | Buffer, digits: number): string | Buffer {
  return typeof value === 'number' ? octal(value, digits) : value;
}

function put(block: Buffer, offset: number, bytes: string | Buffer): void {
  Buffer.from(bytes).copy(block, offset);
}
