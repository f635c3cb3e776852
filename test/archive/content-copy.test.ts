/** What `cat` gives out of a copy that looks right and is not: a sector that rotted leaves the inode as it was. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openContent, sealText } from '../../src/archive/content-copy.js';
import { HkfsError } from '../../src/errors.js';
import { hashBytes, hashToHex } from '../../src/fs/hash.js';

const MIB = 1 << 20;
const SIZE = 9 * MIB + 5;
const right = Buffer.alloc(SIZE, 'right bytes ');
const hash = hashToHex(hashBytes(right));
let folder = '';

beforeAll(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'hkfs-copy-'));
  fs.writeFileSync(join(folder, 'right'), right);
  const wrong = Buffer.from(right);
  wrong[3 * MIB]! ^= 1;
  fs.writeFileSync(join(folder, 'wrong'), wrong);
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** With the seal of the file as it is now. */
function sealed(name: string): { file: string; seal: string } {
  const file = join(folder, name);
  return { file, seal: sealText(fs.statSync(file, { bigint: true })) };
}

interface Given {
  readonly bytes: Buffer;
  readonly error: unknown;
}

async function given(name: string, start: number, end: number): Promise<Given> {
  const opened = await openContent(sealed(name), { hash, size: SIZE, range: { start, end } });
  if (opened instanceof HkfsError) throw opened;
  const pieces: Uint8Array[] = [];
  try {
    for await (const bytes of opened) pieces.push(bytes);
    return { bytes: Buffer.concat(pieces), error: null };
  } catch (error) {
    return { bytes: Buffer.concat(pieces), error };
  }
}

describe('a content of more than 8 MiB, whose file is as its seal says', () => {
  test('goes out whole where its bytes are right', async () => {
    const { bytes, error } = await given('right', 0, SIZE);
    expect([bytes.equals(right), error]).toEqual([true, null]);
  });

  test('ends before its last piece, with an error, where they are not', async () => {
    const { bytes, error } = await given('wrong', 0, SIZE);
    expect(error).toMatchObject({ code: 'OBJECT_DAMAGED', exitCode: 4 });
    expect(bytes.length).toBeLessThan(SIZE);
    expect(bytes.length).toBe(9 * MIB);
  });

  test('of which a part is asked for gives that part', async () => {
    const { bytes, error } = await given('right', 2 * MIB, 5 * MIB + 3);
    expect([bytes.equals(right.subarray(2 * MIB, 5 * MIB + 3)), error]).toEqual([true, null]);
  });

  test('of which a part is asked for gives no end of it where the file changes meanwhile', async () => {
    const copy = sealed('right');
    const range = { start: 0, end: 4 * MIB };
    const opened = await openContent(copy, { hash, size: SIZE, range });
    if (opened instanceof HkfsError) throw opened;
    let length = (await opened.next()).value!.length;
    fs.utimesSync(copy.file, 1, 1);
    await expect(
      (async () => {
        for await (const bytes of opened) length += bytes.length;
      })(),
    ).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
    expect(length).toBeLessThan(4 * MIB);
  });
});
