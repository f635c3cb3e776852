/** Tars that were made to exhaust a reader: they are taken in, or refused, in little memory. */
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { removeTree } from '../../src/fs/remove-tree.js';
import { Box, bin, sh, testWhere } from '../e2e/hkfs.js';
import { hasTool, scratchDirectory } from '../fs/scratch.js';

const scratch = scratchDirectory();
const withTime = testWhere(hasTool('time') && hasTool('python3'), 'needs time and python3');
const MEMBERS = 100_000;
const LIMIT_KB = 600_000;

/** Members from a python expression that yields them, through a pipe; the memory of hkfs at its most, in KiB. */
function takeIn(box: Box, members: string): { memory: number; status: number } {
  const script = `import sys, tarfile
tar = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.PAX_FORMAT)
def member(name, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name); info.type = kind
    tar.addfile(info); tar.members.clear()
${members}
tar.close()`;
  const hkfs = `'${process.execPath}' '${bin}' ingest - --to tree -a '${box.root}' --progress none`;
  const out = sh(
    `python3 -c "${script}" | command time -o used -f %M ${hkfs} >/dev/null 2>&1 && echo 0 || echo $?; tail -n1 used`,
    box.path,
  );
  const [status, memory] = out.trim().split('\n').map(Number);
  return { status: status!, memory: memory! };
}

withTime(
  `${MEMBERS} empty members`,
  () => {
    const box = Box.make(scratch.path);
    const { status, memory } = takeIn(
      box,
      `for at in range(${MEMBERS}): member('d%d/f%d' % (at // 1000, at))`,
    );
    expect({ status, isSmall: memory < LIMIT_KB }).toEqual({ status: 0, isSmall: true });
    expect(box.rows('du', 'tree', '--depth', '0')).toMatchObject([{ files: MEMBERS }]);
  },
  600_000,
);

withTime(
  'directories that lie ever deeper',
  () => {
    const box = Box.make(scratch.path);
    try {
      const { status, memory } = takeIn(
        box,
        `for at in range(1, 2000, 300): member('d/' * at + 'f')\nmember('d/' * 100000)`,
      );
      expect({ status, isSmall: memory < LIMIT_KB }).toEqual({ status: 3, isSmall: true });
      expect(sh(`ls '${join(box.root, 'tree/d')}'`)).toBe('d\nf\n');
    } finally {
      removeTree(box.root);
    }
  },
  600_000,
);
