/** What networks and servers do wrong between hkfs and a real S3 server, and that nothing comes of it. */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import type { S3Store } from '../../../src/store/remote/s3-store.js';
import { listed } from './conformance.js';
import { FaultProxy, type Fault, type SeenRequest } from './fault-proxy.js';
import { endpoint, makeBucket, removeBucket, s3Store, s3Url, testWithS3 } from './s3-server.js';

let bucket = '';
let folder = '';
let proxy: FaultProxy;
let store: S3Store;
/** The same blobs, without the proxy. */
let direct: S3Store;
let prefixes = 0;

beforeAll(async () => {
  folder = fs.mkdtempSync(join(tmpdir(), 'hkfs-faults-'));
  if (endpoint !== undefined) bucket = await makeBucket();
});
afterAll(async () => {
  fs.rmSync(folder, { recursive: true, force: true });
  if (bucket !== '') await removeBucket(bucket);
});
beforeEach(async () => {
  if (endpoint === undefined) return;
  proxy = new FaultProxy(endpoint);
  await proxy.up();
  const prefix = `p${(prefixes += 1)}`;
  store = s3Store(s3Url(bucket, prefix, proxy.endpoint), { patienceMs: 20_000 });
  direct = s3Store(s3Url(bucket, prefix));
});
afterEach(async () => {
  if (endpoint === undefined) return;
  for (const each of [store, direct, proxy]) await each.close();
});

const KINDS: readonly Fault[] = [
  { kind: 'status', status: 500, code: 'InternalError' },
  { kind: 'status', status: 503, code: 'SlowDown' },
  { kind: 'status-after', status: 500, code: 'InternalError' },
  { kind: 'status-after', status: 503, code: 'ServiceUnavailable' },
  { kind: 'cut' },
  { kind: 'cut-after' },
  { kind: 'truncate' },
  { kind: 'shorten' },
  { kind: 'alter' },
  { kind: 'alter-request' },
];
const IN_PARTS = KINDS.filter(({ kind }) => !kind.startsWith('status') && kind !== 'shorten');
const OBJECT = 'objects/ab/cd';
const CHECKPOINT = 'archives/a/checkpoint/1';

/** The first request of each kind and then every fourth suffers. */
const often =
  (fault: Fault) =>
  ({ number }: SeenRequest): Fault | undefined =>
    number % 4 === 1 ? fault : undefined;

const newFile = (bytes: Buffer): { file: string; size: number } => {
  const file = join(folder, randomBytes(6).toString('hex'));
  fs.writeFileSync(file, bytes);
  return { file, size: bytes.length };
};

describe('faults between hkfs and the server', () => {
  testWithS3.each(KINDS)(
    '$kind $status: blobs arrive, are listed and come back as they are',
    async (fault) => {
      proxy.fault = often(fault);
      const blobs = new Map(Array.from({ length: 6 }, (_, at) => [`objects/${at}`, randomBytes(1000 + at)]));
      for (const [name, body] of blobs) await store.create(name, body);
      expect(await listed(direct)).toEqual([...blobs].map(([name, body]) => ({ name, size: body.length })));
      for (const [name, body] of blobs) expect((await direct.read(name))!.equals(body)).toBe(true);
      for (const [name, body] of blobs) expect((await store.read(name))!.equals(body)).toBe(true);
      // An altered list may have a name or a size that is another: nothing protects it on plain http.
      if (fault.kind !== 'alter') expect(await listed(store)).toEqual(await listed(direct));
    },
  );

  testWithS3.each(IN_PARTS)('$kind: a content in parts arrives and comes back', async (fault) => {
    const body = randomBytes((16 << 20) + 7);
    proxy.fault = often(fault);
    expect(['created', 'exists']).toContain(await store.create(OBJECT, newFile(body)));
    expect((await direct.read(OBJECT))!.equals(body)).toBe(true);
    const back = join(folder, randomBytes(6).toString('hex'));
    expect(await store.download(OBJECT, back)).toBe(true);
    expect(fs.readFileSync(back).equals(body)).toBe(true);
  });

  testWithS3('who made a blob and did not hear of it is told so, and nobody else is', async () => {
    proxy.fault = ({ number }) => (number === 1 ? { kind: 'cut-after' } : undefined);
    expect(await store.create(CHECKPOINT, Buffer.from('mine'))).toBe('created');
    expect(await store.create(CHECKPOINT, Buffer.from('yours'))).toBe('exists');
    await direct.create(`${CHECKPOINT}2`, Buffer.from('theirs'));
    const from = proxy.seen.length;
    proxy.fault = ({ number }) => (number === from + 1 ? { kind: 'cut' } : undefined);
    expect(await store.create(`${CHECKPOINT}2`, Buffer.from('mine'))).toBe('exists');
    expect((await direct.read(`${CHECKPOINT}2`))!.toString()).toBe('theirs');
  });

  testWithS3('an answer that is altered each time is never taken', async () => {
    await direct.create(OBJECT, randomBytes(50_000));
    proxy.fault = () => ({ kind: 'alter' });
    await expect(store.read(OBJECT)).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE' });
    proxy.fault = () => ({ kind: 'shorten' });
    await expect(store.read(OBJECT, { offset: 10, length: 100 })).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
    });
  });

  testWithS3('a request that is altered each time is not kept by the server', async () => {
    const hasty = s3Store(s3Url(bucket, 'altered', proxy.endpoint), { patienceMs: 300 });
    await hasty.stat(OBJECT);
    proxy.fault = () => ({ kind: 'alter-request' });
    await expect(hasty.create(OBJECT, randomBytes(5000))).rejects.toMatchObject({ code: expect.any(String) });
    proxy.fault = () => undefined;
    expect(await hasty.stat(OBJECT)).toBeUndefined();
    await hasty.close();
  });

  testWithS3('a server that is killed and comes back is waited for', async () => {
    const names = Array.from({ length: 60 }, (_, at) => `objects/${String(at).padStart(3, '0')}`);
    await store.create('first', Buffer.from('x'));
    let done = 0;
    const sending = Promise.all(
      names.map(async (name) => {
        await store.create(name, Buffer.from(name));
        done += 1;
      }),
    );
    await proxy.down();
    await sleep(300);
    expect(done).toBeLessThan(60);
    await proxy.up();
    await sending;
    expect((await listed(direct, 'objects/')).map(({ name }) => name)).toEqual(names);
  });

  testWithS3('a server that is busy or hangs up when it is first asked is asked again', async () => {
    proxy.fault = ({ number }) =>
      number <= 5 ? { kind: 'status', status: 503, code: 'SlowDown' } : undefined;
    expect(await store.create(OBJECT, Buffer.from('x'))).toBe('created');
    const late = s3Store(s3Url(bucket, 'late', proxy.endpoint));
    const from = proxy.seen.length;
    proxy.fault = ({ number }) => (number <= from + 5 ? { kind: 'cut' } : undefined);
    expect(await late.create(OBJECT, Buffer.from('x'))).toBe('created');
    await late.close();
  });

  testWithS3('a server that stays away, or only says that it is busy, is told of', async () => {
    const hasty = s3Store(s3Url(bucket, 'away', proxy.endpoint), { patienceMs: 300 });
    await hasty.create(OBJECT, Buffer.from('x'));
    proxy.fault = () => ({ kind: 'status', status: 503, code: 'SlowDown' });
    await expect(hasty.read(OBJECT)).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
      message: expect.stringContaining('503 SlowDown'),
    });
    await proxy.down();
    await expect(hasty.read(OBJECT)).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE' });
    await hasty.close();
  });
});
