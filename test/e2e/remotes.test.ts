/** Places for backups: added, listed, forgotten; and all that they refuse. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeBucket, removeBucket, s3Environment, s3Url, testWithS3 } from '../store/remote/s3-server.js';
import { hkfs, type RunOptions } from './hkfs.js';

let scratch = '';
let root = '';
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), 'hkfs-remotes-'));
  root = join(scratch, 'archive');
  expect(hkfs(['init', root]).status).toBe(0);
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

const run = (words: string[], options: RunOptions = {}): ReturnType<typeof hkfs> =>
  hkfs(['remote', ...words, '-a', root], { cwd: scratch, ...options });
const rows = (): Record<string, unknown>[] =>
  run(['ls', '--json'])
    .stdout.trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const expectRefused = (words: string[], code: string, options: RunOptions = {}): void => {
  const { status, stderr, stdout } = run(words, options);
  expect({ status, stderr, stdout }).toEqual({
    status: code === 'REMOTE_NEWER' ? 6 : 2,
    stderr: expect.stringContaining(`[${code}]\nhint: `),
    stdout: '',
  });
  expect(stderr).not.toContain('sesame');
};

describe('a directory as a remote', () => {
  test('is made, listed and forgotten, and what is there stays', () => {
    const added = run(['add', 'usb', './usb', '--json']);
    expect(JSON.parse(added.stdout)).toEqual({
      operation: 1,
      name: 'usb',
      kind: 'directory',
      url: join(scratch, 'usb'),
      conditionalWrites: true,
    });
    expect(fs.readdirSync(join(scratch, 'usb'))).toEqual(['hkfs-remote.json']);
    expect(rows()).toEqual([
      {
        name: 'usb',
        kind: 'directory',
        url: join(scratch, 'usb'),
        added: expect.any(String),
        lastBackup: null,
      },
    ]);
    expect(run(['ls']).stdout).toMatch(/^usb +directory +no backup yet +\//);
    expectRefused(['add', 'usb', './other'], 'REMOTE_EXISTS');
    expect(fs.existsSync(join(scratch, 'other'))).toBe(false);
    expect(run(['rm', 'usb']).status).toBe(0);
    expect(rows()).toEqual([]);
    expect(fs.readdirSync(join(scratch, 'usb'))).toEqual(['hkfs-remote.json']);
    expect(run(['add', 'again', `file://${scratch}/usb`]).status).toBe(0);
    expectRefused(['rm', 'usb'], 'REMOTE_NOT_FOUND');
  });

  test.each([
    ['in the archive', () => join(root, 'backup'), 'REMOTE_INSIDE'],
    ['that is the archive', () => root, 'REMOTE_INSIDE'],
    ['in its .hkfs', () => join(root, '.hkfs/remote'), 'REMOTE_INSIDE'],
    ['with files of others', () => scratch, 'REMOTE_FOREIGN'],
    ['of another scheme', () => 'ftp://host/dir', 'BAD_URL'],
    ['of a host', () => 'file://host/dir', 'BAD_URL'],
    ['that is a word', () => 'usbdisk', 'BAD_URL'],
    ['with a key', () => 's3://key:sesame@bucket', 'BAD_URL'],
    ['with a key in the endpoint', () => 's3://bucket?endpoint=http://a:sesame@host', 'BAD_URL'],
    ['with a secret parameter', () => 's3://bucket?secret_key=sesame', 'BAD_URL'],
    ['without a bucket', () => 's3:///prefix', 'BAD_URL'],
    ['of an endpoint that is none', () => 's3://bucket?endpoint=host', 'BAD_URL'],
  ])('%s is refused', (_, url, code) => {
    expectRefused(['add', 'bad', url()], code);
  });

  test('through a symlink into the archive is refused', () => {
    fs.symlinkSync(root, join(scratch, 'link'));
    expectRefused(['add', 'bad', './link/backup'], 'REMOTE_INSIDE');
  });

  test('of a newer format is refused, and left as it is', () => {
    const path = fs.mkdtempSync(join(scratch, 'newer-'));
    const text = '{"remote":"hkfs","format":99}';
    fs.writeFileSync(join(path, 'hkfs-remote.json'), text);
    expectRefused(['add', 'bad', path], 'REMOTE_NEWER');
    expect(fs.readFileSync(join(path, 'hkfs-remote.json'), 'utf8')).toBe(text);
  });

  test.each(['', '-x', 'a b', 'a/b', 'x'.repeat(65)])('the name %j is refused', (name) => {
    expectRefused(['add', '--', name, join(scratch, 'never')], 'USAGE');
    expect(fs.existsSync(join(scratch, 'never'))).toBe(false);
  });
});

test('what was refused was not added', () => {
  expect(rows().map(({ name }) => name)).toEqual(['again']);
});

describe('S3 as a remote', () => {
  let bucket = '';
  const env = s3Environment;

  testWithS3('is found or made, with the endpoint of the environment; keys stay out of the log', async () => {
    bucket = await makeBucket();
    const added = run(['add', 'cloud', `s3://${bucket}/home`, '--json'], { env });
    const url = `s3://${bucket}/home?endpoint=${env.S3_ENDPOINT}`;
    expect(JSON.parse(added.stdout)).toMatchObject({ kind: 's3', url, conditionalWrites: true });
    const log = hkfs(['log', '-a', root, '--json']).stdout;
    expect(log).toContain(url);
    expect(log).not.toContain(env.AWS_SECRET_ACCESS_KEY);
    expect(log).not.toContain(env.AWS_ACCESS_KEY_ID);
    expect(run(['add', 'same', url], { env: { ...env, S3_ENDPOINT: '' } }).status).toBe(0);
  });

  testWithS3('is refused where it is not to be used', async () => {
    expectRefused(['add', 'bad', s3Url('hkfs-test-no-such')], 'NO_BUCKET', { env });
    expectRefused(['add', 'bad', s3Url(bucket)], 'REMOTE_DENIED', { env: { HOME: scratch } });
    const wrong = { ...env, AWS_SECRET_ACCESS_KEY: 'sesame' };
    expectRefused(['add', 'bad', s3Url(bucket)], 'REMOTE_DENIED', { env: wrong });
    expectRefused(['add', 'bad', s3Url(bucket, '', 'http://127.0.0.1:9')], 'REMOTE_UNREACHABLE', { env });
    expect(rows().map(({ name }) => name)).not.toContain('bad');
    await removeBucket(bucket);
  });
});
