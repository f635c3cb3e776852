/** An S3 server that means harm: every answer ends in a named error, in bounded time and bytes. */
import { mkdtempSync, rmSync } from 'node:fs';
import type * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { isHkfsError } from '../../../src/errors.js';
import type { BlobInfo } from '../../../src/store/remote/blob-store.js';
import { parseRemoteUrl, type S3Remote } from '../../../src/store/remote/remote-url.js';
import { S3Store, type S3StoreOptions } from '../../../src/store/remote/s3-store.js';
import { errorOf, HostileServer, keyed, page, type Asked } from './hostile-server.js';

const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_REGION: 'us-east-1' };
const QUICK = { patienceMs: 400, limits: { idleMs: 150, spanMs: 100, spanBytes: 1024 } };
const NAME = `objects/ab/${'c'.repeat(62)}`;

let scratch = '';
let server: HostileServer;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hkfs-hostile-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeEach(async () => {
  server = new HostileServer();
  await server.up();
});
afterEach(() => server.down());

async function withStore<T>(
  use: (store: S3Store) => Promise<T>,
  options: Partial<S3StoreOptions> = QUICK,
): Promise<T> {
  const store = new S3Store(parseRemoteUrl(server.url) as S3Remote, { url: server.url, env, ...options });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

async function listed(store: S3Store): Promise<BlobInfo[]> {
  const found: BlobInfo[] = [];
  for await (const info of store.list('')) found.push(info);
  return found;
}

async function codeOf(doing: Promise<unknown>): Promise<string> {
  try {
    await doing;
    return 'none';
  } catch (error) {
    if (!isHkfsError(error)) throw error;
    return error.code;
  }
}

const always =
  (answer: (asked: Asked, response: http.ServerResponse) => void) =>
  (asked: Asked, response: http.ServerResponse): boolean => {
    answer(asked, response);
    return true;
  };

/** Bytes for ever, as fast as they are taken. */
function flood(response: http.ServerResponse): void {
  const block = Buffer.alloc(1 << 20, 'x');
  const more = (): void => {
    while (!response.destroyed && response.write(block));
  };
  response.on('drain', more);
  more();
}

/** A byte now and then, for ever. */
function drip(write: () => void, response: http.ServerResponse): void {
  const timer = setInterval(write, 20);
  response.on('close', () => clearInterval(timer));
}

describe('a list of a hostile server', () => {
  test.each([
    ['tags that never close', '<a><b>'.repeat(700_000)],
    ['tags that never end', '<ListBucketResult'.repeat(250_000)],
    ['comments that never end', '<ListBucketResult>' + '<!--'.repeat(1_000_000)],
    ['CDATA that never ends', '<ListBucketResult>' + '<![CDATA['.repeat(400_000)],
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult></ListBucketResult>'],
    ['half of a document', page(keyed(NAME)).slice(0, -5)],
    ['another document', '<html></html>'],
  ])('of %s is refused within seconds', async (_what, body) => {
    server.trick = always((_asked, response) => response.end(body));
    const started = performance.now();
    expect(await withStore((store) => codeOf(listed(store)))).toBe('REMOTE_UNREACHABLE');
    // Five tries, and the time between them.
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('has no name of a key that is encoded as none', async () => {
    server.trick = always((_asked, response) => response.end(page(keyed('%zz'))));
    expect(await withStore((store) => codeOf(listed(store)))).toBe('REMOTE_DAMAGED');
  });

  test.each(['-1', '1e3', '9007199254740993', '', 'NaN', '1'.repeat(400)])(
    'has no blob of the size %s',
    async (size) => {
      server.trick = always((_asked, response) => response.end(page(keyed(NAME, size))));
      expect(await withStore(listed)).toEqual([]);
    },
  );

  test('ends where its tokens repeat, alternate, or go on without names', async () => {
    let pages = 0;
    const tokens: ((asked: Asked) => string)[] = [
      () => page(keyed(NAME), 'same'),
      () => page(keyed(NAME), `t${++pages % 2}`),
      () => page('', `t${++pages}`),
      () => page(keyed(`other-${String(++pages).padStart(9, '0')}.`), `t${pages}`),
    ];
    for (const token of tokens) {
      server.asked = 0;
      server.trick = always((asked, response) => response.end(token(asked)));
      const code = await withStore((store) => codeOf(listed(store)), { ...QUICK, maxPages: 300 });
      expect({ code, few: server.asked < 310 }).toEqual({ code: 'REMOTE_DAMAGED', few: true });
    }
  });

  test('that never ends is cut off at its bound', async () => {
    server.trick = always((_asked, response) => flood(response));
    expect(await withStore((store) => codeOf(listed(store)))).toBe('REMOTE_DAMAGED');
  });
});

describe('a body of a hostile server', () => {
  test('that is longer than it can be is not read, told of or not', async () => {
    server.trick = always(({ method }, response) => {
      if (method === 'GET') flood(response.writeHead(200));
      else response.end();
    });
    expect(await withStore((store) => codeOf(store.read(NAME, { max: 5 })))).toBe('REMOTE_DAMAGED');
    server.trick = always((_asked, response) =>
      response.writeHead(200, { 'content-length': 40e9 }).write('x'),
    );
    expect(await withStore((store) => codeOf(store.read(NAME, { max: 5 })))).toBe('REMOTE_DAMAGED');
  });

  test('that is longer than the log says is no download', async () => {
    server.trick = always(({ headers }, response) => {
      const [, from, to] = /(\d+)-(\d+)/.exec(headers.range!)!;
      const length = Number(to) - Number(from) + 1;
      const range = `bytes ${from}-${to}/40000000000`;
      response.writeHead(206, { 'content-length': length, 'content-range': range }).end(Buffer.alloc(length));
    });
    const file = join(scratch, 'long');
    const doing = withStore((store) => codeOf(store.download(NAME, file, { max: 20 << 20 })));
    expect(await doing).toBe('REMOTE_DAMAGED');
  });

  test.each(['1e400', '9'.repeat(30), 'x', '-1'])('of the total %s is none', async (total) => {
    server.trick = always((_asked, response) =>
      response.writeHead(206, { 'content-range': `bytes 0-0/${total}` }).end('x'),
    );
    const file = join(scratch, `total-${total.length}`);
    const doing = withStore((store) => codeOf(store.download(NAME, file, { max: 5 })));
    expect(await doing).toBe('REMOTE_UNREACHABLE');
  });

  test('that tells of an error for ever is an error', async () => {
    server.trick = always((_asked, response) => flood(response.writeHead(403)));
    expect(await withStore((store) => codeOf(store.read(NAME)))).toBe('REMOTE_DENIED');
  });

  test('that drips is given up, and so is an answer that is announced for ever', async () => {
    const drips = [
      (response: http.ServerResponse) => drip(() => response.write('x'), response.writeHead(200)),
      (response: http.ServerResponse) => drip(() => response.writeProcessing(), response),
      (response: http.ServerResponse) => void response,
    ];
    for (const each of drips) {
      server.trick = always((_asked, response) => each(response));
      expect(await withStore((store) => codeOf(store.read(NAME)))).toBe('REMOTE_UNREACHABLE');
    }
  });

  test('that drips ends at once when its store is stopped', async () => {
    const controller = new AbortController();
    server.trick = always((_asked, response) => drip(() => response.write('x'), response.writeHead(200)));
    setTimeout(() => controller.abort(), 100);
    const started = performance.now();
    const doing = withStore((store) => store.read(NAME), { signal: controller.signal });
    await expect(doing).rejects.toThrow('aborted');
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('of a blob that is an error of S3 is the blob', async () => {
    const kept = Buffer.from(errorOf('SlowDown'));
    server.blobs.set(NAME, kept);
    expect(await withStore((store) => store.read(NAME))).toEqual(kept);
  });
});

describe('a bucket of a hostile server', () => {
  test('that is not there is never a blob that is not there', async () => {
    server.trick = always(({ method }, response) =>
      response.writeHead(404).end(method === 'HEAD' ? undefined : errorOf('NoSuchBucket')),
    );
    expect(await withStore((store) => codeOf(store.read('hkfs-remote.json')))).toBe('NO_BUCKET');
  });

  test('has no size of a blob where none is told', async () => {
    server.trick = always((_asked, response) => response.writeHead(200).end());
    expect(await withStore((store) => codeOf(store.stat(NAME)))).toBe('REMOTE_UNREACHABLE');
  });

  test('is told of once where it keeps somebody waiting', async () => {
    const told: string[] = [];
    const options = {
      patienceMs: 600,
      tellAfterMs: 100,
      onWaiting: (text: string): void => void told.push(text),
    };
    await withStore(async (store) => {
      server.blobs.set(NAME, Buffer.from('x'));
      await store.read(NAME);
      server.down();
      expect(await codeOf(store.read(NAME))).toBe('REMOTE_UNREACHABLE');
    }, options);
    expect(told).toEqual([expect.stringMatching(/ECONNREFUSED; trying again for up to \d+ seconds$/)]);
  });
});
