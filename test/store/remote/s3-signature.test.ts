/** The examples of "Signature Calculations for the Authorization Header" in Amazon's documentation of S3. */
import { describe, expect, test } from '@jest/globals';
import {
  canonicalQuery,
  EMPTY_BODY_HASH,
  encodeKey,
  Signer,
} from '../../../src/store/remote/s3-signature.js';
import { sha256Hex } from '../../../src/store/remote/sha256.js';

const signer = new Signer(
  { accessKey: 'AKIAIOSFODNN7EXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  'us-east-1',
);
const host = 'examplebucket.s3.amazonaws.com';
const now = new Date('2013-05-24T00:00:00Z');
const signatureOf = (headers: Record<string, string>): string | undefined =>
  /Signature=([0-9a-f]+)$/.exec(headers.authorization!)?.[1];

describe('a signature of version 4', () => {
  test('of a GET with a range is that of the example', () => {
    const signed = signer.sign(
      { method: 'GET', path: '/test.txt', headers: { host, range: 'bytes=0-9' }, bodyHash: EMPTY_BODY_HASH },
      now,
    );
    expect(signatureOf(signed)).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
    expect(signed.authorization).toContain('SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,');
  });

  test.each([
    [{ lifecycle: '' }, 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    [{ 'max-keys': '2', prefix: 'J' }, '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
  ])('of a GET with the query %j is that of the example', (query, signature) => {
    const signed = signer.sign(
      {
        method: 'GET',
        path: '/',
        query: query as Record<string, string>,
        headers: { host },
        bodyHash: EMPTY_BODY_HASH,
      },
      now,
    );
    expect(signatureOf(signed)).toBe(signature);
  });

  test('of another day has another key', () => {
    const request = { method: 'GET', path: '/', headers: { host }, bodyHash: EMPTY_BODY_HASH };
    const [one, two] = [now, new Date('2013-05-25T00:00:00Z')].map((at) => signer.sign(request, at));
    expect(two!.authorization).toContain('/20130525/us-east-1/s3/');
    expect(signatureOf(one!)).not.toBe(signatureOf(two!));
    expect(signatureOf(signer.sign(request, now))).toBe(signatureOf(one!));
  });

  test('has the token of a session', () => {
    const session = new Signer({ accessKey: 'a', secretKey: 'b', sessionToken: 'token' }, 'r');
    const signed = session.sign(
      { method: 'GET', path: '/', headers: { host }, bodyHash: sha256Hex('') },
      now,
    );
    expect(signed['x-amz-security-token']).toBe('token');
    expect(signed.authorization).toContain('x-amz-security-token,');
  });
});

test('keys and queries are encoded as S3 wants them', () => {
  expect(encodeKey("a b/ä/(x)'!*~")).toBe('a%20b/%C3%A4/%28x%29%27%21%2A~');
  expect(canonicalQuery({ b: '1/2', a: '' })).toBe('a=&b=1%2F2');
});
