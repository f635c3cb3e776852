/** Small tars that once failed, each with the answer that is right (the README beside them). */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';
import { Box, sh, testWhere } from './hkfs.js';

const CASES = join(import.meta.dirname, '../../../shared/fixtures/cases');
const scratch = scratchDirectory();
const withCases = testWhere(existsSync(CASES), `needs ${CASES}`);
const withAcls = testWhere(
  existsSync(CASES) && isRoot && hasTool('getfacl'),
  `needs ${CASES}, root and getfacl`,
);

interface Taken {
  readonly box: Box;
  readonly status: number | null;
  readonly codes: string[];
  readonly said: string;
  readonly paths: string[];
}

function take(name: string, ...flags: string[]): Taken {
  const box = Box.make(scratch.path);
  const { run, summary } = box.ingestWith({}, join(CASES, name), '--to', 't', ...flags);
  const paths = box
    .paths('t')
    .map((path) => path.slice(2))
    .sort();
  const said = summary.failed.map(({ path, message }) => `${path}: ${message}`).join('\n');
  box.expectSound();
  return { box, status: run.status, codes: summary.failed.map(({ code }) => code), said, paths };
}

withCases(
  'a page of zeros over a header: all other members are taken, and the damage is named with its byte',
  () => {
    const { status, codes, said, paths } = take('zeropage2.tar');
    expect({ status, codes, count: paths.length }).toEqual({ status: 3, codes: ['TAR_DAMAGED'], count: 19 });
    expect(said).toContain('byte 22528');
  },
);

withCases(
  'a tar, its end, junk and a second tar: told as members after the end, and taken with --ignore-zeros',
  () => {
    expect(take('tar_garbage_tar.tar')).toMatchObject({ status: 3, codes: ['TAR_HAS_MORE'], paths: ['a'] });
    expect(take('tar_garbage_tar.tar', '--ignore-zeros').paths).toEqual(['a', 'b']);
  },
);

withCases('the last header in zeros: its loss is told', () => {
  expect(take('lonezero_last.tar')).toMatchObject({ status: 3, codes: ['TAR_DAMAGED'], paths: ['a'] });
});

withCases('a hard link whose body begins with zeros: all members are taken', () => {
  const { box, status, paths } = take('hl_body_zero.tar');
  expect({ status, paths }).toEqual({ status: 0, paths: ['a', 'b', 'c', 'd'] });
  expect(box.stat('t/b').entry?.linkGroup).toBe(box.stat('t/a').entry?.linkGroup);
});

withCases(
  'a directory that states a size before a damaged header: only that member is missing, and it is named',
  () => {
    const { status, codes, said, paths } = take('dirsize_flip.tar');
    expect({ status, codes }).toEqual({ status: 3, codes: ['TAR_DAMAGED'] });
    expect(paths).toEqual(['d', 'd/1', 'd/2', 'd/3', 'd/4', 'd/5']);
    expect(said).toContain('d/0');
  },
);

withCases('a global header between another header and its member takes nothing from the member', () => {
  expect(take('L_g_member.tar')).toMatchObject({ status: 0, paths: ['longname-from-L'] });
  expect(take('x_g_member.tar')).toMatchObject({ status: 0, paths: ['path-from-x'] });
});

withCases('the same device and inode in two tars: restored together they are two inodes', () => {
  const box = Box.make(scratch.path);
  for (const name of ['sameino_same1.tar', 'sameino_same2.tar'])
    box.ingest(join(CASES, name), '--to', 'both');
  box.restore('both/', 'out');
  const [a, b] = ['a', 'b'].map((name) => statSync(join(box.path, 'out', name)));
  expect([a!.nlink, b!.nlink, a!.ino === b!.ino]).toEqual([1, 1, false]);
});

withAcls(
  'a mask that the mode of the header does not have: restored with the mask, and a second restore finds nothing',
  () => {
    const { box, status } = take('bsdtar_acl_mask.tar');
    expect(status).toBe(0);
    box.restore('t/', 'out');
    expect(sh('stat -c %a out/acl', box.path)).toBe('664\n');
    expect(sh('getfacl -cn out/acl', box.path)).toContain('mask::rw-');
    expect(box.restore('t/', 'out').summary).toMatchObject({ files: 0, directories: 0, failed: [] });
  },
);

withCases('junk after the gzip data: all files, and a warning', () => {
  const box = Box.make(scratch.path);
  const { run, summary } = box.ingestWith({}, join(CASES, 'gzip_trailing_junk.tar.gz'), '--to', 't');
  expect({ status: run.status, files: summary.files, failed: summary.failed }).toEqual({
    status: 0,
    files: 200,
    failed: [],
  });
  expect(run.stderr).toContain('2 bytes after the end of the compressed data');
});

withCases('a sparse file of 130,000 pieces is read whole', () => {
  const { box, status, paths } = take('pieces130000.tar.gz');
  expect({ status, count: paths.length }).toEqual({ status: 0, count: 2 });
  const sparse = paths.map((path) => box.tree(`t/${path}`)).find((path) => statSync(path).size === 260_000)!;
  expect(sh(`tr -d '\\0' <'${sparse}' | wc -c`).trim()).toBe('130000');
});
