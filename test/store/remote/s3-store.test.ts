import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { openBlobStore } from '../../../src/store/remote/open.js';
import { describeBlobStore, listed } from './conformance.js';
import {
  endpoint,
  makeBucket,
  removeBucket,
  s3Client,
  s3Environment,
  s3Store,
  s3Url,
  testWithS3,
} from './s3-server.js';

let bucket = '';
let folder = '';
beforeAll(async () => {
  folder = fs.mkdtempSync(join(tmpdir(), 'hkfs-s3-'));
  if (endpoint !== undefined) bucket = await makeBucket();
});
afterAll(async () => {
  fs.rmSync(folder, { recursive: true, force: true });
  if (bucket !== '') await removeBucket(bucket);
});

let prefixes = 0;
const newPrefix = (): string => `p${(prefixes += 1)} ä/x`;

describeBlobStore(
  'S3',
  async () => {
    const url = s3Url(bucket, newPrefix());
    return {
      store: await openBlobStore(url, { env: s3Environment }),
      reopen: async () => openBlobStore(url, { env: s3Environment }),
      cleanUp: async () => undefined,
    };
  },
  { test: testWithS3 },
);

describe('an S3 remote', () => {
  const OBJECT = 'objects/ab/cd';
  const large = (bytes: number): { file: string; size: number; bytes: Buffer } => {
    const file = join(folder, randomBytes(6).toString('hex'));
    const body = randomBytes(bytes);
    fs.writeFileSync(file, body);
    return { file, size: bytes, bytes: body };
  };

  testWithS3('says what is wrong: keys, bucket, endpoint, no credentials', async () => {
    const wrongKey = { ...s3Environment, AWS_SECRET_ACCESS_KEY: 'wrong' };
    const denied = await openBlobStore(s3Url(bucket), { env: wrongKey });
    await expect(denied.read(OBJECT)).rejects.toMatchObject({ code: 'REMOTE_DENIED' });
    await expect(denied.create(OBJECT, Buffer.from('x'))).rejects.toMatchObject({ code: 'REMOTE_DENIED' });
    await expect(listed(denied)).rejects.toMatchObject({ code: 'REMOTE_DENIED' });
    const noBucket = await openBlobStore(s3Url('hkfs-test-none'), { env: s3Environment });
    await expect(listed(noBucket)).rejects.toMatchObject({ code: 'NO_BUCKET' });
    await expect(noBucket.create(OBJECT, Buffer.from('x'))).rejects.toMatchObject({ code: 'NO_BUCKET' });
    const nobody = await openBlobStore(s3Url(bucket, '', 'http://127.0.0.1:9'), { env: s3Environment });
    await expect(listed(nobody)).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE' });
    const nothing = openBlobStore(s3Url(bucket), { env: { HOME: folder } });
    await expect(nothing).rejects.toMatchObject({ code: 'REMOTE_DENIED' });
  });

  testWithS3('a content in parts of which some are there already sends only the others', async () => {
    const url = s3Url(bucket, newPrefix());
    const { file, size, bytes } = large((24 << 20) + 5);
    const store = s3Store(url);
    const controller = new AbortController();
    let sent = 0;
    const stopped = store.create(
      OBJECT,
      { file, size },
      {
        signal: controller.signal,
        onBytes: (count) => (sent += count) && controller.abort(),
      },
    );
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(sent).toBeGreaterThan(0);
    const again = s3Store(url);
    expect(await again.create(OBJECT, { file, size })).toBe('created');
    // HEAD, list of uploads, list of parts, completion, and at most 3 of 4 parts.
    expect(again.requests).toBeLessThanOrEqual(7);
    expect((await again.read(OBJECT))!.equals(bytes)).toBe(true);
    const uploads = s3Client(url);
    const { body } = await uploads.send({
      method: 'GET',
      query: { uploads: '', prefix: uploads.keyOf(OBJECT) },
    });
    expect(body.toString()).not.toContain('<UploadId>');
    for (const each of [store, again, uploads]) await each.close();
  });

  testWithS3('a content in parts is not sent where it is there, and two at once both succeed', async () => {
    const { file, size, bytes } = large((8 << 20) + 1);
    const store = s3Store(s3Url(bucket, newPrefix()));
    const both = await Promise.all([
      store.create(OBJECT, { file, size }),
      store.create(OBJECT, { file, size }),
    ]);
    expect(both).toContain('created');
    const before = store.requests;
    expect(await store.create(OBJECT, { file, size })).toBe('exists');
    expect(store.requests).toBe(before + 1);
    expect((await store.read(OBJECT))!.equals(bytes)).toBe(true);
    await store.close();
  });

  testWithS3('a large blob that is no content is guarded: of two one wins', async () => {
    const [one, two] = [large((8 << 20) + 1), large((8 << 20) + 1)];
    const store = s3Store(s3Url(bucket, newPrefix()));
    const name = 'archives/a/log/1';
    const outcomes = await Promise.all([store.create(name, one), store.create(name, two)]);
    expect([...outcomes].sort()).toEqual(['created', 'exists']);
    const winner = outcomes[0] === 'created' ? one : two;
    expect((await store.read(name))!.equals(winner.bytes)).toBe(true);
    await store.close();
  });

  testWithS3('many transfers under one signal are no leak, and are all stopped by it', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    const controller = new AbortController();
    const { signal } = controller;
    const store = s3Store(s3Url(bucket, newPrefix()));
    const create = (_: unknown, at: number): Promise<string> =>
      store.create(`objects/${at}`, Buffer.from('x'), { signal });
    await Promise.all(Array.from({ length: 40 }, create));
    const stopped = Array.from({ length: 40 }, (each, at) => create(each, at + 40));
    controller.abort();
    for (const outcome of await Promise.allSettled(stopped))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'AbortError' } });
    await new Promise(setImmediate);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
    await store.close();
  });

  testWithS3('what others keep under the prefix is not listed', async () => {
    const url = s3Url(bucket, newPrefix());
    const client = s3Client(url);
    for (const name of ['with space', 'ä', 'objects//x', 'fine'])
      await client.send({ method: 'PUT', name, body: Buffer.from('x') });
    const store = s3Store(url);
    expect(await listed(store)).toEqual([{ name: 'fine', size: 1 }]);
    for (const each of [store, client]) await each.close();
  });
});
