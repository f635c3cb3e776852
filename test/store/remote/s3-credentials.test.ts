import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseRemoteUrl, storedUrl, type S3Remote } from '../../../src/store/remote/remote-url.js';
import { findAccess } from '../../../src/store/remote/s3-credentials.js';

let home = '';
beforeAll(() => {
  home = fs.mkdtempSync(join(tmpdir(), 'hkfs-credentials-'));
  fs.mkdirSync(join(home, '.aws'));
  fs.writeFileSync(
    join(home, '.aws/credentials'),
    '[default]\naws_access_key_id = D\naws_secret_access_key = d=/+d\n\n# other\n[work]\naws_access_key_id=W\naws_secret_access_key=w\naws_session_token=t\n',
  );
  fs.writeFileSync(join(home, '.aws/config'), '[default]\nregion = eu-1\n[profile work]\nregion=eu-2\n');
  fs.writeFileSync(join(home, 'keys'), 'aws_access_key_id = F\naws_secret_access_key = f\n');
  fs.writeFileSync(join(home, 'empty'), '');
});
afterAll(() => fs.rmSync(home, { recursive: true, force: true }));

const access = (query: string, env: Record<string, string> = {}): ReturnType<typeof findAccess> =>
  findAccess(parseRemoteUrl(`s3://bucket/${query}`, home) as S3Remote, { HOME: home, ...env });
const ENV = { AWS_ACCESS_KEY_ID: 'E', AWS_SECRET_ACCESS_KEY: 'e' };

describe('keys of an S3 remote', () => {
  test.each([
    ['the file that is named', '?credentials=keys', ENV, { accessKey: 'F', secretKey: 'f' }],
    [
      'the profile that is named',
      '?profile=work',
      ENV,
      { accessKey: 'W', secretKey: 'w', sessionToken: 't' },
    ],
    ['the environment', '', ENV, { accessKey: 'E', secretKey: 'e' }],
    [
      'the environment with a session',
      '',
      { ...ENV, AWS_SESSION_TOKEN: 's' },
      { accessKey: 'E', secretKey: 'e', sessionToken: 's' },
    ],
    [
      'the names of other programs',
      '',
      { S3_ACCESS_KEY: 'S', S3_SECRET_KEY: 's' },
      { accessKey: 'S', secretKey: 's' },
    ],
    [
      'the profile of the environment',
      '',
      { AWS_PROFILE: 'work' },
      { accessKey: 'W', secretKey: 'w', sessionToken: 't' },
    ],
    ['the default profile', '', {}, { accessKey: 'D', secretKey: 'd=/+d' }],
  ])('come from %s', (_, query, env, expected) => {
    expect(access(query, env as Record<string, string>).credentials).toEqual(expected);
  });

  test.each([
    ['?credentials=empty', {}],
    ['?credentials=none', ENV],
    ['?profile=nobody', ENV],
    ['', { HOME: '/nonexistent' }],
  ])('that %j names and that are not there are REMOTE_DENIED', (query, env) => {
    expect(() => access(query, env)).toThrow(expect.objectContaining({ code: 'REMOTE_DENIED' }));
  });

  test.each([
    ['?region=r', { AWS_REGION: 'x' }, 'r'],
    ['', { AWS_REGION: 'x' }, 'x'],
    ['?profile=work', {}, 'eu-2'],
    ['', {}, 'eu-1'],
    ['', { HOME: '/nonexistent', ...ENV }, 'us-east-1'],
  ])('go with the region of %j', (query, env, region) => {
    expect(access(query, env as Record<string, string>).region).toBe(region);
  });
});

describe('the URL of a remote', () => {
  test.each([
    ['s3://Bucket/a/b/', { kind: 's3', bucket: 'Bucket', prefix: 'a/b/' }],
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    [
      's3://bucket/%C3%A4 x?pathStyle=false&endpoint=https://h:1/',
      { kind: 's3', bucket: 'bucket', prefix: 'ä x/', pathStyle: false, endpoint: 'https://h:1' },
    ],
    ['file:///a%20b', { kind: 'path', path: '/a b' }],
    ['./x/../y', { kind: 'path', path: '/cwd/y' }],
    ['..', { kind: 'path', path: '/' }],
    ['/a', { kind: 'path', path: '/a' }],
  ])('%s is read', (url, expected) => {
    expect(parseRemoteUrl(url, '/cwd')).toEqual(expected);
  });

  test.each([
    '',
    'word',
    'http://h/x',
    's3://',
    's3:///x',
    's3://buck/../c',
    's3://buck?what=1',
    's3://buck?pathStyle=1',
    's3://buck#x',
    's3://buck?endpoint=ftp://h',
    's3://buck?endpoint=http://h?x=1',
    'file://host/x',
    's3://buck/%zz',
    'a\0b',
  ])('%j is BAD_URL', (url) => {
    expect(() => parseRemoteUrl(url, '/cwd')).toThrow(expect.objectContaining({ code: 'BAD_URL' }));
  });

  test('is kept so that it means the same elsewhere', () => {
    const kept = (url: string, env: Record<string, string> = {}): string =>
      storedUrl(url, parseRemoteUrl(url, '/cwd'), env);
    expect(kept('./x')).toBe('/cwd/x');
    expect(kept('s3://buck/p')).toBe('s3://buck/p');
    expect(kept('s3://buck/p', { S3_ENDPOINT: 'http://h:1' })).toBe('s3://buck/p?endpoint=http://h:1');
    expect(kept('s3://buck?endpoint=http://i&region=r', { S3_ENDPOINT: 'http://h:1' })).toBe(
      's3://buck?endpoint=http://i&region=r',
    );
    expect(kept('s3://buck?credentials=keys')).toBe('s3://buck?credentials=/cwd/keys');
  });
});
