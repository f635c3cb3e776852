/**
 * A large content in parts. An upload that was cut off is gone on with: what has arrived of it is not sent
 * again. Parts are compared by their MD5, which is what a server tells of them.
 */
import { createHash } from 'node:crypto';
import { eachAtOnce } from '../../fs/together.js';
import type { TransferOptions } from './blob-store.js';
import type { OpenBody } from './file-body.js';
import type { S3Client } from './s3-client.js';
import { partBytesOf } from './s3-etag.js';
import { altered } from './s3-download.js';
import type { S3Answer } from './s3-errors.js';
import { childrenOf, childText, escaped, readXml, textOf, type XmlElement } from './s3-xml.js';

/** Parts of one content on their way at once. */
const PARTS_AT_ONCE = 4;
/** S3 gives parts no higher numbers. */
const MAX_PARTS = 10_000;
/** Uploads that were gone when they were to be completed: somebody else aborts them. */
const MAX_UPLOADS = 5;
/** S3 joins parts for minutes, and sends a blank now and then meanwhile. */
const COMPLETION_SPANS = 15;
const TEN_THOUSAND_PARTS = 16 << 20;

export interface Upload {
  readonly name: string;
  readonly source: OpenBody;
  readonly size: number;
}

export async function uploadInParts(
  client: S3Client,
  upload: Upload,
  options: TransferOptions,
  attempt = 1,
): Promise<'created' | 'exists'> {
  const { name } = upload;
  const { signal } = options;
  const present = await client.send({ method: 'HEAD', name, signal, accept: [404] });
  if (present.status !== 404) return 'exists';
  const id = (await unfinished(client, name, signal)) ?? (await begun(client, name, signal));
  upload.source.rewind();
  const parts = await sendParts(client, { ...upload, id }, options);
  // Without the request that follows there is no blob, whatever parts have arrived.
  upload.source.check();
  const answer = await client.send({
    method: 'POST',
    name,
    query: { uploadId: id },
    headers: { 'if-none-match': '*' },
    body: Buffer.from(completion(parts)),
    signal,
    isXml: true,
    patientSpans: COMPLETION_SPANS,
    // 404: an earlier try of this request completed the upload, and its answer was lost.
    accept: [404, 412],
  });
  if (answer.status === 200) return 'created';
  if (answer.status !== 404 || answer.wasTriedBefore) return 'exists';
  if (attempt === MAX_UPLOADS) throw altered(`the parts of ${name}`, 'none, again and again');
  return uploadInParts(client, upload, options, attempt + 1);
}

async function begun(client: S3Client, name: string, signal: AbortSignal | undefined): Promise<string> {
  const answer = await client.send({ method: 'POST', name, query: { uploads: '' }, signal, isXml: true });
  const id = textOf(xmlOf(answer), 'UploadId');
  if (id === undefined || id === '') throw altered(`an upload of ${name}`, 'none');
  return id;
}

/** The newest upload of this name that somebody began. Without the right to look there is none. */
async function unfinished(
  client: S3Client,
  name: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const key = client.keyOf(name);
  const query = { uploads: '', prefix: key, 'max-uploads': '10' };
  const answer = await client.send({ method: 'GET', query, signal, isXml: true, accept: [403, 405, 501] });
  if (answer.status !== 200) return undefined;
  return childrenOf(xmlOf(answer), 'Upload')
    .filter((each) => childText(each, 'Key') === key)
    .map((each) => ({ id: childText(each, 'UploadId'), began: childText(each, 'Initiated') ?? '' }))
    .sort((a, b) => (a.began < b.began ? 1 : -1))[0]?.id;
}

type Parts = ReadonlyMap<number, string>;

/** ETags of what has arrived, by the numbers of the parts. */
async function arrived(
  client: S3Client,
  { name, id }: { name: string; id: string },
  signal: AbortSignal | undefined,
): Promise<Parts> {
  const found = new Map<number, string>();
  let marker = '0';
  for (;;) {
    const query = { uploadId: id, 'part-number-marker': marker };
    const answer = await client.send({
      method: 'GET',
      name,
      query,
      signal,
      isXml: true,
      maxBody: TEN_THOUSAND_PARTS,
      accept: [403, 404],
    });
    if (answer.status !== 200) return found;
    const xml = xmlOf(answer);
    for (const part of childrenOf(xml, 'Part'))
      found.set(Number(childText(part, 'PartNumber')), (childText(part, 'ETag') ?? '').replaceAll('"', ''));
    const next = Number(childText(xml, 'NextPartNumberMarker'));
    const goesOn = childText(xml, 'IsTruncated') === 'true' && next > Number(marker) && next <= MAX_PARTS;
    if (!goesOn) return found;
    marker = String(next);
  }
}

async function sendParts(
  client: S3Client,
  upload: Upload & { readonly id: string },
  options: TransferOptions,
): Promise<Parts> {
  const { name, id, size, source } = upload;
  const partBytes = partBytesOf(size);
  const there = await arrived(client, { name, id }, options.signal);
  const sent = new Map<number, string>();
  const numbers = Array.from({ length: Math.ceil(size / partBytes) }, (_, at) => at + 1).values();
  const send = async (number: number): Promise<void> => {
    options.signal?.throwIfAborted();
    const offset = (number - 1) * partBytes;
    // Numbers are taken in order, and each reads at once: so the bytes are those of the part.
    const bytes = await source.next(Math.min(partBytes, size - offset));
    const md5 = createHash('md5').update(bytes).digest('hex');
    const isThere = there.get(number) === md5;
    sent.set(number, isThere ? md5 : await sendPart(client, { name, id, number, bytes }, options));
    options.onBytes?.(bytes.length);
  };
  await eachAtOnce(numbers, PARTS_AT_ONCE, send);
  return sent;
}

async function sendPart(
  client: S3Client,
  { name, id, number, bytes }: { name: string; id: string; number: number; bytes: Buffer },
  { signal, throttle }: TransferOptions,
): Promise<string> {
  const query = { partNumber: String(number), uploadId: id };
  const answer = await client.send({ method: 'PUT', name, query, body: bytes, signal, throttle });
  const { etag } = answer.headers;
  if (typeof etag !== 'string') throw altered(`part ${number} of ${name}`, 'no ETag');
  return etag.replaceAll('"', '');
}

function xmlOf({ body }: S3Answer): XmlElement | null {
  return readXml(body.toString('utf8'));
}

function completion(parts: Parts): string {
  const each = [...parts]
    .sort(([a], [b]) => a - b)
    .map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`);
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${each.join('')}</CompleteMultipartUpload>`;
}
