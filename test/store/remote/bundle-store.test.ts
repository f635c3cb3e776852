import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BlobStore } from '../../../src/store/remote/blob-store.js';
import { BundleStore } from '../../../src/store/remote/bundle-store.js';
import { BundleWriter } from '../../../src/store/remote/bundle-writer.js';
import { openBlobStore } from '../../../src/store/remote/open.js';
import { memberHeader } from '../../../src/store/remote/tar-member.js';
import { describeBlobStore, listed } from './conformance.js';

let scratch = '';
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), 'hkfs-bundle-'));
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));
let files = 0;
const newFile = (): string => join(scratch, `${(files += 1)}.hkfs`);

/** Others see a bundle once it is finished. */
function finishedByFlush(store: BundleStore): BlobStore {
  store.flush = () => store.finish();
  return store;
}

describeBlobStore(
  'a bundle',
  async () => {
    const file = newFile();
    return {
      store: finishedByFlush(BundleStore.create(file)),
      reopen: async () => openBlobStore(file, { env: {} }),
      cleanUp: async () => undefined,
    };
  },
  { lacks: ['remove'] },
);

describe('a bundle', () => {
  const LONG = `objects/ab/${'x'.repeat(200)}`;
  const BLOBS = {
    'hkfs-remote.json': '{}',
    'objects/ab/cd': 'content',
    'objects/ab/empty': '',
    [LONG]: 'long',
  };

  async function made(): Promise<string> {
    const file = newFile();
    const writer = BundleWriter.create(file);
    for (const [name, body] of Object.entries(BLOBS)) await writer.add(name, Buffer.from(body));
    await writer.finish();
    await writer.close();
    return file;
  }

  test('is a tar that anybody unpacks, with an index that sha256sum checks', async () => {
    const file = await made();
    const folder = fs.mkdtempSync(join(scratch, 'unpacked-'));
    execFileSync('tar', ['xf', file, '-C', folder]);
    for (const [name, body] of Object.entries(BLOBS))
      expect(fs.readFileSync(join(folder, name), 'utf8')).toBe(body);
    const check = `awk '{print $1 "  " $4}' hkfs-bundle-index | sha256sum -c --quiet`;
    execFileSync('sh', ['-c', check], { cwd: folder });
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  });

  test('of the same blobs has the same bytes', async () => {
    const [one, two] = [await made(), await made()];
    expect(fs.readFileSync(one).equals(fs.readFileSync(two))).toBe(true);
  });

  test('is not there before it is finished, and leaves nothing when it is given up', async () => {
    const folder = fs.mkdtempSync(join(scratch, 'given-up-'));
    const writer = BundleWriter.create(join(folder, 'b'));
    await writer.add('objects/ab/cd', Buffer.from('x'));
    expect(fs.existsSync(join(folder, 'b'))).toBe(false);
    await writer.close();
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('never replaces a file', async () => {
    const file = await made();
    expect(() => BundleWriter.create(file)).toThrow(expect.objectContaining({ code: 'BUNDLE_EXISTS' }));
    const late = newFile();
    const writer = BundleWriter.create(late);
    fs.writeFileSync(late, 'quicker');
    await expect(writer.finish()).rejects.toMatchObject({ code: 'BUNDLE_EXISTS' });
    await writer.close();
    expect(fs.readFileSync(late, 'utf8')).toBe('quicker');
  });

  test('that is open is only read', async () => {
    const store = BundleStore.open(await made());
    await expect(store.create('objects/new', Buffer.from('x'))).rejects.toMatchObject({ code: 'READ_ONLY' });
    await expect(store.remove('objects/ab/cd')).rejects.toMatchObject({ code: 'READ_ONLY' });
    expect(await store.create('objects/ab/cd', Buffer.from('x'))).toBe('exists');
    await store.close();
  });

  test('that was cut off anywhere is found, and so is one with a bit flipped in its index', async () => {
    const whole = fs.readFileSync(await made());
    const file = newFile();
    const opened = (bytes: Buffer): unknown => {
      fs.writeFileSync(file, bytes);
      return BundleStore.open(file);
    };
    const broken = expect.objectContaining({ code: 'REMOTE_DAMAGED' });
    for (let length = 512; length < whole.length; length += 100)
      expect(() => opened(whole.subarray(0, length))).toThrow(broken);
    expect(() => opened(Buffer.concat([whole, Buffer.alloc(512)]))).toThrow(broken);
    for (const text of ['objects/ab/cd\n', '"indexOffset"']) {
      const bytes = Buffer.from(whole);
      const at = bytes.lastIndexOf(text);
      bytes[at + 3]! ^= 1;
      expect(() => opened(bytes)).toThrow(broken);
    }
    expect(() => opened(Buffer.from('something else'))).toThrow(
      expect.objectContaining({ code: 'REMOTE_FOREIGN' }),
    );
    expect(() => opened(Buffer.alloc(0))).toThrow(expect.objectContaining({ code: 'REMOTE_FOREIGN' }));
  });

  test('of a newer format says so', async () => {
    const bytes = fs.readFileSync(await made());
    const at = bytes.lastIndexOf('"format":1');
    bytes.write('"format":2', at);
    const file = newFile();
    fs.writeFileSync(file, bytes);
    expect(() => BundleStore.open(file)).toThrow(expect.objectContaining({ code: 'REMOTE_NEWER' }));
  });

  test('goes on after a body that failed, as if it had not been tried', async () => {
    const file = newFile();
    const writer = BundleWriter.create(file);
    await writer.add('a', Buffer.from('first'));
    await expect(writer.add('b', { file: join(scratch, 'none'), size: 5 })).rejects.toMatchObject({
      code: 'OBJECT_MISSING',
    });
    await writer.add('c', Buffer.from('third'));
    await writer.finish();
    await writer.close();
    const store = BundleStore.open(file);
    expect((await listed(store)).map(({ name }) => name)).toEqual(['a', 'c']);
    expect((await store.read('c'))!.toString()).toBe('third');
    await store.close();
  });

  test('a header of more than 8 GiB has its size in a pax record', () => {
    const header = memberHeader('objects/x', 2 ** 33);
    expect(header.toString('latin1')).toContain(`size=${2 ** 33}\n`);
    expect(header.length).toBe(3 * 512);
  });
});
