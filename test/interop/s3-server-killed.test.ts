/** The real S3 server is killed in the middle and started again (scripts/s3-server.sh). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { testWhere } from '../e2e/hkfs.js';
import { listed } from '../store/remote/conformance.js';
import { endpoint, makeBucket, removeBucket, s3Store, s3Url } from '../store/remote/s3-server.js';

const folder = process.env.HKFS_TEST_S3_DIR ?? '';
const script = join(import.meta.dirname, '../../scripts/s3-server.sh');
const whenKillable = testWhere(
  endpoint !== undefined && folder !== '',
  'needs a server of scripts/s3-server.sh: HKFS_TEST_S3_DIR',
);

whenKillable(
  'kill -9 of the S3 server while blobs go there: they all arrive once it is back',
  async () => {
    const bucket = await makeBucket();
    const store = s3Store(s3Url(bucket));
    const bodies = new Map(
      Array.from({ length: 400 }, (_, at) => [`objects/${1000 + at}`, Buffer.from(`${at}`)]),
    );
    const left = [...bodies];
    let done = 0;
    const sendSome = async (): Promise<void> => {
      for (let next = left.shift(); next; next = left.shift()) {
        expect(['created', 'exists']).toContain(await store.create(...next));
        done += 1;
      }
    };
    const sending = Promise.all(Array.from({ length: 16 }, sendSome));
    while (done < 40) await sleep(5);
    process.kill(Number(readFileSync(join(folder, 'run/client.rgw.pid'), 'utf8')), 'SIGKILL');
    await sleep(500);
    expect(done).toBeLessThan(400);
    execFileSync(script, ['start', folder, new URL(endpoint!).port]);
    await sending;
    expect((await listed(store)).map(({ name }) => name)).toEqual([...bodies.keys()]);
    for (const [name, body] of bodies) expect((await store.read(name))!.equals(body)).toBe(true);
    await store.close();
    await removeBucket(bucket);
  },
  120_000,
);
