/**
 * The S3 server of the tests, which the environment names (CONTRIBUTING.md, "S3"). Without one its tests
 * are skipped by name.
 */
import { randomBytes } from 'node:crypto';
import { test } from '@jest/globals';
import { S3Client } from '../../../src/store/remote/s3-client.js';
import { S3Store } from '../../../src/store/remote/s3-store.js';
import { parseRemoteUrl, type S3Remote } from '../../../src/store/remote/remote-url.js';

export const endpoint = process.env.HKFS_TEST_S3_ENDPOINT;
const credentials = {
  accessKey: process.env.HKFS_TEST_S3_ACCESS_KEY ?? '',
  secretKey: process.env.HKFS_TEST_S3_SECRET_KEY ?? '',
};
export const region = process.env.HKFS_TEST_S3_REGION ?? 'us-east-1';

/** What a command needs to use the server. */
export const s3Environment = {
  S3_ENDPOINT: endpoint ?? '',
  AWS_ACCESS_KEY_ID: credentials.accessKey,
  AWS_SECRET_ACCESS_KEY: credentials.secretKey,
  AWS_REGION: region,
};

const whyNot = endpoint === undefined ? 'needs an S3 server: HKFS_TEST_S3_ENDPOINT is not set' : null;
if (whyNot) process.stderr.write(`skipped: ${whyNot}\n`);

/** `test` where there is a server; elsewhere skipped. */
export const testWithS3 = whyNot === null ? test : test.skip;

export function s3Url(bucket: string, prefix = '', at = endpoint): string {
  const query = new URLSearchParams({ endpoint: at ?? '', region, pathStyle: 'true' });
  return `s3://${bucket}/${prefix}?${query.toString()}`;
}

export function s3Client(url: string): S3Client {
  const access = { credentials, region };
  return new S3Client(parseRemoteUrl(url) as S3Remote, access, { connections: 8, env: {} });
}

/** @returns its name */
export async function makeBucket(): Promise<string> {
  const bucket = `hkfs-test-${randomBytes(6).toString('hex')}`;
  const client = s3Client(s3Url(bucket));
  await client.send({ method: 'PUT' });
  client.close();
  return bucket;
}

export async function removeBucket(bucket: string): Promise<void> {
  const store = s3Store(s3Url(bucket));
  const names: string[] = [];
  for await (const { name } of store.list('')) names.push(name);
  for (let at = 0; at < names.length; at += 64)
    await Promise.all(names.slice(at, at + 64).map((name) => store.remove(name)));
  await store.close();
  const client = s3Client(s3Url(bucket));
  // Not empty where a test left an unfinished upload or a name that is none of ours.
  await client.send({ method: 'DELETE', accept: [409] }).catch(() => undefined);
  client.close();
}

export function s3Store(url: string, options: { patienceMs?: number } = {}): S3Store {
  return new S3Store(parseRemoteUrl(url) as S3Remote, { url, env: s3Environment, ...options });
}
