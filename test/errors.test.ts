/** What an error says is read by others: on terminals, in logs, in bug reports. */
import { expect, test } from '@jest/globals';
import { HkfsError, withoutSecrets } from '../src/errors.js';
import { parseRemoteUrl } from '../src/store/remote/remote-url.js';

const SECRET = 'sEsAmE';

test.each([
  [`cannot open https://user:${SECRET}@host/path now`, 'cannot open https://***@host/path now'],
  [`"s3://${SECRET}@bucket"`, '"s3://***@bucket"'],
  [`/cwd/https:/user:${SECRET}@host/x is not there`, '/cwd/https:/***@host/x is not there'],
  [`http://h/?X-Amz-Signature=${SECRET}&part=1`, 'http://h/?X-Amz-Signature=***&part=1'],
  [`https://h/x?access_key=${SECRET}#top`, 'https://h/x?access_key=***#top'],
  [`one ftp://a:${SECRET}@b two sftp://${SECRET}@d`, 'one ftp://***@b two sftp://***@d'],
])('%s is told without the secret', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
  const error = new HkfsError('USAGE', text, { hint: text });
  expect([error.message, error.hint]).toEqual([shown, shown]);
});

test.each([
  's3://bucket/prefix?endpoint=http://host:9000&region=eu&credentials=/home/me/.aws/credentials',
  'file:///mnt/disk/a@b',
  '/photos/me@home/12:30/x?token=1',
  'mail me@host: 3:4',
])('%s is told as it is', (text) => {
  expect(withoutSecrets(text)).toBe(text);
});

test('what is no URL of a remote is refused without a word of what could be a secret', () => {
  for (const url of [
    `https://user:${SECRET}@host/path`,
    `s3://user:${SECRET}@bucket/prefix`,
    `s3://AKIA:${SECRET}/bucket`,
    `s3://bucket?secret_key=${SECRET}`,
    `s3://bucket?${SECRET}/x=1`,
    `s3://bucket?${SECRET}=1`,
    `s3://bucket?endpoint=https://user:${SECRET}@host`,
    `s3:/user:${SECRET}@bucket`,
    `user:${SECRET}@host:path`,
    `bucket?secret=${SECRET}`,
    `file://user:${SECRET}@host/x`,
  ]) {
    const refused = (): unknown => parseRemoteUrl(url, '/nowhere');
    expect(refused).toThrow(expect.objectContaining({ code: 'BAD_URL' }));
    expect(refused).toThrow(expect.not.objectContaining({ message: expect.stringContaining(SECRET) }));
  }
});
