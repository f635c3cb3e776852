/** Attributes belong to entries: each is recorded as the source has it, whatever its inode becomes. */
import { createServer, type Server } from 'node:net';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntryRow } from '../../src/archive/api.js';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';
import { Box, inode, sh, testWhere } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
let rows: Map<string, EntryRow>;
let socket: Server;

const asRoot = testWhere(isRoot, 'needs root for owners and devices');
const withXattrs = testWhere(hasTool('setfattr'), 'needs setfattr (attr)');
const withAcls = testWhere(hasTool('setfacl'), 'needs setfacl (acl)');

const MTIMES: readonly (readonly [string, string])[] = [
  ['before1970', '-152651633.876543211'],
  ['just-before1970', '-0.000000001'],
  ['nanoseconds', '1004508000.987654321'],
  ['far', '4102444800.000000001'],
];

beforeAll(async () => {
  box = Box.make(scratch.path);
  box.write({ plain: 'plain', setuid: 'x', one: 'same', two: 'same', linked: 'linked', 'dir/in': 'in' });
  sh('chmod 4751 setuid; chmod 3775 dir; chmod 600 one; chmod 644 two; touch -d @1000 two', box.source);
  sh('ln linked alias; ln -s nowhere dangling; mkfifo fifo; : > empty; chmod 640 empty', box.source);
  sh(`ln -s "$(printf 'a\\351/\\nb')" odd; ln -s /etc/passwd absolute`, box.source);
  sh('truncate -s 8M sparse; printf data | dd of=sparse bs=1M seek=4 conv=notrunc status=none', box.source);
  for (const [name, time] of MTIMES) sh(`echo ${name} > ${name}; touch -d @${time} ${name}`, box.source);
  if (isRoot)
    sh('echo o > owned; chown 12345:54321 owned; chown daemon:mail plain; chown -h 7:8 odd', box.source);
  if (isRoot) sh('mknod char c 1 3; mknod block b 259 1048575', box.source);
  if (hasTool('setfattr'))
    sh('setfattr -n user.binary -v 0x00ff0a00 plain; setfattr -n user.t -v x dir', box.source);
  if (hasTool('setfacl')) sh('setfacl -m u:12345:r two; setfacl -d -m g:54321:rx dir', box.source);
  socket = createServer();
  await new Promise<void>((resolve) => void socket.listen(join(box.source, 'socket'), resolve));
  box.ingest();
  rows = new Map(box.rows('ls', '-R', 'source').map((row) => [row.path.replace('source/', ''), row]));
});
afterAll(() => void socket.close());

const row = (name: string): EntryRow => rows.get(name)!;
const sourceOf = (name: string): fs.BigIntStats => fs.lstatSync(join(box.source, name), { bigint: true });

test('setuid, setgid and sticky bits are recorded', () => {
  expect(row('setuid').mode).toBe(0o4751);
  expect(row('dir').mode).toBe(0o3775);
  expect(row('empty').mode).toBe(0o640);
});

asRoot('owners are recorded as numbers and, where they have one, by name', () => {
  expect(row('owned')).toMatchObject({ uid: 12345, gid: 54321, user: null, group: null });
  expect(row('plain')).toMatchObject({ uid: 1, user: 'daemon', group: 'mail' });
  expect(row('odd')).toMatchObject({ uid: 7, gid: 8, kind: 'symlink' });
});

test.each(MTIMES)('the modification time of %s is recorded to the nanosecond', (name, seconds) => {
  const written = BigInt(seconds.replace('.', ''));
  expect(sourceOf(name).mtimeNs).toBe(written);
  expect(row(name).mtimeNs).toBe(String(written));
});

withXattrs('extended attributes are recorded with binary values, of directories too', () => {
  expect(row('plain').xattrs).toEqual({ 'user.binary': Buffer.from([0, 255, 10, 0]).toString('base64') });
  expect(row('dir').xattrs['user.t']).toBe(Buffer.from('x').toString('base64'));
});

withAcls('POSIX ACLs, default ones among them, are recorded', () => {
  expect(row('two').xattrs).toHaveProperty(['system.posix_acl_access']);
  expect(row('dir').xattrs).toHaveProperty(['system.posix_acl_default']);
});

test('a symlink keeps its text, dangling, absolute, or no UTF-8, and is never followed', () => {
  expect(row('dangling')).toMatchObject({ kind: 'symlink', target: 'nowhere', size: null });
  expect(row('absolute')).toMatchObject({ kind: 'symlink', target: '/etc/passwd' });
  expect(row('odd').target).toBe('a\udce9/\nb');
  const inTree = fs.readlinkSync(box.tree('source/odd'), 'buffer');
  expect(inTree).toEqual(fs.readlinkSync(join(box.source, 'odd'), 'buffer'));
});

test('fifos and sockets are recorded, and stay out of the tree', () => {
  expect(row('fifo')).toMatchObject({ kind: 'fifo', size: null, hash: null });
  expect(row('socket').kind).toBe('socket');
  for (const name of ['fifo', 'socket']) expect(fs.existsSync(box.tree(`source/${name}`))).toBe(false);
});

asRoot('devices are recorded with their numbers, and stay out of the tree', () => {
  expect(row('char')).toMatchObject({ kind: 'chardev', device: '1:3' });
  expect(row('block')).toMatchObject({ kind: 'blockdev', device: '259:1048575' });
  expect(fs.existsSync(box.tree('source/char'))).toBe(false);
});

test('names of one source inode share a link group, others have none', () => {
  expect(row('linked').linkGroup).toBe(`${sourceOf('linked').dev}:${sourceOf('linked').ino}`);
  expect(row('alias').linkGroup).toBe(row('linked').linkGroup);
  expect(row('plain').linkGroup).toBeUndefined();
});

test('a sparse file is recorded as such, and its object keeps the holes', () => {
  expect(row('sparse')).toMatchObject({ sparse: true, size: 8 << 20 });
  const object = fs.statSync(box.object('source/sparse'));
  expect(object.blocks * 512).toBeLessThan(1 << 20);
  expect(box.run('cat', 'source/sparse', '--offset', '4M', '--length', '4').stdout).toBe('data');
});

test('two names of one content keep their own attributes', () => {
  expect(row('one').hash).toBe(row('two').hash);
  expect(row('one').mode & 0o700).toBe(0o600);
  expect(row('one').mode).toBe(0o600);
  expect(row('two').mtimeNs).toBe(String(1000n * 1_000_000_000n));
  expect(row('one').mtimeNs).not.toBe(row('two').mtimeNs);
  expect(inode(box.tree('source/one'))).toBe(inode(box.tree('source/two')));
});

test('everything above verifies, and a second ingest of it changes nothing', () => {
  box.expectSound();
  box.expectReplayed();
  const { newObjects, duplicateFiles, unchangedFiles, files } = box.ingest();
  expect({ newObjects, duplicateFiles, unchangedFiles }).toEqual({
    newObjects: 0,
    duplicateFiles: 0,
    unchangedFiles: files,
  });
  expect(box.rows('log', '--op', String(box.ops().at(-1)!.operation)).length).toBe(2);
});

describe('a source whose attributes alone change', () => {
  const CHANGES: readonly (readonly [what: string, path: string, change: string])[] = [
    ['mode', 'mode', 'chmod 4700 mode'],
    ['mtime', 'mtime', 'touch -d @-5.5 mtime'],
    ...(isRoot ? ([['owner', 'owner', 'chown 4:5 owner']] as const) : []),
    ...(hasTool('setfattr') ? ([['xattr', 'xattr', 'setfattr -n user.n -v 1 xattr']] as const) : []),
    ['mode of a directory', 'dir', 'chmod 711 dir'],
    ['time of a symlink', 'link', 'touch -h -d @77.25 link'],
  ];
  let own: Box;
  let versions: Map<string, EntryRow>[];

  beforeAll(() => {
    own = Box.make(scratch.path).write({ mode: '1', mtime: '2', owner: '3', xattr: '4', 'dir/x': 'x' });
    fs.symlinkSync('text', join(own.source, 'link'));
    own.ingest();
    sh(CHANGES.map(([, , change]) => change).join('\n'), own.source);
    expect(own.ingest()).toMatchObject({ newObjects: 0, newBytes: 0, unchangedFiles: 5, failed: [] });
    versions = [['--at', 'op:1'], []].map(
      (at) => new Map(own.rows('ls', 'source', ...at).map((r) => [r.path, r])),
    );
  });

  test.each(CHANGES)('%s: a new version without a new object, the old one still there', (_what, name) => {
    const [old, now] = versions.map((version) => version.get(`source/${name}`)!);
    const { mode, uid, gid, mtimeNs } = fs.lstatSync(join(own.source, name), { bigint: true });
    const recorded = {
      mode: Number(mode) & 0o7777,
      uid: Number(uid),
      gid: Number(gid),
      mtimeNs: `${mtimeNs}`,
    };
    expect(now).toMatchObject(recorded);
    expect(now).not.toEqual(old);
    expect(now!.hash).toBe(old!.hash);
  });

  test('the archive is sound, and the next ingest changes nothing', () => {
    own.ingest();
    expect(own.rows('log', '--op', '3')).toHaveLength(2);
    own.expectSound();
  });
});
