import { describe, expect, test } from '@jest/globals';
import { InodeTable } from '../../src/archive/inode-table.js';
import type { FileStat } from '../../src/fs/stats.js';

const STAT = { dev: 7n, ino: 1n } as FileStat;

function hashOf(number: number): string {
  return number.toString(16).padStart(64, '0');
}

describe('the table of verified inodes', () => {
  test('holds each of very many inodes with its own hash and no other', () => {
    const table = new InodeTable();
    for (let at = 0; at < 5000; at += 1) table.add({ ...STAT, ino: BigInt(at) }, hashOf(at));
    for (let at = 0; at < 5000; at += 1) {
      expect(table.holds({ ...STAT, ino: BigInt(at) }, Buffer.from(hashOf(at), 'hex'))).toBe(true);
      expect(table.holds({ ...STAT, ino: BigInt(at) }, Buffer.from(hashOf(at + 1), 'hex'))).toBe(false);
    }
  });

  test('knows nothing of other devices, of unseen inodes and of numbers beyond 2^53', () => {
    const table = new InodeTable();
    const huge = { ...STAT, ino: 2n ** 53n + 1n };
    table.add(STAT, hashOf(1));
    table.add({ ...STAT, dev: 8n, ino: 2n }, hashOf(2));
    table.add(huge, hashOf(3));
    expect(table.holds({ ...STAT, dev: 8n }, Buffer.from(hashOf(1), 'hex'))).toBe(false);
    expect(table.holds({ ...STAT, ino: 2n }, Buffer.from(hashOf(2), 'hex'))).toBe(false);
    expect(table.holds(huge, Buffer.from(hashOf(3), 'hex'))).toBe(false);
  });
});
