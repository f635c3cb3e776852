import * as fs from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DirectoryStore } from '../../../src/store/remote/directory-store.js';
import { pidSpace } from '../../../src/fs/session.js';
import { openBlobStore } from '../../../src/store/remote/open.js';
import { testWhere, until } from '../../e2e/hkfs.js';
import { describeBlobStore, listed } from './conformance.js';

let scratch = '';
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), 'hkfs-directory-store-'));
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));
const newDirectory = (): string => fs.mkdtempSync(join(scratch, 'remote-'));

describeBlobStore('a directory', async () => {
  const path = newDirectory();
  return {
    store: await openBlobStore(path, { env: {} }),
    reopen: async () => openBlobStore(path, { env: {} }),
    cleanUp: async () => undefined,
  };
});

describe('a directory remote', () => {
  const OBJECT = 'objects/ab/cd';

  test('is made where it is asked for, for its owner alone', async () => {
    const path = join(scratch, 'new', 'deep');
    expect(() => DirectoryStore.open(path)).toThrow(expect.objectContaining({ code: 'REMOTE_UNREACHABLE' }));
    const store = await openBlobStore(path, { env: {}, create: true });
    await store.create(OBJECT, Buffer.from('x'));
    await store.flush();
    await store.close();
    expect(fs.statSync(path).mode & 0o777).toBe(0o700);
    expect(fs.statSync(join(path, 'objects')).mode & 0o777).toBe(0o700);
    expect(fs.statSync(join(path, OBJECT)).mode & 0o777).toBe(0o444);
    expect(fs.readdirSync(path)).toEqual(['objects']);
  });

  test('that is a file is refused', () => {
    const path = join(scratch, 'file');
    fs.writeFileSync(path, '');
    expect(() => DirectoryStore.open(path)).toThrow(expect.objectContaining({ code: 'NOT_A_DIRECTORY' }));
  });

  test('gives objects their names only once they are on the disk', async () => {
    const path = newDirectory();
    const store = DirectoryStore.open(path);
    await store.create(OBJECT, Buffer.from('x'));
    expect(fs.existsSync(join(path, OBJECT))).toBe(false);
    await store.flush();
    expect(fs.existsSync(join(path, OBJECT))).toBe(true);
    await store.create('objects/ab/ef', Buffer.from('not flushed'));
    await store.close();
    expect((await listed(DirectoryStore.open(path))).map(({ name }) => name)).toEqual([OBJECT]);
  });

  test('sweeps what a process that is gone left, and not what another is writing', async () => {
    const path = newDirectory();
    const folder = join(path, '.hkfs-tmp');
    const sessions = [`b+${pidSpace()}+999999999+a`, `b+${pidSpace()}+1+b`, 'b+elsewhere+7+c', 'host+7+old'];
    for (const session of sessions) {
      fs.mkdirSync(join(folder, session), { recursive: true });
      fs.writeFileSync(join(folder, session, '1'), 'half');
    }
    fs.utimesSync(join(folder, 'host+7+old'), 0, 0);
    const store = DirectoryStore.open(path);
    await store.create(OBJECT, Buffer.from('x'));
    await store.close();
    expect(fs.readdirSync(folder).sort()).toEqual([`b+${pidSpace()}+1+b`, 'b+elsewhere+7+c'].sort());
  });

  /** Other process ids, the same kernel and host name: as two containers on one machine. */
  const testInNamespaces = testWhere(
    process.getuid?.() === 0 && spawnSync('unshare', ['-pf', 'true']).status === 0,
    'a namespace of process ids needs root and unshare',
  );

  testInNamespaces(
    'what a process of another namespace writes stays, and goes when it was killed',
    async () => {
      const path = newDirectory();
      const folder = join(path, '.hkfs-tmp');
      const store = new URL('../../../dist/store/remote/directory-store.js', import.meta.url).href;
      const script = `const { DirectoryStore } = await import('${store}');
      await DirectoryStore.open(process.argv[1]).create('${OBJECT}', Buffer.from('x'));
      process.stdout.write('written'); setInterval(() => {}, 1000);`;
      const args = ['-pf', '--kill-child', process.execPath, '--input-type=module', '-e', script, path];
      const other = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve) => other.stdout.once('data', resolve));
      const theirs = fs.readdirSync(folder);
      expect(theirs).toHaveLength(1);
      const sweep = async (): Promise<string[]> => {
        const own = DirectoryStore.open(path);
        await own.create('objects/ab/ee', Buffer.from('y'));
        await own.close();
        return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
      };
      // However old: a lock says more than an age.
      fs.utimesSync(join(folder, theirs[0]!), 0, 0);
      expect(await sweep()).toEqual(theirs);
      const ended = new Promise((resolve) => other.once('exit', resolve));
      other.kill('SIGKILL');
      await ended;
      await until(async () => (await sweep()).length === 0, 'the end of the lock');
    },
  );

  test('writes and reads nothing through symlinks', async () => {
    const path = newDirectory();
    const outside = newDirectory();
    fs.writeFileSync(join(outside, 'secret'), 'secret');
    fs.symlinkSync(outside, join(path, 'objects'));
    fs.symlinkSync(join(outside, 'secret'), join(path, 'hkfs-remote.json'));
    const store = DirectoryStore.open(path);
    await expect(store.read('objects/secret')).rejects.toMatchObject({ code: 'NOT_A_DIRECTORY' });
    await expect(store.read('hkfs-remote.json')).rejects.toMatchObject({ code: 'REMOTE_DAMAGED' });
    await expect(store.create('hkfs-remote.json', Buffer.from('x'))).rejects.toMatchObject({
      code: 'REMOTE_DAMAGED',
    });
    await expect(
      store.create('objects/new', Buffer.from('x')).then(() => store.flush()),
    ).rejects.toMatchObject({
      code: 'NOT_A_DIRECTORY',
    });
    expect(await listed(store)).toEqual([]);
    await store.close();
    expect(fs.readdirSync(outside)).toEqual(['secret']);
  });

  test('whose disk went away is unreachable, not empty', async () => {
    const path = newDirectory();
    const store = DirectoryStore.open(path);
    fs.rmdirSync(path);
    const gone = { code: 'REMOTE_UNREACHABLE' };
    await expect(store.stat(OBJECT)).rejects.toMatchObject(gone);
    await expect(store.create(OBJECT, Buffer.from('x'))).rejects.toMatchObject(gone);
    await expect(listed(store)).rejects.toMatchObject(gone);
    await store.close();
  });

  test('tells what is free', async () => {
    expect(await DirectoryStore.open(newDirectory()).free()).toBeGreaterThan(0);
  });
});
