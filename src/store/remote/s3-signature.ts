/** AWS Signature Version 4 for S3, of requests whose body is known: pure, and a few microseconds each. */
import { createHmac } from 'node:crypto';
import { sha256Hex } from './sha256.js';

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
}

export interface SignedRequest {
  readonly method: string;
  /** Encoded, as it goes over the wire. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case; `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hexadecimal digits. */
  readonly bodyHash: string;
}

export const EMPTY_BODY_HASH = sha256Hex('');

export class Signer {
  private readonly credentials: S3Credentials;
  private readonly region: string;
  private day = '';
  private key: Buffer = Buffer.alloc(0);

  constructor(credentials: S3Credentials, region: string) {
    this.credentials = credentials;
    this.region = region;
  }

  /** The headers that make the request one of the credentials' owner. */
  sign(request: SignedRequest, now: Date): Record<string, string> {
    const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-content-sha256': request.bodyHash,
      'x-amz-date': time,
    };
    const { accessKey, sessionToken } = this.credentials;
    if (sessionToken !== undefined) headers['x-amz-security-token'] = sessionToken;
    const names = Object.keys(headers).filter(isSigned).sort();
    const signedNames = names.join(';');
    const canonical = [
      request.method,
      request.path,
      canonicalQuery(request.query),
      ...names.map((name) => `${name}:${headers[name]!.trim()}`),
      '',
      signedNames,
      request.bodyHash,
    ].join('\n');
    const scope = `${time.slice(0, 8)}/${this.region}/s3/aws4_request`;
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256Hex(canonical)}`;
    const signature = createHmac('sha256', this.keyOf(time.slice(0, 8)))
      .update(text)
      .digest('hex');
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope},SignedHeaders=${signedNames},Signature=${signature}`;
    return headers;
  }

  private keyOf(day: string): Buffer {
    if (day === this.day) return this.key;
    const steps = [day, this.region, 's3', 'aws4_request'];
    this.key = steps.reduce<Buffer>(hmac, Buffer.from(`AWS4${this.credentials.secretKey}`));
    this.day = day;
    return this.key;
  }
}

/** All that changes what the request does; what proxies on the way may touch stays out. */
function isSigned(name: string): boolean {
  return name === 'host' || name === 'range' || name.startsWith('x-amz-') || name.startsWith('if-');
}

/** Sorted and encoded: in the signature, and on the wire as well. */
export function canonicalQuery(query: Readonly<Record<string, string>> = {}): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${encodeRfc3986(name)}=${encodeRfc3986(query[name]!)}`)
    .join('&');
}

/** A path of a key: each segment encoded, as S3 wants it. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeRfc3986).join('/');
}

const PLAIN = /^[A-Za-z0-9_.~-]*$/;

function encodeRfc3986(text: string): string {
  if (PLAIN.test(text)) return text;
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
