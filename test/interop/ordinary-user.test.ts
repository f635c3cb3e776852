/** As a user who is not root: what may not be read is told, one by one, and the rest is taken in. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect } from '@jest/globals';
import { Box, hkfs, inode, saying, sh, testWhere } from '../e2e/hkfs.js';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';

const NOBODY = 65534;
const through = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
const canReadCheckout = (): boolean => {
  try {
    sh(`${through.join(' ')} test -r '${join(import.meta.dirname, '../../bin/run.js')}'`);
    return true;
  } catch {
    return false;
  }
};
const asNobody = testWhere(
  isRoot && hasTool('setpriv') && canReadCheckout(),
  'needs root, setpriv, and a checkout that everybody may read',
);

const scratch = scratchDirectory();
let box: Box;
beforeEach(() => {
  if (!isRoot) return;
  fs.chmodSync(scratch.path, 0o755);
  const path = fs.mkdtempSync(join(scratch.path, 'box-'));
  fs.mkdirSync(join(path, 'source'));
  box = new Box(path).write({ a: 'a', 'd/b': 'b', 'd/secret': 's', 'closed/c': 'c', 'blind/x': 'x' });
  sh(`chown -R ${NOBODY}:${NOBODY} .`, path);
  expect(hkfs(['init', box.root], { through })).toMatchObject({ status: 0, stderr: '' });
});

describe('an ordinary user', () => {
  asNobody(
    'gets the unreadable files and directories listed with EACCES, exit 3, and the rest taken in',
    () => {
      sh('chown 0:0 d/secret closed; chmod 600 d/secret; chmod 700 closed; chmod 400 blind', box.source);
      const { run, summary } = box.ingestWith({ through });
      const failed = summary.failed.map(({ path, code }) => `${path.slice(box.source.length + 1)} ${code}`);
      expect({ status: run.status, failed: failed.toSorted() }).toEqual({
        status: 3,
        failed: ['blind EACCES', 'closed EACCES', 'd/secret EACCES'],
      });
      expect(run.stderr.match(/^hkfs: warning: .*\[EACCES\]$/gm)).toHaveLength(3);
      expect(summary.files).toBe(2);
      expect(box.paths('source')).toEqual(
        ['a', 'blind', 'closed', 'd', 'd/b'].map((path) => `source/${path}`),
      );
      expect(box.runWith({ through }, 'verify').status).toBe(0);
    },
  );

  asNobody('loses nothing from the archive by --mirror where the source cannot be read any more', () => {
    box.ingestWith({ through });
    sh('chown 0:0 closed d/secret; chmod 700 closed; chmod 600 d/secret', box.source);
    const { run, summary } = box.ingestWith({ through }, '--mirror', '--checksum');
    expect({ status: run.status, removed: summary.removed }).toEqual({ status: 3, removed: 0 });
    expect(box.runWith({ through }, 'cat', 'source/closed/c').stdout).toBe('c');
  });

  asNobody.each([
    ['directory', ''],
    ['file', 'a'],
  ])(
    'gets an unreadable %s as the source refused: SOURCE_UNREADABLE, exit 3, nothing changed',
    (_kind, name) => {
      sh(`chown 0:0 '${box.source}/${name}'; chmod 700 '${box.source}/${name}'`);
      const head = box.runWith({ through }, 'head').stdout;
      const { status, stderr } = box.runWith({ through }, 'ingest', join(box.source, name));
      expect({ status, stderr }).toEqual({
        status: 3,
        stderr: expect.stringMatching(saying('SOURCE_UNREADABLE')),
      });
      expect(box.runWith({ through }, 'head').stdout).toBe(head);
    },
  );

  asNobody.each(['link', 'assimilate', 'move'])(
    'has the files of others copied in mode %s, and taken in with their owners',
    (mode) => {
      sh('chown 0:0 a d/secret; chmod 644 a d/secret', box.source);
      const before = inode(join(box.source, 'a'));
      const { run, summary } = box.ingestWith({ through }, box.source, '--mode', mode);
      expect({ status: run.status, failed: summary.failed }).toEqual({ status: 0, failed: [] });
      expect(inode(box.tree('source/a'))).not.toBe(before);
      expect(box.runWith({ through }, 'cat', 'source/a').stdout).toBe('a');
      const [row] = JSON.parse(
        `[${box.runWith({ through }, 'ls', 'source/a', '--json').stdout}]`,
      ) as object[];
      expect(row).toMatchObject({ uid: 0, mode: 0o644 });
      expect(box.runWith({ through }, 'verify').status).toBe(0);
    },
  );

  asNobody('is told NO_PERMISSION for a change of an archive of another that may be read only', () => {
    box.ingestWith({ through });
    sh(`chown -R 0:0 '${box.root}'; chmod -R go+rX-w '${box.root}'`);
    const { status, stderr } = box.runWith({ through }, 'ingest', box.source);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(saying('NO_PERMISSION')),
    });
  });

  asNobody('is told NO_PERMISSION by init where no directory may be made', () => {
    const { status, stderr } = hkfs(['init', '/nobody-may-make-this/archive'], { through });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying('NO_PERMISSION')) });
  });
});
