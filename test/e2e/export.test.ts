/** Export: other programs make the same tree of it, and what is not whole is never taken for whole. */
import { spawn, spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ExportSummary } from '../../src/archive/api.js';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';
import { readBack } from '../tar/read-back.js';
import { walkAttributes, type Walked } from './attribute-walk.js';
import { Box, isStopped, saying, sh, testWhere, until, type Run } from './hkfs.js';

const scratch = scratchDirectory();
const asRoot = testWhere(isRoot, 'needs root');
const withBsdtar = testWhere(isRoot && hasTool('bsdtar'), 'needs root and bsdtar');

interface Exported {
  readonly run: Run;
  readonly summary: ExportSummary;
}

/** To a file below the box. */
function exportTo(box: Box, file: string, ...args: string[]): Exported {
  const run = box.run('export', ...args, '-o', join(box.path, file), '--json', '--progress', 'none');
  return { run, summary: (run.stdout === '' ? {} : JSON.parse(run.stdout)) as ExportSummary };
}

/** A tree with everything that a tar can hold, and a socket. */
function makeEverything(box: Box): void {
  box.write({ plain: 'plain', setuid: 'x', one: 'same', two: 'same', linked: 'linked', 'dir/in': 'in' });
  box.write({ 'deep/er/and/deeper': 'd', 'closed/file': 'c', 'large/file': Buffer.alloc(5 << 20, 'large') });
  box.write({ [`${'long'.repeat(40)}/${'name'.repeat(50)}`]: 'long' });
  sh('chmod 4751 setuid; chmod 600 one; chmod 644 two; touch -d @1000.123456789 two', box.source);
  sh('ln linked alias; ln linked deep/alias; ln -s nowhere dangling; mkfifo fifo; : > empty', box.source);
  sh(`ln -s "$(printf 'a\\351/\\nb')" odd; printf x > "$(printf 'n\\351\\nl')"; : > -rf`, box.source);
  sh(`printf u > "$(printf 'caf\\303\\251')"; ln -s "$(printf '%0300d' 0)" far`, box.source);
  sh('truncate -s 8M sparse; printf data | dd of=sparse bs=1M seek=4 conv=notrunc status=none', box.source);
  sh(
    'for i in $(seq 0 60); do printf x | dd of=comb bs=8k seek=$i status=none conv=notrunc; done',
    box.source,
  );
  sh('truncate -s 64K holes', box.source);
  if (hasTool('setfattr'))
    sh('setfattr -n user.b -v 0x00ff0a3d plain; setfattr -n user.t -v x dir', box.source);
  if (hasTool('setfacl')) sh('setfacl -m u:12345:r two; setfacl -d -m g:54321:rx dir', box.source);
  if (isRoot)
    sh('chown 12345:54321 two linked; chown -h 7:8 odd; mknod c c 1 3; mknod b b 259 5', box.source);
  if (isRoot) sh('chown 3000000000:3000000000 one', box.source);
  if (isRoot) sh('chown 12345:12345 setuid; chmod 4751 setuid; chown 1:2 deep/er', box.source);
  sh('chmod 3775 dir; chmod 555 closed; touch -d @77.000000001 dir deep/er closed .', box.source);
}

describe('a tree with everything in it', () => {
  let box: Box;
  let socket: Server;
  let wanted: Record<string, Walked>;

  beforeAll(async () => {
    box = Box.make(scratch.path);
    makeEverything(box);
    wanted = walkAttributes(box.source);
    socket = createServer();
    await new Promise<void>((resolve) => void socket.listen(join(box.source, 'socket'), resolve));
    sh('touch -d @77.000000001 .', box.source);
    box.ingest();
  });
  afterAll(() => void socket.close());

  const extract = (command: string, file: string, to: string): string => {
    sh(`mkdir '${to}'`, box.path);
    const { status, stderr } = spawnSync('sh', ['-c', `${command} -f '../${file}'`], {
      ...{ cwd: join(box.path, to), encoding: 'utf8' },
    });
    expect(status === 0 ? '' : stderr).toBe('');
    return join(box.path, to);
  };
  const GNU = "tar -xp --xattrs --xattrs-include='*' --acls --numeric-owner";
  const BSD = 'bsdtar -xp --xattrs --acls --numeric-owner';

  const expectEqual = (to: string): void => {
    if (hasTool('rsync'))
      expect(sh(`rsync -naHAXi --delete --exclude=/socket '${box.source}/' '${to}/'`)).toBe('');
    expect(walkAttributes(to)).toEqual(wanted);
  };

  asRoot('a pax tar holds all but the socket, which is told with exit code 3; GNU tar gives it back', () => {
    const { run, summary } = exportTo(box, 'pax.tar', 'source/');
    expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 3, stderr: '' });
    const { files, directories, symlinks, specials, links, failed } = summary;
    expect({ files, directories, symlinks, specials, links }).toEqual({
      ...{ files: 19, directories: 8, symlinks: 3, specials: 3, links: 2 },
    });
    expect(failed).toEqual([{ path: 'source/socket', code: 'NOT_HELD', message: 'tars hold no sockets' }]);
    expectEqual(extract(GNU, 'pax.tar', 'gnu'));
  });

  withBsdtar('bsdtar gives it back', () => {
    // Into a directory of its own making: the time of one that is there it sets too early.
    exportTo(box, 'bsd.tar', 'source');
    expectEqual(join(extract(BSD, 'bsd.tar', 'bsd'), 'source'));
  });

  test.each(['gz', 'zst', 'xz', 'bz2'])('.%s is compressed, and holds the same tar', (ending) => {
    const plain = exportTo(box, 'plain.tar', 'source', '--yes');
    const packed = exportTo(box, `packed.tar.${ending}`, 'source');
    expect(packed.run.stderr).toBe('');
    expect({ ...packed.summary, output: '', seconds: 0 }).toEqual({
      ...{ ...plain.summary, output: '', seconds: 0 },
    });
    const program = { gz: 'gzip', zst: 'zstd', xz: 'xz', bz2: 'bzip2' }[ending];
    sh(`${program} -dc packed.tar.${ending} | cmp - plain.tar`, box.path);
    expect(fs.statSync(join(box.path, `packed.tar.${ending}`)).size).toBeLessThan(1 << 20);
  });

  test('the same entries give the same bytes, from another archive and through a pipe as well', () => {
    const one = box.run('export', 'source', '--progress', 'none').bytes;
    const other = Box.make(scratch.path);
    // Other objects come first there, and holes of the source are none of the object.
    other.ingest(join(box.source, 'large'), '--to', 'elsewhere');
    sh(`cp -r --sparse=never '${box.source}/sparse' full`, other.path);
    other.ingest(join(other.path, 'full'));
    other.ingest(box.source);
    expect(other.run('export', 'source', '--progress', 'none').bytes.equals(one)).toBe(true);
  });

  asRoot('a gnu tar gives back what it can hold, and tells of the rest once for each reason', () => {
    const { run, summary } = exportTo(box, 'gnu.tar', 'source/', '--format', 'gnu');
    expect(run.status).toBe(3);
    expect(summary.failed.map(({ message }) => message.replace(/, here.*/, '')).sort()).toEqual([
      'gnu tars do not hold ACLs',
      'gnu tars do not hold extended attributes',
      'gnu tars do not hold the nanoseconds of times',
      'tars hold no sockets',
    ]);
    const found = walkAttributes(extract('tar -xp --numeric-owner', 'gnu.tar', 'from-gnu'));
    const held = (all: Record<string, Walked>): object =>
      Object.fromEntries(
        Object.entries(all).map(([path, { mtimeNs, ...entry }]) => [
          path,
          { ...entry, xattrs: {}, seconds: mtimeNs / 1_000_000_000n },
        ]),
      );
    expect(held(found)).toEqual(held(wanted));
    extract('bsdtar -xp --numeric-owner', 'gnu.tar', 'gnu-from-bsd');
  });

  asRoot('a ustar tar leaves out what it cannot hold, and says what', () => {
    const { run, summary } = exportTo(box, 'ustar.tar', 'source/', '--format', 'ustar');
    expect(run.status).toBe(3);
    const messages = summary.failed.map(({ path, message }) => `${path.slice(7, 20)}: ${message}`);
    expect(messages).toContainEqual('far: ustar tars hold no link targets above 100 bytes');
    expect(messages).toContainEqual(expect.stringMatching(/^longlonglongl: ustar tars hold no names above/));
    expect(messages).toContainEqual(expect.stringMatching(/^one: ustar tars do not hold numbers of owners/));
    expect(messages).toContainEqual(expect.stringMatching(/do not hold holes: zeros are written/));
    const names = readBack(fs.readFileSync(join(box.path, 'ustar.tar'))).map(({ path }) => path);
    expect(names).toHaveLength(Object.keys(wanted).length - 3);
    extract('tar -xp --numeric-owner', 'ustar.tar', 'from-ustar');
  });

  test('b3sum accepts its manifest; names that it cannot write are told', () => {
    const { run, summary } = exportTo(box, 'b3', 'source/', '--manifest', 'b3sum');
    expect(run.status).toBe(3);
    expect(summary.failed.map(({ path }) => path)).toEqual(['source/n\udce9\nl']);
    if (hasTool('b3sum')) sh('b3sum --check --quiet ../b3', box.source);
  });

  test('hashdeep accepts its manifest', () => {
    const { run } = exportTo(box, 'deep', 'source/', '--manifest', 'hashdeep');
    expect(run.status).toBe(3);
    const [, , ...lines] = fs.readFileSync(join(box.path, 'deep'), 'latin1').trimEnd().split('\n');
    for (const line of lines) {
      const [, size, md5, sha256, name] = /^(\d+),(\w{32}),(\w{64}),(.*)$/.exec(line)!;
      const file = join(box.source, Buffer.from(name!, 'latin1').toString());
      expect(fs.statSync(file).size).toBe(Number(size));
      expect(sh(`md5sum -- '${file}'; sha256sum -- '${file}'`).replace(/ .*/gm, '')).toBe(
        `${md5}\n${sha256}\n`,
      );
    }
    // Of the name that has a line feed the manifest cannot tell: so its content goes by one name too many.
    const audit = 'hashdeep -r -l -o f -a -v -k ../deep . || :';
    if (hasTool('hashdeep'))
      expect(sh(audit, box.source)).toMatch(
        /Files moved: 1\n +New files found: 0\n +Known files not found: 0/,
      );
  });

  withBsdtar('bsdtar reads the mtree manifest, with every name', () => {
    exportTo(box, 'mtree', 'source/', '--manifest', 'mtree');
    const listed = sh(`bsdtar --numeric-owner -tvf mtree | wc -l`, box.path);
    expect(Number(listed)).toBe(Object.keys(wanted).length);
    expect(sh('bsdtar -tf mtree', box.path)).toContain('./deep/er/and/deeper');
  });
});

asRoot('negative times with nanoseconds, and names of attributes with signs of their own, by GNU tar', () => {
  const box = Box.make(scratch.path).write({ file: 'x' });
  sh('setfattr -n user.a=b%c -v v file || :; touch -d @-152651633.876543211 file', box.source);
  box.ingest();
  expect(exportTo(box, 'out.tar', 'source').run.status).toBe(0);
  sh("mkdir out; tar -xpf out.tar --xattrs --xattrs-include='*' -C out", box.path);
  expect(walkAttributes(join(box.path, 'out/source'))).toEqual(walkAttributes(box.source));
});

describe('what goes in', () => {
  let box: Box;
  beforeAll(() => {
    box = Box.make(scratch.path).write({ 'd/a': 'a', 'd/e/b': 'b', 'd.x': 'x', f: 'f' });
    box.ingest();
  });
  const names = (...args: string[]): string[] =>
    readBack(box.run('export', ...args, '--progress', 'none').bytes).map(({ path }) => path);

  test.each([
    [['source/d'], ['d/', 'd/a', 'd/e/', 'd/e/b']],
    [['source/d/'], ['./', 'a', 'e/', 'e/b']],
    [['source/f'], ['f']],
    [
      ['source/f', 'source/d/e'],
      ['f', 'e/', 'e/b'],
    ],
    [['/'], ['source/', 'source/d/', 'source/d/a', 'source/d/e/', 'source/d/e/b', 'source/d.x', 'source/f']],
  ])('%j', (paths, members) => {
    expect(names(...paths)).toEqual(members);
  });

  test('as it was, of a path that is gone', () => {
    const { operation } = box.ingest();
    expect(box.run('rm', 'source/d', '--yes').status).toBe(0);
    expect(names('source/d', '--at', `op:${operation}`)).toEqual(['d/', 'd/a', 'd/e/', 'd/e/b']);
    expect(box.run('export', 'source/d').stderr).toMatch(/\[NOT_FOUND\]\nhint: it was there from/);
    expect(box.run('undo', '--yes').status).toBe(0);
  });

  test('two paths of one name are refused', () => {
    const other = Box.make(scratch.path).write({ 'a/x': '1', 'b/x': '2' });
    other.ingest();
    expect(other.run('export', 'source/a/x', 'source/b/x').stderr).toMatch(saying('SOURCES_COLLIDE'));
  });
});

describe('the file', () => {
  let box: Box;
  beforeAll(() => {
    box = Box.make(scratch.path).write({ f: 'f' });
    box.ingest();
  });
  const at = (name: string): string => join(box.path, name);
  const leftovers = (): string[] => fs.readdirSync(box.path).filter((name) => name.startsWith('.hkfs'));

  test('that is there is replaced only where that is said', () => {
    fs.writeFileSync(at('there'), 'mine');
    const refused = box.run('export', 'source', '-o', at('there'));
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/\[CONFIRMATION_NEEDED\]/);
    expect(fs.readFileSync(at('there'), 'utf8')).toBe('mine');
    expect(box.run('export', 'source', '-o', at('there'), '--yes').status).toBe(0);
    expect(readBack(fs.readFileSync(at('there')))).toHaveLength(2);
    expect(leftovers()).toEqual([]);
  });

  test.each([
    ['in the archive', 'archive/out.tar', 'BAD_TARGET'],
    ['in .hkfs', 'archive/.hkfs/out.tar', 'BAD_TARGET'],
    ['that is a directory', 'source', 'BAD_TARGET'],
    ['in a directory that is not there', 'nowhere/out.tar', 'BAD_TARGET'],
    ['without a name', '', 'USAGE'],
  ])('%s is refused', (_, file, code) => {
    const run = box.run('export', 'source', '-o', file === '' ? '' : at(file));
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(saying(code));
  });

  test('that is a fifo is written to as it is; a socket is refused', async () => {
    sh('mkfifo fifo', box.path);
    const reader = spawn('tar', ['-tf', at('fifo')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const listed = text(reader.stdout);
    expect(box.run('export', 'source', '-o', at('fifo')).status).toBe(0);
    expect(await listed).toBe('source/\nsource/f\n');
    expect(fs.lstatSync(at('fifo')).isFIFO()).toBe(true);
    const socket = createServer();
    await new Promise<void>((resolve) => void socket.listen(at('socket'), resolve));
    expect(box.run('export', 'source', '-o', at('socket')).stderr).toMatch(saying('BAD_TARGET'));
    socket.close();
  });

  test('a compressor that is not installed is told before anything is written', () => {
    const env = { PATH: '/nonexistent' };
    const run = box.runWith({ env }, 'export', 'source', '-o', at('x.tar.xz'));
    expect(run).toMatchObject({ status: 2, stderr: expect.stringMatching(saying('PROGRAM_MISSING')) });
    expect(fs.existsSync(at('x.tar.xz'))).toBe(false);
    expect(leftovers()).toEqual([]);
  });

  test.each(['export.write=ENOSPC', 'export.written=EIO'])('%s leaves no file', (failpoint) => {
    for (const name of ['full.tar', 'full.tar.gz', 'full.tar.xz']) {
      const run = box.runWith({ env: { HKFS_FAILPOINT: failpoint } }, 'export', 'source', '-o', at(name));
      expect(run.stderr).toMatch(saying(failpoint.endsWith('ENOSPC') ? 'NO_SPACE' : 'IO_ERROR'));
      expect(fs.existsSync(at(name))).toBe(false);
      expect(leftovers()).toEqual([]);
    }
  });

  const intoFile = (file: string): readonly string[] => [
    'sh',
    '-c',
    'exec "$@" >>"$0"',
    resolve(box.path, file),
  ];

  test.each([
    ['a full disk', 'out.tar', 'export.write=ENOSPC'],
    ['a full device', '/dev/full', 'none=ENOSPC'],
  ])('standard output to %s is told as such', (_where, file, failpoint) => {
    const options = { env: { HKFS_FAILPOINT: failpoint }, through: intoFile(file) };
    const run = box.runWith(options, 'export', 'source');
    expect(run).toMatchObject({ status: 2, stderr: expect.stringMatching(saying('NO_SPACE')) });
    expect(run.stderr).toMatch(/the output: no space left/);
  });

  test('standard output that is a file gets the same bytes, after those that it has', () => {
    fs.writeFileSync(at('out.tar'), 'before');
    expect(box.runWith({ through: intoFile('out.tar') }, 'export', 'source').status).toBe(0);
    const piped = box.run('export', 'source').bytes;
    expect(fs.readFileSync(at('out.tar')).equals(Buffer.concat([Buffer.from('before'), piped]))).toBe(true);
  });

  test.each(['export.open', 'export.write', 'export.written', 'export.named'])(
    'a kill at %s leaves what was there, or the whole file',
    (step) => {
      fs.writeFileSync(at('killed'), 'mine');
      const env = { HKFS_FAILPOINT: `${step}=kill` };
      expect(box.runWith({ env }, 'export', 'source', '-o', at('killed'), '--yes').status).toBe(null);
      const found = fs.readFileSync(at('killed'));
      if (step === 'export.named') expect(readBack(found)).toHaveLength(2);
      else expect(found.toString()).toBe('mine');
      for (const name of leftovers()) fs.rmSync(at(name));
    },
  );

  test('a format and a manifest together, and an unknown format, are refused', () => {
    expect(box.run('export', 'source', '--format', 'gnu', '--manifest', 'b3sum').status).toBe(2);
    expect(box.run('export', 'source', '--format', 'cpio').status).toBe(2);
  });

  test('a terminal is refused', () => {
    if (!hasTool('script')) return;
    const { stdout } = spawnSync(
      'script',
      ['-qec', `${process.execPath} ${process.cwd()}/bin/run.js export source -a ${box.root}`, '/dev/null'],
      { encoding: 'utf8' },
    );
    expect(stdout).toContain('[USAGE]');
    expect(stdout).not.toContain('ustar');
  });
});

describe('damage', () => {
  let box: Box;
  beforeAll(() => {
    box = Box.make(scratch.path);
    box.write({ a: 'aaaa', gone: 'gone', large: Buffer.alloc(6 << 20, 'l'), z: 'zzzz' });
    sh('ln a a2; truncate -s 64K holes; printf x >> holes', box.source);
    box.ingest();
    for (const path of ['a', 'large', 'holes']) sh(`chmod 644 '${box.object(`source/${path}`)}'`);
    sh(`printf B | dd of='${box.object('source/a')}' bs=1 seek=1 conv=notrunc status=none`);
    sh(`printf B | dd of='${box.object('source/large')}' bs=1 seek=1 conv=notrunc status=none`);
    sh(`printf B | dd of='${box.object('source/holes')}' bs=1 seek=9 conv=notrunc status=none`);
    sh(`rm -f '${box.object('source/gone')}' '${box.tree('source/gone')}'`);
  });

  const FAILED = [
    ['source/a', 'OBJECT_DAMAGED'],
    ['source/a2', 'OBJECT_DAMAGED'],
    ['source/gone', 'OBJECT_MISSING'],
    ['source/holes', 'OBJECT_DAMAGED'],
    ['source/large', 'OBJECT_DAMAGED'],
  ];

  test('what is damaged or missing is left out, with its hard links; exit code 4, and the rest is whole', () => {
    const { run, summary } = exportTo(box, 'out.tar', 'source');
    expect(run.status).toBe(4);
    expect(summary.failed.map(({ path, code }) => [path, code])).toEqual(FAILED);
    const members = readBack(fs.readFileSync(join(box.path, 'out.tar')));
    expect(members.map(({ path, content }) => [path, content.toString()])).toEqual([
      ...[
        ['source/', ''],
        ['source/z', 'zzzz'],
      ],
    ]);
    expect(summary).toMatchObject({ files: 1, bytes: 4 });
  });

  test.each(['hashdeep', 'mtree'])('a manifest of %s leaves them out as well', (manifest) => {
    const { run, summary } = exportTo(box, manifest, 'source', '--manifest', manifest);
    expect(run.status).toBe(4);
    expect(summary.failed.map(({ path, code }) => [path, code])).toEqual(FAILED);
  });
});

describe('a pipe', () => {
  let box: Box;
  beforeAll(() => {
    box = Box.make(scratch.path);
    for (let at = 0; at < 40; at += 1) box.write({ [`f${at}`]: Buffer.alloc(1 << 20, `${at} `) });
    box.ingest();
  });

  test('whose reader goes away ends the command, which says so', () => {
    const command = `'${process.execPath}' '${process.cwd()}/bin/run.js' export source -a '${box.root}' --progress none`;
    const { stdout, stderr } = spawnSync('bash', ['-c', `${command} | head -c 100000 | wc -c`], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('100000\n');
    expect(stderr).toMatch(saying('OUTPUT_CLOSED'));
  });

  test('Ctrl-C: exit 130, a file is not left, and a tar in a pipe is one that every reader refuses', async () => {
    const args = (...more: string[]): string[] => ['export', 'source', '--progress', 'none', ...more];
    for (const more of [['-o', join(box.path, 'stopped.tar')], ['-o', join(box.path, 's.tar.gz')], []]) {
      // The third read of either thread: some images are written by then, and others are not.
      const running = box.start(args(...more), { HKFS_FAILPOINT: 'export.read=pause@9' });
      await until(() => isStopped(running.pid), 'the pause');
      running.child.kill('SIGINT');
      // The other thread comes to its own ninth read, and stops it once more.
      const goOn = setInterval(() => running.child.kill('SIGCONT'), 50);
      const { status, stderr, bytes } = await running.ended;
      clearInterval(goOn);
      expect({ status, stderr }).toMatchObject({
        status: 130,
        stderr: expect.stringContaining('[INTERRUPTED]'),
      });
      expect(fs.readdirSync(box.path).sort()).toEqual(['archive', 'source']);
      if (more.length > 0) continue;
      const tar = spawnSync('tar', ['-t'], { input: bytes, encoding: 'utf8' });
      expect(tar.status).toBe(2);
    }
  });
});
