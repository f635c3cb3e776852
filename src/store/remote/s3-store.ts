/**
 * A bucket of an S3 server as a remote. Every PUT says `If-None-Match: *`, so that nothing is ever
 * overwritten. Contents too large for one request go up in parts; the completion of such an upload is not
 * guarded by every server, and need not be: a content's name says what it is (docs/decisions/0021-s3.md).
 */
import * as fs from 'node:fs';
import { HkfsError } from '../../errors.js';
import { toFsPath } from '../../fs/names.js';
import { bodyProblem, bodySize, checkBlobName, isBlobName, isContentName } from './blob-names.js';
import type { BlobBody, BlobInfo, BlobStore, ReadRange, TransferOptions } from './blob-store.js';
import { MAX_READ, refuseLonger } from './bounds.js';
import type { S3Remote } from './remote-url.js';
import { S3Client, type ClientOptions, type TriedAnswer } from './s3-client.js';
import { findAccess } from './s3-credentials.js';
import { altered, getIntoFile, getRange, getWhole } from './s3-download.js';
import type { S3Answer } from './s3-errors.js';
import { headerOf, PART_BYTES } from './s3-etag.js';
import { openBody, readBody } from './file-body.js';
import { streamedBody } from './s3-body.js';
import { uploadInParts } from './s3-upload.js';
import type { WaitLimits } from './s3-transport.js';
import { childrenOf, childText, readXml, type XmlElement } from './s3-xml.js';

/** S3 takes no more in one request. */
const MAX_PUT_BYTES = 5 * 2 ** 30;
const CONNECTIONS = 32;

export interface S3StoreOptions {
  readonly url: string;
  readonly env: ClientOptions['env'];
  /** Stops whatever is under way. */
  readonly signal?: AbortSignal | undefined;
  readonly onWaiting?: ((text: string) => void) | undefined;
  /** Shorter in tests, as the next ones are. */
  readonly patienceMs?: number;
  readonly limits?: WaitLimits;
  readonly maxPages?: number;
  readonly tellAfterMs?: number;
}

/** 1,000 keys of 1,024 bytes, each byte as three characters, and what else is told of each. */
const MAX_PAGE_BYTES = 16 << 20;
/** Of one list: 20 million names where a server gives 1,000 at once. */
const MAX_PAGES = 20_000;
/** Pages without any key, one after the other. */
const MAX_EMPTY_PAGES = 100;

export class S3Store implements BlobStore {
  readonly kind = 's3';
  readonly concurrency = CONNECTIONS;
  readonly url: string;
  private readonly client: S3Client;
  private readonly prefix: string;
  private readonly maxPages: number;

  constructor(remote: S3Remote, options: S3StoreOptions) {
    this.url = options.url;
    this.prefix = remote.prefix;
    this.maxPages = options.maxPages ?? MAX_PAGES;
    this.client = new S3Client(remote, findAccess(remote, options.env), {
      connections: CONNECTIONS,
      env: options.env,
      limits: options.limits,
      signal: options.signal,
      onWaiting: options.onWaiting,
      tellAfterMs: options.tellAfterMs,
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

  async read(
    name: string,
    { offset = 0, length, max = MAX_READ }: ReadRange = {},
  ): Promise<Buffer | undefined> {
    checkBlobName(name);
    if (offset === 0 && length === undefined) return getWhole(this.client, name, max);
    if (length === 0) return (await this.stat(name)) && Buffer.alloc(0);
    if (length !== undefined) return getRange(this.client, name, { offset, length });
    // One byte more, to see that there are more.
    const bytes = await getRange(this.client, name, { offset, length: max + 1 });
    if (bytes !== undefined) refuseLonger(name, bytes.length, max);
    return bytes;
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
    if (answer.status === 404) return undefined;
    const size = sizeIn(headerOf(answer, 'content-length'));
    if (size === null) throw altered(`the size of ${name}`, 'none');
    return { name, size };
  }

  async *list(prefix: string, after = ''): AsyncGenerator<BlobInfo> {
    let token: string | undefined;
    let last: Buffer = Buffer.from(this.prefix + after);
    let [pages, empty] = [0, 0];
    do {
      const page = await this.listPage(prefix, after, token);
      for (const { key, info } of page.entries) {
        if (key === null || Buffer.compare(key, last) <= 0) throw this.badList('is not in order');
        last = key;
        if (info !== null) yield info;
      }
      empty = page.entries.length === 0 ? empty + 1 : 0;
      if (++pages > this.maxPages || empty > MAX_EMPTY_PAGES) throw this.badList('does not end');
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
    if (body instanceof Uint8Array) return this.put(name, body, options);
    if (body.size <= PART_BYTES) return this.put(name, await readBody(body), options);
    if (isContentName(name)) {
      const source = await openBody(body);
      try {
        return await uploadInParts(this.client, { name, source, size: body.size }, options);
      } finally {
        source.close();
      }
    }
    if (body.size > MAX_PUT_BYTES) throw bodyProblem(body.file, 'is larger than S3 takes at once, 5 GiB');
    return this.put(name, await streamedBody(body, options), options);
  }

  private async put(
    name: string,
    body: Uint8Array | Awaited<ReturnType<typeof streamedBody>>,
    { signal, throttle }: TransferOptions,
  ): Promise<'created' | 'exists'> {
    const answer = await this.client.send({
      method: 'PUT',
      name,
      headers: { 'if-none-match': '*' },
      body,
      signal,
      throttle,
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
    return (await this.read(name, { offset: 0, length: body.length + 1 }))?.equals(body) ?? false;
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
      isXml: true,
      maxBody: MAX_PAGE_BYTES,
      check: expectList,
    });
    const root = listIn(answer);
    return {
      entries: childrenOf(root, 'Contents').map((each) => this.entryIn(each)),
      isTruncated: childText(root, 'IsTruncated') === 'true',
      token: childText(root, 'NextContinuationToken'),
    };
  }

  private pageAfter(after: string, token: string | undefined): Record<string, string> {
    if (token !== undefined) return { 'continuation-token': token };
    return after === '' ? {} : { 'start-after': this.prefix + after };
  }

  /** What others keep under the same prefix is no blob. */
  private entryIn(element: XmlElement): Entry {
    const key = keyIn(childText(element, 'Key') ?? '');
    const size = sizeIn(childText(element, 'Size'));
    const name = key?.slice(this.prefix.length) ?? '';
    const isBlob = key?.startsWith(this.prefix) === true && isBlobName(name) && size !== null;
    return { key: key === null ? null : Buffer.from(key), info: isBlob ? { name, size } : null };
  }

  private badList(what: string): HkfsError {
    return new HkfsError('REMOTE_DAMAGED', `the list of ${this.client.where} ${what}`, {
      hint: 'this server cannot be used as a remote',
    });
  }
}

interface Entry {
  /** Null where it is encoded as no key is. */
  readonly key: Buffer | null;
  readonly info: BlobInfo | null;
}

interface Page {
  readonly entries: readonly Entry[];
  readonly isTruncated: boolean;
  readonly token: string | undefined;
}

function listIn(answer: S3Answer): XmlElement | null {
  const root = readXml(answer.body.toString('utf8'));
  return root?.name === 'ListBucketResult' ? root : null;
}

function expectList(answer: S3Answer): void {
  if (listIn(answer) === null) throw altered('a list', 'none');
}

/** As `encoding-type=url` has it; null for what no key is encoded as. */
function keyIn(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

function sizeIn(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))
    ? Number(text)
    : null;
}
