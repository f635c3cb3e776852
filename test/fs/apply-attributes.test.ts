import { execFileSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { describe, expect } from '@jest/globals';

import type { Attributes } from '../../src/events/types.js';
import { applyAttributes } from '../../src/fs/apply-attributes.js';
import { attributesOf } from '../../src/fs/attributes.js';
import { nameFromBytes, toFsPath } from '../../src/fs/names.js';
import { loadPosix } from '../../src/fs/posix.js';
import { hasTool, isRoot, scratchDirectory, testWhen } from './scratch.js';

const scratch = scratchDirectory();
const posix = loadPosix();
const rootTest = testWhen(posix !== null && isRoot, 'giving files away needs koffi and root');
const aclTest = testWhen(posix !== null && isRoot && hasTool('setfacl'), 'no setfacl, or not root');

/** The user and group that Linux calls nobody. */
const NOBODY = 65_534;

function file(name: string): string {
  const path = join(scratch.path, name);
  writeFileSync(toFsPath(path), 'content', { mode: 0o600 });
  return path;
}

function read(path: string): Attributes {
  return attributesOf(lstatSync(toFsPath(path), { bigint: true }), path, posix);
}

/** What a file has that came from nowhere special, with changes. */
function wanted(changes: Partial<Attributes> = {}): Attributes {
  return { mode: 0o640, uid: 0, gid: 0, user: 'root', group: 'root', mtimeNs: 1_000_000_001n, ...changes };
}

/** Runs `work` as nobody, for whom the scratch directory is open. */
function asNobody<T>(work: () => T): T {
  chownSync(scratch.path, NOBODY, NOBODY);
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

describe('an entry that is restored', () => {
  rootTest(
    'as root gets back owner, setuid mode, xattrs and nanoseconds, also under a name of bad bytes',
    () => {
      const path = file(nameFromBytes(Buffer.from([0xff, 0xfe])));
      const attributes = wanted({
        mode: 0o6755,
        uid: 1_234,
        gid: 5_678,
        user: null,
        group: null,
        mtimeNs: -1_500_000_001n,
        xattrs: [
          ['trusted.t', Uint8Array.of()],
          ['user.u', Uint8Array.of(0, 255)],
        ],
      });
      expect(applyAttributes(path, 'file', attributes, posix)).toEqual([]);
      expect(read(path)).toEqual(attributes);
    },
  );

  aclTest('gets back exactly its ACLs, and loses those inherited from the directory', () => {
    const parent = join(scratch.path, 'inherits');
    mkdirSync(parent);
    execFileSync('setfacl', ['-m', 'd:u:1000:rwx', parent]);
    const [plain, special] = [file('inherits/plain'), file('inherits/special')];
    execFileSync('setfacl', ['-m', 'u:7:r--,m::r-x', special]);
    const attributes = read(special);
    expect(read(plain).xattrs).toHaveLength(1);
    expect(applyAttributes(plain, 'file', wanted(), posix)).toEqual([]);
    expect(read(plain)).toEqual(wanted());
    expect(applyAttributes(file('inherits/copy'), 'file', attributes, posix)).toEqual([]);
    expect(read(join(parent, 'copy'))).toEqual(attributes);
  });

  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  const setuid = { mode: 0o6755, uid: 1_234, gid: 5_678, user: null, group: null };

  describe.each([
    ['by its path', (path: string) => path],
    ['that is open', (_path: string, fd: number) => ({ fd })],
  ] as const)('%s', (_how, entryOf) => {
    const give = (name: string, attributes: Attributes): Attributes => {
      const path = file(name);
      const fd = openSync(path, constants.O_RDWR);
      try {
        expect(applyAttributes(entryOf(path, fd), 'file', attributes, posix)).toEqual([]);
      } finally {
        closeSync(fd);
      }
      return read(path);
    };

    rootTest('keeps setuid, a capability and its time, which a change of owner would take', () => {
      const attributes = wanted({ ...setuid, xattrs: [['security.capability', capability]] });
      expect(give(`capable-${_how}`, attributes)).toEqual(attributes);
    });

    aclTest('has the mask of its ACL where that differs from the mode, and its time', () => {
      const source = file(`masked-${_how}`);
      execFileSync('setfacl', ['-m', 'u:7:rwx,m::rw-', source]);
      const { xattrs } = read(source);
      const attributes = wanted({ ...setuid, mode: 0o4700, xattrs: xattrs! });
      expect(give(`acl-${_how}`, attributes)).toEqual({ ...attributes, mode: 0o4660 });
    });

    rootTest('that nobody may write to gets its user attributes', () => {
      const attributes = wanted({
        mode: 0o444,
        uid: NOBODY,
        gid: NOBODY,
        xattrs: [['user.u', Buffer.of(1)]],
      });
      asNobody(() => expect(give(`fixed-${_how}`, attributes)).toMatchObject({ mode: 0o444 }));
    });
  });

  rootTest(
    'that is an open symlink gets its own owner and time, though its name leads elsewhere by now',
    () => {
      const target = file('untouched');
      const before = read(target);
      const link = join(scratch.path, 'open-link');
      symlinkSync('nowhere', link);
      const fd = openSync(link, 0o10000000 | constants.O_NOFOLLOW);
      renameSync(link, `${link}-moved`);
      symlinkSync(target, link);
      const attributes = wanted({ mode: 0o777, uid: 5, gid: 6, mtimeNs: 77n });
      expect(applyAttributes({ fd }, 'symlink', attributes, posix)).toEqual([]);
      closeSync(fd);
      expect(read(`${link}-moved`)).toMatchObject({ uid: 5, gid: 6, mtimeNs: 77n });
      expect([read(target), read(link).uid]).toEqual([before, 0]);
    },
  );

  rootTest('as a symlink gets its own owner and time, and its target is left alone', () => {
    const target = file('target');
    const before = read(target);
    const link = join(scratch.path, 'link');
    symlinkSync(target, link);
    const attributes = wanted({ mode: 0o777, uid: 5, gid: 6, mtimeNs: 77n });
    expect(applyAttributes(link, 'symlink', attributes, posix)).toEqual([]);
    expect(read(link)).toMatchObject({ uid: 5, gid: 6, mtimeNs: 77n });
    expect([read(target), readFileSync(target, 'utf8')]).toEqual([before, 'content']);
  });

  rootTest('by another user keeps that owner, gets no setuid, and says so', () => {
    const unset = asNobody(() => applyAttributes(file('foreign'), 'file', wanted({ mode: 0o4755 }), posix));
    expect(unset).toEqual([
      { what: 'owner', code: 'EPERM' },
      { what: 'group', code: 'EPERM' },
      { what: 'setuid and setgid', code: 'EPERM' },
    ]);
    expect(read(join(scratch.path, 'foreign'))).toMatchObject({
      mode: 0o755,
      uid: NOBODY,
      mtimeNs: 1_000_000_001n,
    });
  });

  rootTest('by its owner gets everything, setuid too', () => {
    const attributes = wanted({ mode: 0o4755, uid: NOBODY, gid: NOBODY });
    expect(asNobody(() => applyAttributes(file('own'), 'file', attributes, posix))).toEqual([]);
    expect(read(join(scratch.path, 'own')).mode).toBe(0o4755);
  });

  rootTest('reports every xattr that is refused and sets the others', () => {
    const xattrs = [
      ['nonsense.n', Uint8Array.of(1)],
      ['user.u', Uint8Array.of(2)],
    ] as const;
    const path = file('refused');
    expect(applyAttributes(path, 'file', wanted({ xattrs }), posix)).toEqual([
      { what: 'xattr nonsense.n', code: 'ENOTSUP' },
    ]);
    expect(read(path).xattrs).toEqual([['user.u', Uint8Array.of(2)]]);
  });

  rootTest('that is not there reports each part with ENOENT', () => {
    const unset = applyAttributes(join(scratch.path, 'none'), 'file', wanted(), posix);
    expect(unset.map(({ what, code }) => `${what} ${code}`)).toEqual([
      'owner ENOENT',
      'xattrs ENOENT',
      'mode ENOENT',
      'mtime ENOENT',
    ]);
  });

  rootTest('without system calls gets its time to the second, and says what is missing', () => {
    const path = file('degraded');
    const xattrs = [['user.u', Uint8Array.of(2)]] as const;
    expect(applyAttributes(path, 'file', wanted({ xattrs, mtimeNs: 3_000_000_000n }), null)).toEqual([
      { what: 'xattr user.u', code: 'ENOSYS' },
    ]);
    expect(read(path).mtimeNs).toBe(3_000_000_000n);
    expect(applyAttributes(path, 'file', wanted(), null)).toEqual([{ what: 'mtime', code: 'ENOSYS' }]);
  });
});
