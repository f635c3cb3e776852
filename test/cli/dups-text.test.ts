import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import type { DupsRow } from '../../src/archive/api.js';
import { DupsTotals, groupBlock } from '../../src/cli/dups-text.js';
import { pruneScript, refuseForScript } from '../../src/cli/prune-script.js';

const dir: DupsRow = {
  ...{ kind: 'dir', hash: 'ab'.repeat(32), size: 2048, files: 3, count: 3, reclaimable: 4096 },
  paths: ['a', "it's", '-rf\nx\udcff'],
};
const file: DupsRow = {
  ...dir,
  kind: 'file',
  size: 10,
  files: 1,
  count: 2,
  reclaimable: 10,
  paths: ['b', 'c'],
};

async function* given(...rows: DupsRow[]): AsyncGenerator<DupsRow> {
  yield* rows;
}

describe('a group for people', () => {
  test('says what could be freed, and what to keep', () => {
    expect(groupBlock(dir)).toBe(
      "4.0 KiB in 3 directories of 3 files, 2.0 KiB\n  keep  a\n        it's\n        -rf\\nx\\377",
    );
    expect(groupBlock(file)).toBe('10 B in 2 files of 10 B\n  keep  b\n        c');
  });

  test('keeps what is protected', () => {
    expect(groupBlock({ ...dir, protected: 2 })).toContain("  keep  it's\n        -rf");
  });

  test('says when names differ', () => {
    expect(groupBlock({ ...dir, kind: 'contents' })).toContain('the same contents under other names');
  });
});

describe('totals', () => {
  const totals = async (overlap: boolean, ...rows: DupsRow[]): Promise<string> => {
    const sums = new DupsTotals();
    for await (const row of sums.count(given(...rows))) expect(row).toBeDefined();
    return sums.line(overlap);
  };

  test('add up groups, files and bytes, and say what hard links share', async () => {
    expect(await totals(false)).toBe('No duplicates.');
    expect(await totals(false, dir, file)).toBe('2 groups: 7 more files than needed, 4.0 KiB.');
    expect(await totals(false, { ...file, reclaimable: 0 })).toBe(
      '1 group: 1 more file than needed, 0 B. Hard links of one source file count once: 10 B.',
    );
  });

  test('of groups that hold each other are not added', async () => {
    expect(await totals(true, dir, file)).toBe('2 groups, of which some hold others.');
  });
});

describe('the script', () => {
  async function script(...rows: DupsRow[]): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of pruneScript(given(...rows), "/an archive's")) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  test('calls prune for all but what stays, with any name, and for nothing that frees nothing', async () => {
    const fake = 'hkfs() { printf "%s\\0" "$HKFS_ARCHIVE" "$@"; cat; };';
    const text = await script(dir, { ...dir, protected: 2 }, { ...file, reclaimable: 0 });
    const { stdout, stderr, status } = spawnSync('sh', ['-s'], {
      input: Buffer.concat([Buffer.from(fake), text]),
    });
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
    const call = "/an archive's\0prune\0--yes\0--from-file\0-\0-0\0";
    const odd = '-rf\nx\xff\0';
    expect(stdout.toString('latin1')).toBe(`${call}it's\0${odd}${odd}`);
  });

  test('does nothing when it was cut short, and is nothing to do without duplicates', async () => {
    const fake = Buffer.from('hkfs() { echo called; cat; };');
    const whole = await script(dir, file);
    for (let size = 0; size < whole.length - 40; size += 7) {
      const input = Buffer.concat([fake, whole.subarray(0, size)]);
      expect(spawnSync('sh', ['-s'], { input }).stdout.toString()).toBe('');
    }
    const { stdout, status } = spawnSync('sh', ['-s'], { input: Buffer.concat([fake, await script()]) });
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 0, stdout: 'called\n' });
  });

  test('has only comments beside its commands, whatever the names', async () => {
    const lines = (await script({ ...dir, paths: ['$(x)\n`y`', 'b'] })).toString().split('\n');
    expect(lines).toContain('# stays: $(x)\\n`y`');
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      `HKFS_ARCHIVE='/an archive'\\''s'`,
      'export HKFS_ARCHIVE',
      'cd / || exit 1',
      '{',
      ':',
      "printf '%s\\0' 'b'",
      '} | hkfs prune --yes --from-file - -0',
    ]);
  });

  test('is refused as JSON, of the past, and of groups that hold each other', () => {
    const fine = { json: false, at: undefined, all: false };
    expect(() => refuseForScript(fine)).not.toThrow();
    for (const bad of [{ json: true }, { at: '@1' }, { all: true }])
      expect(() => refuseForScript({ ...fine, ...bad })).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
