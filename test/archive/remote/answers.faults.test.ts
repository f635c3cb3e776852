/** What commands about remotes answer where the other side is not as it was, or slow on purpose. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Archive } from 'hkfs';
import { RateLimiter } from '../../../src/archive/remote/rate-limiter.js';
import { DirectoryStore } from '../../../src/store/remote/directory-store.js';
import { throttled } from '../../../src/store/remote/throttle.js';
import { HostileServer } from '../../store/remote/hostile-server.js';
import { collect, withArchive, withScratch } from '../scratch.js';

const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_REGION: 'us-east-1' };

describe('a pull', () => {
  test('from another remote that is behind has nothing new; from an origin that was rolled back it says so', () =>
    withArchive(async ({ archive, root, source }) => {
      const [remote, other, directory] = [`${root}-remote`, `${root}-other`, `${root}-clone`];
      fs.writeFileSync(join(source, 'file'), 'x');
      await archive.addRemote({ name: 'disk', url: remote });
      await archive.addRemote({ name: 'other', url: other });
      await archive.backup({ remote: 'other' });
      await archive.ingest({ sources: [`${source}/`], to: '' });
      await archive.backup({ remote: 'disk' });
      await Archive.clone({ url: remote, directory });
      const clone = await Archive.open(directory, { mode: 'write' });
      expect(await clone.pull({ url: other })).toMatchObject({ upToDate: true, events: 0 });
      fs.rmSync(join(remote, 'archives'), { recursive: true });
      fs.cpSync(join(other, 'archives'), join(remote, 'archives'), { recursive: true });
      await expect(clone.pull({})).rejects.toMatchObject({
        code: 'REMOTE_DIVERGED',
        message: expect.stringMatching(/was rolled back or lost files: it had \d+ events/),
      });
      await clone.close();
    }));
});

describe('a question about an operation', () => {
  test('that never was is NOT_FOUND', () =>
    withArchive(async ({ archive }) => {
      await expect(collect(archive.log({ operation: 999 }))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }));
});

describe('a clone', () => {
  test('of a bucket that is not there is NO_BUCKET', () =>
    withScratch(async (directory) => {
      const server = new HostileServer();
      server.trick = (_asked, response) => {
        response.writeHead(404).end('<Error><Code>NoSuchBucket</Code></Error>');
        return true;
      };
      await server.up();
      const doing = Archive.clone({ url: server.url, directory: join(directory, 'clone'), env });
      await expect(doing).rejects.toMatchObject({ code: 'NO_BUCKET' });
      expect(fs.existsSync(join(directory, 'clone'))).toBe(false);
      server.down();
    }));
});

describe('a limited rate', () => {
  /** Seconds that pass only by waiting. */
  function played(bytesPerSecond: number): { limiter: RateLimiter; seconds: () => number } {
    let nowMs = 0;
    const wait = async (ms: number): Promise<void> => void (nowMs += ms);
    return {
      limiter: new RateLimiter(bytesPerSecond, { now: () => nowMs, wait }),
      seconds: () => nowMs / 1000,
    };
  }

  test('holds within one large content, step by step', async () => {
    const { limiter, seconds } = played(100_000);
    const steps: number[] = [];
    for await (const bytes of throttled([Buffer.alloc(1_000_000)], limiter)) {
      steps.push(bytes.length);
      const allowed = 100_000 * (seconds() + 0.25);
      expect(steps.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(allowed);
    }
    expect(steps).toHaveLength(40);
    expect(seconds()).toBeCloseTo(9.75);
  });

  test('of less than one transfer needs to live gives it all to one', () => {
    expect(played(1000).limiter.widthOf(32)).toBe(1);
    expect(played(1 << 20).limiter.widthOf(32)).toBe(32);
    expect(new RateLimiter(Infinity).widthOf(32)).toBe(32);
    expect(new RateLimiter(Infinity).throttle).toBeUndefined();
  });

  test('is one that a directory remote keeps for a file, and sends what is right', () =>
    withScratch(async (directory) => {
      const file = join(directory, 'file');
      fs.writeFileSync(file, Buffer.alloc(300_000, 'x'));
      const store = DirectoryStore.open(join(directory, 'remote'), { create: true });
      const { limiter, seconds } = played(100_000);
      const name = `objects/ab/${'c'.repeat(62)}`;
      await store.create(name, { file, size: 300_000 }, { throttle: limiter });
      expect(seconds()).toBeCloseTo(2.75);
      await store.flush();
      expect((await store.read(name))?.equals(fs.readFileSync(file))).toBe(true);
      await store.close();
    }));

  test('holds for a single large file that is backed up', () =>
    withArchive(async ({ archive, root, source }) => {
      fs.writeFileSync(join(source, 'file'), Buffer.alloc(3 << 20, 'x'));
      await archive.ingest({ sources: [`${source}/`], to: '' });
      await archive.addRemote({ name: 'disk', url: `${root}-remote` });
      const started = performance.now();
      await archive.backup({ remote: 'disk', limitRate: 2 << 20 });
      expect(performance.now() - started).toBeGreaterThan(1_200);
    }));
});
