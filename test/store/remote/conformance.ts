/** What every kind of remote has to do, as a suite that one test file per kind runs. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { hashBytes, hashToHex } from '../../../src/fs/hash.js';
import type { BlobInfo, BlobStore } from '../../../src/store/remote/blob-store.js';

export interface MadeStore {
  readonly store: BlobStore;
  /** The same blobs as another process would see them. */
  readonly reopen: () => Promise<BlobStore>;
  readonly cleanUp: () => Promise<void>;
}

export interface Conformance {
  readonly test?: typeof test | typeof test.skip;
  readonly lacks?: readonly 'remove'[];
}

export async function listed(store: BlobStore, prefix = '', after?: string): Promise<BlobInfo[]> {
  const found: BlobInfo[] = [];
  for await (const info of store.list(prefix, after)) found.push(info);
  return found;
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0').repeat(31);
const OBJECT = `objects/ab/${hex(1)}`;
const CHECKPOINT = `archives/a/checkpoint/${'7'.padStart(16, '0')}`;

export function describeBlobStore(
  name: string,
  makeStore: () => Promise<MadeStore>,
  { test: run = test, lacks = [] }: Conformance = {},
): void {
  describe(`${name} as a store of blobs`, () => {
    let folder = '';
    let made: MadeStore;
    let store: BlobStore;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'hkfs-blobs-'));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    beforeEach(async () => {
      if (run === test.skip) return;
      made = await makeStore();
      store = made.store;
    });
    afterEach(async () => {
      if (run === test.skip) return;
      await store.close();
      await made.cleanUp();
    });

    const fileOf = (bytes: Uint8Array): { file: string; size: number } => {
      const file = join(folder, randomBytes(6).toString('hex'));
      writeFileSync(file, bytes);
      return { file, size: bytes.length };
    };
    const throughAnother = async <T>(use: (other: BlobStore) => Promise<T>): Promise<T> => {
      const other = await made.reopen();
      try {
        return await use(other);
      } finally {
        await other.close();
      }
    };

    run.each([
      ['an object', OBJECT],
      ['anything else', CHECKPOINT],
    ])('%s that was created is there, for others after a flush', async (_, blob) => {
      const bytes = Buffer.from('some bytes');
      expect(await store.create(blob, bytes)).toBe('created');
      expect(await store.read(blob)).toEqual(bytes);
      expect(await store.stat(blob)).toEqual({ name: blob, size: 10 });
      await store.flush();
      expect(await throughAnother((other) => other.read(blob))).toEqual(bytes);
      expect(await listed(store)).toEqual([{ name: blob, size: 10 }]);
    });

    run.each([OBJECT, CHECKPOINT])('%s is never overwritten', async (blob) => {
      await store.create(blob, Buffer.from('first'));
      expect(await store.create(blob, Buffer.from('again'))).toBe('exists');
      await store.flush();
      expect(await store.create(blob, fileOf(Buffer.from('third')))).toBe('exists');
      await store.flush();
      expect((await store.read(blob))!.toString()).toBe('first');
    });

    run('of many who create one name at once, one does, and its bytes are there', async () => {
      const bodies = Array.from({ length: 10 }, (_, at) => Buffer.from(`writer ${at}`));
      const outcomes = await Promise.all(bodies.map((body) => store.create(CHECKPOINT, body)));
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      await store.flush();
      const winner = bodies[outcomes.indexOf('created')]!;
      expect(await throughAnother((other) => other.read(CHECKPOINT))).toEqual(winner);
    });

    run.each([0, 1, 65_536, 65_537, (8 << 20) + 3, (20 << 20) + 1])(
      'a file of %d bytes goes there and comes back',
      async (size) => {
        const bytes = randomBytes(size);
        let sent = 0;
        const onBytes = (count: number): void => void (sent += count);
        expect(await store.create(OBJECT, fileOf(bytes), { onBytes })).toBe('created');
        await store.flush();
        expect(sent).toBe(size);
        expect((await store.read(OBJECT))!.equals(bytes)).toBe(true);
        const back = join(folder, randomBytes(6).toString('hex'));
        expect(await store.download(OBJECT, back)).toBe(true);
        expect(readFileSync(back).equals(bytes)).toBe(true);
      },
    );

    run('ranges are read as files are: short at the end, empty beyond it', async () => {
      await store.create(OBJECT, Buffer.from('0123456789'));
      await store.flush();
      const read = async (offset: number, length?: number): Promise<string> =>
        (await store.read(OBJECT, length === undefined ? { offset } : { offset, length }))!.toString();
      expect(await read(0, 3)).toBe('012');
      expect(await read(7)).toBe('789');
      expect(await read(8, 100)).toBe('89');
      expect(await read(10)).toBe('');
      expect(await read(99, 5)).toBe('');
      expect(await read(3, 0)).toBe('');
    });

    run('what is not there is undefined, not an error', async () => {
      expect(await store.read(OBJECT)).toBeUndefined();
      expect(await store.read(OBJECT, { offset: 5, length: 2 })).toBeUndefined();
      expect(await store.stat(CHECKPOINT)).toBeUndefined();
      expect(await store.download(OBJECT, join(folder, 'never'))).toBe(false);
      expect(() => readFileSync(join(folder, 'never'))).toThrow('ENOENT');
      expect(await listed(store, 'objects/')).toEqual([]);
    });

    run('lists are in the order of bytes, by prefix and from a name on', async () => {
      const names = ['a-1/x', 'a.b', 'a/0', 'a/1', 'a/b/c', 'a0', 'b', 'objects/00/x', 'objects/00/x.zst'];
      for (const each of [...names].reverse()) await store.create(each, Buffer.from(each));
      await store.flush();
      const of = async (prefix: string, after?: string): Promise<string[]> =>
        (await listed(store, prefix, after)).map((info) => info.name);
      expect(await of('')).toEqual(names);
      expect(await of('a/')).toEqual(['a/0', 'a/1', 'a/b/c']);
      expect(await of('a')).toEqual(names.slice(0, 6));
      expect(await of('a/b')).toEqual(['a/b/c']);
      expect(await of('', 'a/1')).toEqual(names.slice(4));
      expect(await of('a/', 'a/0')).toEqual(['a/1', 'a/b/c']);
      expect(await of('', 'a/b')).toEqual(names.slice(4));
      expect(await of('', 'zzz')).toEqual([]);
      expect((await listed(store, 'objects/'))[1]).toEqual({ name: 'objects/00/x.zst', size: 16 });
    });

    run('more blobs than a page of a list has are all listed once', async () => {
      const names = Array.from({ length: 1010 }, (_, at) => `objects/${String(at).padStart(5, '0')}`);
      for (let at = 0; at < names.length; at += 50)
        await Promise.all(names.slice(at, at + 50).map((each) => store.create(each, Buffer.from('x'))));
      await store.flush();
      expect((await listed(store)).map((info) => info.name)).toEqual(names);
      expect((await listed(store, '', names[1003])).map((info) => info.name)).toEqual(names.slice(1004));
    });

    run.each([
      '',
      '/a',
      'a/',
      'a//b',
      '../a',
      'a/./b',
      'a/..',
      '.hkfs-tmp/a',
      'a b',
      'ä',
      'a\n',
      'a\0',
      'x'.repeat(600),
    ])('the name %j is refused', async (bad) => {
      await expect(store.create(bad, Buffer.from('x'))).rejects.toThrow('no name of a blob');
      await expect(store.read(bad)).rejects.toThrow('no name of a blob');
    });

    run('a body that is not there or of another length makes no blob', async () => {
      const body = fileOf(Buffer.from('twelve bytes'));
      for (const size of [3, 100])
        await expect(store.create(OBJECT, { ...body, size })).rejects.toMatchObject({
          code: 'OBJECT_DAMAGED',
        });
      await expect(store.create(OBJECT, { file: join(folder, 'none'), size: 3 })).rejects.toMatchObject({
        code: 'OBJECT_MISSING',
      });
      await store.flush();
      expect(await listed(store)).toEqual([]);
    });

    run.each([
      ['some bytes', 12],
      ['several MiB', 3 << 20],
      ['several parts', 18 << 20],
    ])(
      'a file of %s that has other bytes than its hash makes no blob, and the right one does',
      async (_size, size) => {
        const bytes = Buffer.alloc(size, 'bytes');
        const hash = hashToHex(hashBytes(bytes));
        const wrong = Buffer.from(bytes);
        wrong[size - 1]! ^= 1;
        await expect(store.create(OBJECT, { ...fileOf(wrong), hash })).rejects.toMatchObject({
          code: 'OBJECT_DAMAGED',
        });
        expect(await store.stat(OBJECT)).toBeUndefined();
        expect(await store.create(OBJECT, { ...fileOf(bytes), hash })).toBe('created');
        await store.flush();
        expect((await store.read(OBJECT))?.equals(bytes)).toBe(true);
      },
    );

    run('a transfer that is stopped makes no blob', async () => {
      const signal = AbortSignal.abort();
      await expect(store.create(OBJECT, Buffer.from('x'), { signal })).rejects.toMatchObject({
        name: 'AbortError',
      });
      const large = fileOf(Buffer.alloc(24 << 20, 'x'));
      const controller = new AbortController();
      const stopped = store.create(OBJECT, large, {
        signal: controller.signal,
        onBytes: () => controller.abort(),
      });
      await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
      await store.flush();
      expect(await listed(store)).toEqual([]);
    });

    const removes = lacks.includes('remove') ? test.skip : run;
    removes('what is removed is gone, and may be removed again', async () => {
      await store.create(OBJECT, Buffer.from('x'));
      await store.flush();
      await store.remove(OBJECT);
      await store.remove(OBJECT);
      expect(await store.stat(OBJECT)).toBeUndefined();
      expect(await store.create(OBJECT, Buffer.from('new'))).toBe('created');
      await store.flush();
      expect((await store.read(OBJECT))!.toString()).toBe('new');
    });
  });
}
