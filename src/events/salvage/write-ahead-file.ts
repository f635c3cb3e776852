/** The entries of a LevelDB write-ahead log, read without LevelDB; a MANIFEST has the same records. */
import { checkOrMend } from './crc32c.js';
import type { TakeEntry, TellDamage } from './table-file.js';
import { Cursor } from './varint.js';

const BLOCK = 32768;
const HEADER = 7;
const [WHOLE, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];
/** Of a batch: its position in the order of writes, and how many changes it has. */
const BATCH_HEADER = 12;
const IS_VALUE = 1;

export function readWriteAhead(bytes: Buffer, take: TakeEntry, tell: TellDamage): void {
  for (const batch of recordsOf(bytes, tell)) {
    try {
      readBatch(batch, take);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      tell('a record is no batch', false);
    }
  }
}

/** Whole records. One that the file ends in was being written when its process ended: nothing acknowledged. */
export function* recordsOf(bytes: Buffer, tell: TellDamage): Generator<Buffer> {
  let parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += BLOCK)
    for (const { type, data } of fragmentsOf(bytes.subarray(start, start + BLOCK), start, tell)) {
      if (type === WHOLE || type === FIRST) parts = [];
      // The beginning was lost with a damaged part.
      if ((type === MIDDLE || type === LAST) && parts.length === 0) continue;
      parts.push(data);
      if (type === WHOLE || type === LAST) {
        yield Buffer.concat(parts);
        parts = [];
      } else if (type === 0) parts = [];
    }
}

/** Of one block; type 0 says that some of it is lost. */
function* fragmentsOf(
  block: Buffer,
  start: number,
  tell: TellDamage,
): Generator<{ type: number; data: Buffer }> {
  for (let at = 0; at + HEADER <= block.length;) {
    const length = block.readUInt16LE(at + 4);
    if (length === 0 && block[at + 6] === 0 && block.readUInt32LE(at) === 0) return;
    const end = at + HEADER + length;
    if (end > block.length) {
      if (block.length === BLOCK) tell(`the record at byte ${start + at} is damaged`, false);
      return yield { type: 0, data: block.subarray(0, 0) };
    }
    const checked = Buffer.from(block.subarray(at + 6, end));
    const state = checkOrMend(checked, block.readUInt32LE(at));
    if (state !== 'good')
      tell(`the record at byte ${start + at} has other bytes than were written`, state === 'mended');
    if (state === 'damaged') yield { type: 0, data: block.subarray(0, 0) };
    else yield { type: checked[0]!, data: checked.subarray(1) };
    at = end;
  }
}

function readBatch(batch: Buffer, take: TakeEntry): void {
  const from = new Cursor(batch);
  from.take(BATCH_HEADER);
  while (from.left > 0) {
    const type = from.take(1)[0]!;
    const key = from.take(from.varint());
    if (type === IS_VALUE) take(key, from.take(from.varint()));
  }
}
