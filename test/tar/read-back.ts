/** Just enough of a reader to see what the writers wrote: strict, slow, and sharing no code with them. */

export interface ReadBack {
  readonly type: string;
  readonly path: string;
  readonly target: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly group: string;
  readonly mtimeNs: bigint;
  readonly major: number;
  readonly minor: number;
  readonly size: number;
  /** With holes filled. */
  readonly content: Buffer;
  readonly records: ReadonlyMap<string, string>;
}

const BLOCK = 512;

/** All members; throws where anything is not as it has to be. Bytes are latin1 strings. */
export function readBack(tar: Buffer): ReadBack[] {
  const members: ReadBack[] = [];
  let records = new Map<string, string>();
  let longName = '';
  let longTarget = '';
  for (let at = 0; !tar.subarray(at, at + BLOCK).equals(Buffer.alloc(BLOCK));) {
    const block = tar.subarray(at, at + BLOCK);
    expectChecksum(block);
    const type = field(block, 156, 1);
    const stored = Number(records.get('size') ?? numberIn(block, 124, 12));
    at += BLOCK;
    const extra: Buffer[] = [];
    if (type === 'S')
      for (let more = block[482]; more === 1; at += BLOCK) {
        extra.push(tar.subarray(at, at + BLOCK));
        more = extra.at(-1)![504];
      }
    const data = tar.subarray(at, at + stored);
    if (data.length !== stored) throw new Error('ends in the middle of a member');
    const padded = Math.ceil(stored / BLOCK) * BLOCK;
    if (!tar.subarray(at + stored, at + padded).equals(Buffer.alloc(padded - stored)))
      throw new Error('padding');
    at += padded;
    if (type === 'x') records = readRecords(data);
    else if (type === 'L') longName = data.toString('latin1', 0, data.length - 1);
    else if (type === 'K') longTarget = data.toString('latin1', 0, data.length - 1);
    else {
      const content = expand(type, block, { extra, data, records });
      members.push(member(block, { records, longName, longTarget, content }));
      [records, longName, longTarget] = [new Map(), '', ''];
    }
  }
  return members;
}

function member(
  block: Buffer,
  found: { records: Map<string, string>; longName: string; longTarget: string; content: Buffer },
): ReadBack {
  const { records, content } = found;
  const isGnu = block.toString('latin1', 257, 265) === 'ustar  \0';
  const prefix = isGnu ? '' : field(block, 345, 155);
  const name = found.longName || (prefix === '' ? '' : `${prefix}/`) + field(block, 0, 100);
  return {
    type: field(block, 156, 1),
    path: records.get('GNU.sparse.name') ?? records.get('path') ?? name,
    target: records.get('linkpath') ?? (found.longTarget || field(block, 157, 100)),
    mode: Number(numberIn(block, 100, 8)),
    uid: Number(records.get('uid') ?? numberIn(block, 108, 8)),
    gid: Number(records.get('gid') ?? numberIn(block, 116, 8)),
    user: records.get('uname') ?? field(block, 265, 32),
    group: records.get('gname') ?? field(block, 297, 32),
    mtimeNs: timeOf(records.get('mtime')) ?? numberIn(block, 136, 12) * 1_000_000_000n,
    major: Number(numberIn(block, 329, 8)),
    minor: Number(numberIn(block, 337, 8)),
    size: content.length,
    content,
    records,
  };
}

function field(block: Buffer, at: number, length: number): string {
  const text = block.toString('latin1', at, at + length);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function numberIn(block: Buffer, at: number, width: number): bigint {
  const bytes = block.subarray(at, at + width);
  if ((bytes[0]! & 0x80) === 0) {
    const text = field(block, at, width);
    if (!/^[0-7]+$/.test(text)) throw new Error(`no octal number: ${JSON.stringify(text)}`);
    return BigInt(`0o${text}`);
  }
  const digits = BigInt(`0x${bytes.subarray(1).toString('hex')}`);
  return bytes[0] === 0xff ? digits - (1n << BigInt(8 * (width - 1))) : digits;
}

function expectChecksum(block: Buffer): void {
  const copy = Buffer.from(block).fill(' ', 148, 156);
  const sum = copy.reduce((total, byte) => total + byte, 0);
  if (Number.parseInt(field(block, 148, 8), 8) !== sum) throw new Error('checksum');
}

function readRecords(data: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(' ', at);
    const length = Number(data.toString('latin1', at, space));
    const text = data.toString('latin1', space + 1, at + length - 1);
    if (data[at + length - 1] !== 0x0a) throw new Error('a record does not end where it says');
    const equals = text.indexOf('=');
    records.set(text.slice(0, equals), text.slice(equals + 1));
    at += length;
  }
  return records;
}

function timeOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const [, sign, seconds, fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(text)!;
  const ns = BigInt(seconds!) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -ns : ns;
}

function expand(
  type: string,
  block: Buffer,
  found: { extra: readonly Buffer[]; data: Buffer; records: ReadonlyMap<string, string> },
): Buffer {
  const { extra, data, records } = found;
  if (type === 'S') {
    const entries = [...oldEntries(block, 386, 4), ...extra.flatMap((next) => oldEntries(next, 0, 21))];
    return filled(entries, data, Number(numberIn(block, 483, 12)));
  }
  if (records.get('GNU.sparse.major') !== '1') return data;
  const lines = data.toString('latin1').split('\n');
  const count = Number(lines[0]);
  const numbers = lines.slice(1, 1 + 2 * count).map(Number);
  const mapBytes = lines.slice(0, 1 + 2 * count).join('\n').length + 1;
  const entries = Array.from({ length: count }, (_, at) => [numbers[2 * at]!, numbers[2 * at + 1]!] as const);
  const rest = data.subarray(Math.ceil(mapBytes / BLOCK) * BLOCK);
  return filled(entries, rest, Number(records.get('GNU.sparse.realsize')));
}

function oldEntries(block: Buffer, from: number, count: number): (readonly [number, number])[] {
  const entries: (readonly [number, number])[] = [];
  for (let at = from; at < from + 24 * count && block[at] !== 0; at += 24)
    entries.push([Number(numberIn(block, at, 12)), Number(numberIn(block, at + 12, 12))]);
  return entries;
}

function filled(entries: readonly (readonly [number, number])[], data: Buffer, size: number): Buffer {
  const content = Buffer.alloc(size);
  let at = 0;
  for (const [offset, length] of entries) {
    if (data.copy(content, offset, at, at + length) !== length) throw new Error('data outside of the file');
    at += length;
  }
  if (at !== data.length) throw new Error('data that belongs nowhere');
  return content;
}
