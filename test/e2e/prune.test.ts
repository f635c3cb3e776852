/** prune, orphans and gc as people and programs meet them. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { GcSummary, LogRow, OrphanRow, PruneSummary } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { bin, Box, parseRows, saying, sh } from './hkfs.js';

const scratch = scratchDirectory();

function boxOf(files: Readonly<Record<string, string>>): Box {
  const box = Box.make(scratch.path).write(files);
  box.ingest('--to', '/');
  return box;
}

const TWICE = { 'a/one': '1', 'a/b/two': '22', 'c/one': '1', 'c/other': '22' };

describe('prune', () => {
  test('removes a duplicate with --yes, shows the proof in the log, and undo brings it back', () => {
    const box = boxOf(TWICE);
    const before = box.paths();
    const [summary] = box.rows<PruneSummary>('prune', 'a', '--yes');
    expect(Object.keys(summary!)).toEqual([
      'operation',
      'removed',
      'removedFiles',
      'removedBytes',
      'proof',
      'refusing',
    ]);
    expect(summary).toMatchObject({ operation: 2, removed: ['a'], removedFiles: 2, removedBytes: 3 });
    expect(summary!.proof.map(({ path, kept }) => [path, kept])).toEqual([
      ['a/b/two', 'c/other'],
      ['a/one', 'c/one'],
    ]);
    expect(box.paths()).toEqual(['c', 'c/one', 'c/other']);
    expect(existsSync(box.tree('a'))).toBe(false);
    const events = box.rows<LogRow>('log', '--op', '2').filter(({ type }) => type === 'paths.pruned');
    expect(events.map(({ data }) => data.entries)).toEqual([summary!.proof]);
    expect(box.run('log', '--op', '2').stdout).toContain('2 entries proven to be kept elsewhere');
    box.expectSound();
    box.rows('undo');
    expect(box.paths()).toEqual(before);
    box.expectSound();
    box.expectReplayed();
  });

  test('refuses with exit 1, names each file in the way, and changes nothing', () => {
    const box = boxOf({ ...TWICE, 'a/only': 'here', 'a/b/too': 'here too' });
    const head = box.head();
    const { status, stdout } = box.run('prune', 'a', '--yes', '--json');
    expect(status).toBe(1);
    const [summary] = parseRows<PruneSummary>(stdout);
    expect(summary).toMatchObject({ operation: null, removedFiles: 0, proof: [] });
    expect(summary!.refusing).toEqual([
      expect.objectContaining({
        path: 'a/b/too',
        kind: 'file',
        size: 8,
        reason: 'its content is nowhere else',
      }),
      expect.objectContaining({ path: 'a/only', kind: 'file', size: 4 }),
    ]);
    const people = box.run('prune', 'a', '--yes');
    expect(people.status).toBe(1);
    expect(people.stdout).toBe(
      'Nothing was removed.\n2 entries stand in the way:\n' +
        '  a/b/too: its content is nowhere else\n  a/only: its content is nowhere else\n',
    );
    expect(box.run('prune', 'a', '--dry-run')).toMatchObject({ status: 1 });
    expect(box.head()).toBe(head);
  });

  test('takes a list, each path for itself, and none keeps anything of another', () => {
    const box = boxOf({ ...TWICE, 'd/one': '1', 'd/two': '22', 'e/only': 'here', 'line\nfeed': '1' });
    const input = 'a\0c/one\0d/two\0line\nfeed\0e/only\0nowhere\0';
    const run = box.runWith({ input }, 'prune', '--yes', '--from-file', '-', '-0', '--json');
    expect(run.status).toBe(1);
    const [summary] = parseRows<PruneSummary>(run.stdout);
    expect(summary).toMatchObject({ operation: 2, removed: ['a', 'c/one', 'd/two', 'line\nfeed'] });
    expect(summary!.refusing.map(({ path }) => path)).toEqual(['nowhere', 'e/only']);
    expect(box.paths()).toEqual(['c', 'c/other', 'd', 'd/one', 'e', 'e/only']);
    box.write({ list: 'd/one\n\nc/other' });
    expect(box.run('prune', '--yes', '--from-file', `${box.source}/list`)).toMatchObject({ status: 1 });
    box.expectSound();
  });

  test.each([
    ['neither a path nor a list', []],
    ['both', ['a', '--from-file', '-']],
    ['an empty path in a list', ['--from-file', '-', '-0']],
    ['-0 without a list', ['a', '-0']],
    ['a list that is not there', ['--from-file', '/nowhere/list']],
  ])('refuses %s', (_what, args) => {
    const box = boxOf(TWICE);
    expect(box.runWith({ input: 'a\0\0' }, 'prune', '--yes', ...args)).toMatchObject({
      ...{ status: 2, stdout: '' },
    });
    expect(box.paths()).toHaveLength(7);
  });

  test('the script of dups takes all duplicates as one operation', () => {
    const files: Record<string, string> = {};
    for (let at = 0; at < 200; at += 1)
      Object.assign(files, { [`k/${at}`]: `${at}`, [`x/g'${at}`]: `${at}`, [`y/h ${at}`]: `${at}` });
    const box = boxOf(files);
    const { stdout } = box.run('dups', '--format', 'script');
    const run = sh(`hkfs() { '${process.execPath}' '${bin}' "$@"; }\n${stdout}`);
    expect(run).toContain('Removed 400 files');
    expect(box.run('dups').stderr).toContain('No duplicates');
    expect(box.rows('ops')).toHaveLength(2);
  });

  test('with --keep-unique takes the rest, exit 0', () => {
    const box = boxOf({ ...TWICE, 'a/only': 'here' });
    const { status, stdout } = box.run('prune', 'a', '--keep-unique', '--yes', '--json');
    expect(status).toBe(0);
    expect(parseRows<PruneSummary>(stdout)).toMatchObject([
      { removed: ['a/b', 'a/one'], refusing: [{ path: 'a/only' }] },
    ]);
    expect(box.paths()).toEqual(['a', 'a/only', 'c', 'c/one', 'c/other']);
  });

  test('prints its plan under --dry-run, and wants --yes where nobody can be asked', () => {
    const box = boxOf(TWICE);
    const head = box.head();
    const dry = box.run('prune', 'a', '--dry-run');
    expect(dry).toMatchObject({ status: 0 });
    expect(dry.stdout).toBe(
      'Would\n  remove a/ and everything below\n  a/b/two stays as c/other\n  a/one stays as c/one\n',
    );
    const asked = box.run('prune', 'a');
    expect(asked.status).toBe(2);
    expect(asked.stderr).toContain('[CONFIRMATION_NEEDED]');
    expect(box.head()).toBe(head);
  });

  test('takes 30d and moments for --verified-since', () => {
    const box = boxOf(TWICE);
    expect(box.run('prune', 'a', '--dry-run', '--verified-since', '30d').status).toBe(0);
    expect(box.run('prune', 'a', '--dry-run', '--verified-since', 'op:1').status).toBe(1);
    expect(box.run('prune', 'a', '--dry-run', '--verified-since', 'soonish').stderr).toMatch(
      saying('BAD_MOMENT'),
    );
  });

  test.each([
    ['', 'USAGE'],
    ['/', 'BAD_TARGET'],
    ['nothing', 'NOT_FOUND'],
    ['../outside', 'BAD_PATH'],
  ])('refuses %j with %s', (path, code) => {
    const box = boxOf({ f: 'x' });
    const { status, stderr } = box.run('prune', path, '--yes');
    expect(status).toBe(2);
    expect(stderr).toMatch(saying(code));
  });
});

describe('orphans and gc', () => {
  test('list, show, delete, and say afterwards what went', () => {
    const box = boxOf({ 'd/letter': 'letter', 'd/other': 'other' });
    const { hash } = box.stat('d/letter');
    box.run('rm', 'd/letter', '--yes');
    const [orphan, ...others] = box.rows<OrphanRow>('orphans');
    expect(others).toEqual([]);
    expect(Object.keys(orphan!)).toEqual(['hash', 'size', 'lastPath', 'since']);
    expect(orphan).toMatchObject({ hash, size: 6, lastPath: 'd/letter' });
    expect(box.run('orphans').stdout).toMatch(/^[0-9a-f]{16} +6 B +\S+ \S+ +d\/letter\n$/);

    const kept = box.run('gc', '--older-than', '0s', '--yes');
    expect(kept).toMatchObject({ status: 0 });
    expect(kept.stdout).toBe('Nothing was deleted.\n1 stays: an undo of the last change would need it.\n');
    box.run('mv', 'd/other', 'd/moved');
    expect(box.run('gc', '--yes').stdout).toContain('--older-than');

    const asked = box.run('gc', '--older-than', '0s');
    expect({ status: asked.status, stderr: asked.stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/last named d\/letter\n[^]*\[CONFIRMATION_NEEDED\]/),
    });
    expect(box.run('gc', '--older-than', '0s', '--dry-run').stdout).toContain('That is 1 object (6 B).');

    const [gone, summary] = box.rows<OrphanRow | GcSummary>('gc', '--older-than', '0s', '--yes');
    expect(gone).toEqual(orphan);
    expect(summary).toEqual({
      ...{ operation: 4, objects: 1, bytes: 6 },
      kept: { recent: 0, undo: 0, tagged: 0, linked: 0, unverified: 0 },
    });
    expect(box.rows('orphans')).toEqual([]);
    box.expectSound();
    box.expectReplayed();

    const cat = box.run('cat', 'd/letter', '--at', 'op:1');
    expect(cat.status).toBe(2);
    expect(cat.stderr).toMatch(/was removed at \S+ by operation 4 \(gc\) \[OBJECT_COLLECTED\]/);
    expect(box.run('cat', hash!).stderr).toContain('[OBJECT_COLLECTED]');
    const { run, summary: restored } = box.restore('d', 'out', '--at', 'op:1');
    expect(run.status).toBe(3);
    expect(restored.failed).toMatchObject([{ code: 'OBJECT_COLLECTED' }]);
    expect(box.run('undo', '2').stderr).toMatch(/by operation 4 \(gc\) \[CANNOT_UNDO\]/);
    expect(box.run('log', '--op', '4').stdout).toContain('removed, 6 B, last at d/letter');

    expect(box.ingest('--to', 'again')).toMatchObject({ newObjects: 1 });
    expect(box.run('cat', 'd/letter', '--at', 'op:1').stdout).toBe('letter');
    box.expectSound();
  });
});
