/** Odd tars that are right all the same, made byte by byte, as GNU tar and bsdtar extract them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { walkAttributes } from '../e2e/attribute-walk.js';
import { Box, sh, testWhere } from '../e2e/hkfs.js';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';
import { END, header, member, pax } from '../tar/make-tar.js';

const scratch = scratchDirectory();
const EXTRACT = { tar: 'tar --numeric-owner -xpf', bsdtar: 'bsdtar --numeric-owner -xpf' } as const;
const withBoth = testWhere(isRoot && hasTool('tar') && hasTool('bsdtar'), 'needs root, GNU tar and bsdtar');
const content = Buffer.alloc(1300, 'content ');

function expectAlike(bytes: Buffer, programs: readonly (keyof typeof EXTRACT)[]): void {
  const box = Box.make(scratch.path);
  const file = join(box.path, 'odd.tar');
  writeFileSync(file, bytes);
  box.ingest(file, '--to', 'tree');
  box.restore('tree/', 'ours');
  const ours = walked(box, 'ours');
  for (const program of programs) {
    mkdirSync(join(box.path, program));
    sh(`${EXTRACT[program]} '${file}' -C ${program}`, box.path);
    expect({ program, tree: walked(box, program) }).toEqual({ program, tree: ours });
  }
  box.expectSound();
}

function walked(box: Box, directory: string): unknown {
  const { '.': _root, ...tree } = walkAttributes(join(box.path, directory));
  return tree;
}

/** As the tars of some machines sum the bytes of a header: with a sign. */
function signed(block: Buffer): Buffer {
  const bytes = Buffer.from(block);
  bytes.fill(0x20, 148, 156);
  const sum = bytes.reduce((total, byte) => total + (byte > 127 ? byte - 256 : byte), 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

const odd: readonly (readonly [string, Buffer, readonly (keyof typeof EXTRACT)[]])[] = [
  [
    'a directory and a link that state sizes',
    Buffer.concat([
      header({ name: 'd/', type: '5', size: 4096, mode: '0000755' }),
      member({ name: 'd/f' }, content),
      header({ name: 'l', type: '1', link: 'd/f', size: 1300 }),
      member({ name: 'g' }, 'g'),
    ]),
    ['tar', 'bsdtar'],
  ],
  [
    'a hard link of pax with its body',
    Buffer.concat([
      member({ name: 'f' }, content),
      pax({ mtime: '0.5' }),
      member({ name: 'l', type: '1', link: 'f' }, content),
      member({ name: 'g' }, 'g'),
    ]),
    [],
  ],
  [
    'a global header in between',
    Buffer.concat([pax({ path: 'long' }), pax({ comment: 'x' }, 'g'), member({ name: 'short' }, 'x')]),
    ['tar'],
  ],
  ['sums with a sign', signed(header({ name: Buffer.from('f\xe9', 'latin1') })), ['tar', 'bsdtar']],
  ['contiguous files', member({ name: 'f', type: '7' }, content), ['tar', 'bsdtar']],
  [
    'names without a mark of their format',
    member({ name: 'f', magic: '', type: '\0' }, content),
    ['tar', 'bsdtar'],
  ],
];

withBoth.each(odd)('%s: as they are extracted', (_what, bytes, programs) => {
  expectAlike(Buffer.concat([bytes, END]), programs);
});

const several = [
  ['gzip', 'gzip -c'],
  ['xz', 'xz -c'],
  ['bzip2', 'bzip2 -c'],
  ['zstd', 'zstd -qc'],
].filter(([program]) => hasTool(program!));

test.each(several)('a tar in several parts of %s is one tar', (program, compress) => {
  const box = Box.make(scratch.path);
  const bytes = Buffer.concat([member({ name: 'a' }, content), member({ name: 'b' }, content), END]);
  writeFileSync(join(box.path, 'whole'), bytes);
  const parts = [0, 700, 701, 2500].map(
    (from, at, all) =>
      `tail -c +${from + 1} whole | head -c ${(all[at + 1] ?? bytes.length) - from} | ${compress}`,
  );
  sh(`(${parts.join('; ')}) >parts.${program}`, box.path);
  expect(box.ingest(join(box.path, `parts.${program}`), '--to', 'tree')).toMatchObject({
    files: 2,
    bytes: 2600,
  });
});
