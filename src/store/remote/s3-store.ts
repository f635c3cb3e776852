/**
 * A bucket of an S3 server as a remote. Every PUT says `If-None-Match: *`, so that nothing is ever
 * overwritten. Contents too large for one request go up in parts; the completion of such an upload is not
 * guarded by every server, and need not be: a content's name says what it is (docs/decisions/0021-s3.md).
 */
import * as fs from 'node:fs';
import { HkfsError } from '../../errors.js';
import { toFsPath } from '../../fs/names.js';
import { bodyProblem, bodySize, checkBlobName, isBlobName, isContentName } from './blob-names.js';
import type { BlobBody, BlobInfo, BlobStore, TransferOptions } from './blob-store.js';
import type { S3Remote } from './remote-url.js';
import { S3Client, type ClientOptions, type TriedAnswer } from './s3-client.js';
import { findAccess } from './s3-credentials.js';
import { altered, getIntoFile, getRange, getWhole } from './s3-download.js';
import type { S3Answer } from './s3-errors.js';
import { PART_BYTES } from './s3-etag.js';
import { openBody, readBody } from './file-body.js';
import { streamedBody } from './s3-body.js';
import { uploadInParts } from './s3-upload.js';
import { elementsOf, textOf } from './s3-xml.js';

/** S3 takes no more in one request. */
const MAX_PUT_BYTES = 5 * 2 ** 30;
const CONNECTIONS = 32;

export interface S3StoreOptions {
  readonly url: string;
  readonly env: ClientOptions['env'];
  /** Shorter in tests. */
  readonly patienceMs?: number;
}

export class S3Store implements BlobStore {
  readonly kind = 's3';
  readonly concurrency = CONNECTIONS;
  readonly url: string;
  private readonly client: S3Client;
  private readonly prefix: string;

  constructor(remote: S3Remote, options: S3StoreOptions) {
    this.url = options.url;
    this.prefix = remote.prefix;
    this.client = new S3Client(remote, findAccess(remote, options.env), {
      connections: CONNECTIONS,
      env: options.env,
      ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
    });
  }

  /** How many requests were sent; for tests and the bench. */
  get requests(): number {
    return this.client.requests;
  }

  async create(name: string, body: BlobBody, options: TransferOptions = {}): Promise<'created' | 'exists'> {
    checkBlobName(name);
    options.signal?.throwIfAborted();
    const size = bodySize(body);
    const outcome = await this.upload(name, body, options);
    if (outcome === 'created' && (body instanceof Uint8Array || size <= PART_BYTES)) options.onBytes?.(size);
    return outcome;
  }

  /** What was answered with success is as durable as the server makes it. */
  async flush(): Promise<void> {}

  async read(name: string, range?: { offset: number; length?: number }): Promise<Buffer | undefined> {
    checkBlobName(name);
    if (range === undefined) return getWhole(this.client, name);
    if (range.length === 0) return (await this.stat(name)) && Buffer.alloc(0);
    return getRange(this.client, name, range);
  }

  async download(name: string, file: string, options: TransferOptions = {}): Promise<boolean> {
    checkBlobName(name);
    let fd: number | undefined;
    const open = (): number => (fd = fs.openSync(toFsPath(file), 'wx', 0o644));
    try {
      return await getIntoFile(this.client, { name, open }, options);
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  }

  async stat(name: string): Promise<BlobInfo | undefined> {
    checkBlobName(name);
    const answer = await this.client.send({ method: 'HEAD', name, accept: [404] });
    return answer.status === 404 ? undefined : { name, size: Number(answer.headers['content-length']) };
  }

  async *list(prefix: string, after = ''): AsyncGenerator<BlobInfo> {
    let token: string | undefined;
    let last = after;
    do {
      const page = await this.listPage(prefix, after, token);
      for (const info of page.blobs) {
        if (info.name <= last) throw this.badList('is not in order');
        last = info.name;
        yield info;
      }
      if (page.isTruncated && (page.token === undefined || page.token === token))
        throw this.badList('breaks off');
      token = page.isTruncated ? page.token : undefined;
    } while (token !== undefined);
  }

  async remove(name: string): Promise<void> {
    checkBlobName(name);
    await this.client.send({ method: 'DELETE', name, accept: [404] });
  }

  async free(): Promise<number | undefined> {
    return undefined;
  }

  async close(): Promise<void> {
    this.client.close();
  }

  private async upload(
    name: string,
    body: BlobBody,
    options: TransferOptions,
  ): Promise<'created' | 'exists'> {
    const { signal } = options;
    if (body instanceof Uint8Array) return this.put(name, body, signal);
    if (body.size <= PART_BYTES) return this.put(name, await readBody(body), signal);
    if (isContentName(name)) {
      const source = await openBody(body);
      try {
        return await uploadInParts(this.client, { name, source, size: body.size }, options);
      } finally {
        source.close();
      }
    }
    if (body.size > MAX_PUT_BYTES) throw bodyProblem(body.file, 'is larger than S3 takes at once, 5 GiB');
    return this.put(name, await streamedBody(body, options), signal);
  }

  private async put(
    name: string,
    body: Uint8Array | Awaited<ReturnType<typeof streamedBody>>,
    signal: AbortSignal | undefined,
  ): Promise<'created' | 'exists'> {
    const answer = await this.client.send({
      method: 'PUT',
      name,
      headers: { 'if-none-match': '*' },
      body,
      signal,
      accept: [412],
    });
    if (answer.status !== 412) return 'created';
    return (await this.wasOurs(name, body, answer)) ? 'created' : 'exists';
  }

  /** A try whose answer was lost may have made the blob that the next one ran into. */
  private async wasOurs(
    name: string,
    body: Uint8Array | { readonly size: number },
    answer: TriedAnswer,
  ): Promise<boolean> {
    if (!answer.wasTriedBefore || isContentName(name)) return false;
    if (!(body instanceof Uint8Array)) return (await this.stat(name))?.size === body.size;
    return (await this.read(name))?.equals(body) ?? false;
  }

  private async listPage(prefix: string, after: string, token: string | undefined): Promise<Page> {
    const answer = await this.client.send({
      method: 'GET',
      query: {
        'list-type': '2',
        'encoding-type': 'url',
        prefix: this.prefix + prefix,
        ...this.pageAfter(after, token),
      },
      check: expectList,
    });
    const xml = answer.body.toString('utf8');
    return {
      blobs: elementsOf(xml, 'Contents').flatMap((each) => this.blobIn(each)),
      isTruncated: textOf(xml, 'IsTruncated') === 'true',
      token: textOf(xml, 'NextContinuationToken'),
    };
  }

  private pageAfter(after: string, token: string | undefined): Record<string, string> {
    if (token !== undefined) return { 'continuation-token': token };
    return after === '' ? {} : { 'start-after': this.prefix + after };
  }

  /** What others keep under the same prefix is no blob. */
  private blobIn(element: string): BlobInfo[] {
    const key = decodeURIComponent((textOf(element, 'Key') ?? '').replaceAll('+', ' '));
    const size = Number(textOf(element, 'Size'));
    const name = key.slice(this.prefix.length);
    return key.startsWith(this.prefix) && isBlobName(name) && Number.isSafeInteger(size)
      ? [{ name, size }]
      : [];
  }

  private badList(what: string): HkfsError {
    return new HkfsError('REMOTE_DAMAGED', `the list of ${this.client.where} ${what}`, {
      hint: 'this server cannot be used as a remote',
    });
  }
}

interface Page {
  readonly blobs: BlobInfo[];
  readonly isTruncated: boolean;
  readonly token: string | undefined;
}

function expectList(answer: S3Answer): void {
  if (!/<ListBucketResult[\s>]/.test(answer.body.toString('latin1', 0, 500))) throw altered('a list', 'none');
}
