/** Errors of file systems that Node has no name for, at the steps of commands: told, never a bug, nothing lost. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { HEAVY } from '../projections/property.js';
import { hkfs } from './hkfs.js';

/** EDQUOT, ESTALE, EUCLEAN and EBADMSG have no name in Node; E999 has none anywhere. */
const ERRNOS = ['EDQUOT', 'ESTALE', 'EUCLEAN', 'EBADMSG', 'E999', 'EIO', 'ENOSPC'] as const;

type Step = readonly [step: string, ...command: string[]];
const INGEST = ['ingest', 'source', '-a', 'archive'] as const;
const STEPS: readonly Step[] = [
  ['source.read', ...INGEST],
  ['stage.open', ...INGEST],
  ['stage.write', ...INGEST],
  ['object.name', ...INGEST],
  ['commit.sync', ...INGEST],
  ['commit.append', ...INGEST],
  ['commit.views', ...INGEST],
  ['tree.apply', ...INGEST],
  ['tree.link', ...INGEST],
  ['commit.tree', ...INGEST],
  ['tree.sync', ...INGEST],
  ['restore.write', 'restore', 'old/', '--to', 'out', '-a', 'archive'],
  ['export.read', 'export', 'old', '-o', 'out.tar', '-a', 'archive'],
  ['tree.rename', 'mv', 'old', 'new', '-a', 'archive'],
  ['tree.unlink', 'rm', 'old/a', '--yes', '-a', 'archive'],
  ['remote.write', 'backup', 'disk', '-a', 'archive'],
];
const CASES = STEPS.flatMap((step, index) =>
  (HEAVY ? ERRNOS : [ERRNOS[index % 5]!]).map((errno): [string, string, readonly string[]] => [
    errno,
    step[0],
    step.slice(1),
  ]),
);

let scratch = '';
const run = (words: readonly string[], failpoint?: string): ReturnType<typeof hkfs> =>
  hkfs(words, { cwd: scratch, env: failpoint === undefined ? {} : { HKFS_FAILPOINT: failpoint } });
function ok(words: readonly string[]): void {
  const { status, stderr } = run(words);
  expect({ words, status, stderr }).toMatchObject({ status: 0 });
}

beforeEach(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), 'hkfs-errnos-'));
  for (const [folder, names] of [
    ['old', ['a', 'b']],
    ['source', ['c', 'd', 'e']],
  ] as const) {
    fs.mkdirSync(join(scratch, folder));
    for (const name of names) fs.writeFileSync(join(scratch, folder, name), `bytes of ${name}`);
  }
  ok(['init', 'archive']);
  ok(['ingest', 'old', '-a', 'archive']);
  ok(['remote', 'add', 'disk', join(scratch, 'remote'), '-a', 'archive']);
});
afterEach(() => fs.rmSync(scratch, { recursive: true, force: true }));

test.each(CASES)(
  '%s at %s is told with an exit code of its own, and the archive goes on',
  (errno, step, words) => {
    const ended = run(words, `${step}=${errno}`);
    expect([{ status: 2 }, { status: 3 }, { status: 4 }]).toContainEqual({ status: ended.status });
    expect(ended.stderr).not.toContain('[BUG]');
    if (errno === 'EDQUOT' && ended.status !== 3) expect(ended.stderr).toContain('[NO_SPACE]');
    // What has its name and no event yet is untracked, and nothing else is wrong.
    const { status } = run(['verify', '-a', 'archive']);
    expect(status).toBe(step === 'object.name' ? 1 : 0);
    for (const name of ['a', 'b'])
      expect(run(['cat', `old/${name}`, '--at', 'op:1', '-a', 'archive']).stdout).toBe(`bytes of ${name}`);
    if (words[0] !== 'ingest') return;
    ok(words);
    ok(['verify', '-a', 'archive']);
    for (const name of ['c', 'd', 'e'])
      expect(fs.readFileSync(join(scratch, 'archive/source', name), 'utf8')).toBe(`bytes of ${name}`);
  },
);

test('one source that cannot be read for whatever reason is listed, and the rest is taken in', () => {
  for (const errno of ['ESTALE', 'EUCLEAN', 'E999']) {
    const { status, stdout, stderr } = run([...INGEST, '--json', '--checksum'], `source.read=${errno}@2`);
    expect({ status, stderr }).toMatchObject({ status: 3, stderr: expect.stringContaining(`[${errno}]`) });
    expect(JSON.parse(stdout)).toMatchObject({ failed: [{ code: errno }] });
  }
});
