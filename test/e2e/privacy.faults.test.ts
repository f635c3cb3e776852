/** What hkfs makes is for its owner alone, and what it starts or says tells no secret. */
import * as fs from 'node:fs';
import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { scratchDirectory, testWhen } from '../fs/scratch.js';
import { Box, hkfs, saying, sh } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
beforeEach(() => {
  box = Box.make(scratch.path).write({ 'd/a': 'content a' });
});

function mode(path: string): string {
  return (fs.statSync(path).mode & 0o7777).toString(8);
}

function folder(name: string, bits: number): string {
  const path = join(box.path, name);
  fs.mkdirSync(path);
  fs.chmodSync(path, bits);
  return path;
}

const FOLDERS = [
  { what: 'a folder that is new', before: null, flags: [], after: '700', isOpen: false },
  { what: 'one that is there', before: 0o755, flags: [], after: '755', isOpen: true },
  { what: 'one of a group', before: 0o750, flags: [], after: '750', isOpen: true },
  { what: "one that is its owner's alone", before: 0o700, flags: [], after: '700', isOpen: false },
  {
    what: 'one that is open, with --private',
    before: 0o777,
    flags: ['--private'],
    after: '700',
    isOpen: false,
  },
];

test.each(FOLDERS)(
  'init in $what: .hkfs is 0700, and who may enter is told',
  ({ before, flags, after, isOpen }) => {
    const root = before === null ? join(box.path, 'new') : folder('there', before);
    const { status, stdout, stderr } = hkfs(['init', root, ...flags]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect([mode(root), mode(join(root, '.hkfs'))]).toEqual([after, '700']);
    expect(stdout.split('\n')).toHaveLength(isOpen ? 3 : 2);
    expect(stdout.includes('is open to others')).toBe(isOpen);
  },
);

test('an archive that ingest makes says so too, and init --json has it as a field', () => {
  const here = folder('here', 0o755);
  const { status, stderr } = hkfs(['ingest', box.source, '--init', '--progress', 'none'], { cwd: here });
  expect({ status, lines: stderr.split('\n').length }).toEqual({ status: 0, lines: 2 });
  expect(stderr).toMatch(/is open to others.* \[OPEN_TO_OTHERS\]\n$/);
  const made = JSON.parse(hkfs(['init', folder('json', 0o711), '--json']).stdout) as object;
  expect(made).toMatchObject({ openToOthers: true });
});

test('a clone is as private as what init makes', () => {
  box.ingest();
  const remote = join(box.path, 'remote');
  fs.mkdirSync(remote);
  expect(box.run('remote', 'add', 'r', remote)).toMatchObject({ status: 0 });
  expect(box.run('backup', 'r', '--progress', 'none')).toMatchObject({ status: 0 });
  for (const [name, flags, after] of [
    ['open', [], '755'],
    ['shut', ['--private'], '700'],
  ] as const) {
    const root = folder(name, 0o755);
    const { status, stdout } = hkfs(['clone', remote, root, '--progress', 'none', ...flags]);
    expect({ status, isTold: stdout.includes('is open to others') }).toEqual({
      ...{ status: 0, isTold: name === 'open' },
    });
    expect([mode(root), mode(join(root, '.hkfs'))]).toEqual([after, '700']);
  }
});

test('what is written to a file that is named is 0600, whatever the umask', () => {
  box.ingest();
  const out = (name: string): string => join(box.path, name);
  fs.writeFileSync(out('old.tar'), 'old', { mode: 0o644 });
  for (const args of [
    ['export', '/', '-o', out('e.tar')],
    ['export', '/', '-o', out('e.tar.xz')],
    ['export', '/', '-y', '-o', out('old.tar')],
    ['bundle', 'create', out('b.hkfsbundle')],
    ['prove', '@1', '-o', out('p.proof')],
  ])
    expect(
      sh(`umask 0; HKFS_ARCHIVE='${box.root}' '${process.execPath}' '${BIN}' ${args.join(' ')} 2>&1`),
    ).toBeDefined();
  for (const name of ['e.tar', 'e.tar.xz', 'old.tar', 'b.hkfsbundle', 'p.proof'])
    expect([name, mode(out(name))]).toEqual([name, '600']);
});

const BIN = join(import.meta.dirname, '../../bin/run.js');

const asNobody = testWhen(process.getuid?.() === 0, 'only root can be another user');

asNobody('another user is told that the archive is not theirs, and not to make one', () => {
  for (const path of [scratch.path, box.path, box.root]) fs.chmodSync(path, 0o755);
  fs.chmodSync(join(box.root, '.hkfs'), 0o700);
  const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  for (const args of [['ls'], ['verify'], ['recover', '--dry-run'], ['ingest', '/etc/hostname']])
    for (const run of [hkfs([...args, '-a', box.root], { through }), hkfs(args, { through, cwd: box.root })])
      expect({ args, ...run }).toMatchObject({
        ...{ args, status: 2, stdout: '', stderr: expect.stringMatching(saying('NO_PERMISSION')) },
      });
});

test('programs that are started are told of PATH and not of secrets', () => {
  box.ingest();
  const bin = folder('bin', 0o755);
  const seen = join(box.path, 'seen');
  for (const name of ['xz', 'bzip2', 'zstd', 'sync']) {
    const real = sh(`command -v ${name} || true`).trim();
    fs.writeFileSync(
      join(bin, name),
      `#!/bin/sh\nenv >> '${seen}'; echo ${name} >> '${seen}'\nexec ${real} "$@"\n`,
      {
        mode: 0o755,
      },
    );
  }
  const env = {
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    ...{ AWS_SECRET_ACCESS_KEY: 'sesame', HKFS_TOKEN: 'sesame', XZ_OPT: '-9 sesame', LD_PRELOAD: '' },
  };
  for (const name of ['a.tar.xz', 'a.tar.bz2']) {
    const file = join(box.path, name);
    expect(box.runWith({ env }, 'export', '/', '-o', file).stderr).not.toContain('[');
    expect(box.runWith({ env }, 'ingest', file, '--to', name).status).toBe(0);
  }
  const text = fs.readFileSync(seen, 'utf8');
  expect(text).toContain('xz\n');
  expect(text).toContain('bzip2\n');
  expect(text).toContain('PATH=');
  expect(text).not.toContain('sesame');
});

test('every program is started with the small environment', () => {
  const src = join(import.meta.dirname, '../../src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const starting = files.filter((name) =>
    readFileSync(join(src, name), 'utf8').includes('node:child_process'),
  );
  expect(starting.length).toBeGreaterThan(2);
  for (const name of starting) {
    const text = readFileSync(join(src, name), 'utf8');
    const starts = text.match(/\b(spawn|exec|execFile|fork)(Sync)?\([^)]/g) ?? [];
    const told = text.match(/env: childEnvironment\(\)/g) ?? [];
    const own = text.match(/\bspawnSync\((this\.#)?fd/g) ?? []; // fs/durable.ts's own function
    expect([name, told.length]).toEqual([name, starts.length - own.length]);
  }
});

const SECRET = 'sEsAmE';

test('a secret in a URL is repeated nowhere', () => {
  box.ingest();
  const url = `https://user:${SECRET}@host/path?token=${SECRET}`;
  for (const args of [
    ['remote', 'add', 'r', url],
    ['remote', 'rm', url],
    ['backup', url],
    ['pull', url],
    ['clone', url, join(box.path, 'clone')],
    ['recover', '--from', url],
    ['remote', 'ls', url],
    ['ingest', url],
    ['ingest', url, '--json'],
    ['ls', url],
    ['check-proof', url],
    ['contains', url],
  ]) {
    const { status, stdout, stderr } = box.run(...args);
    expect({ args, status }).not.toMatchObject({ status: 0 });
    expect({ args, status }).not.toMatchObject({ status: 70 });
    expect(stdout + stderr).not.toContain(SECRET);
  }
  expect(box.run('log', '--json').stdout).not.toContain(SECRET);
});
