/**
 * Bodies from a bucket, checked as far as the server's own words reach: a part is as long as it should be,
 * and all of them agree with the ETag. A body that does not is asked for again; it is given when it comes a
 * second time as the same, for then it is so at the remote, and whoever asked finds that out by its hash.
 */
import * as fs from 'node:fs';
import { HkfsError } from '../../errors.js';
import type { TransferOptions } from './blob-store.js';
import { refuseLonger } from './bounds.js';
import type { S3Client } from './s3-client.js';
import type { S3Answer } from './s3-errors.js';
import { EtagCheck, headerOf, PART_BYTES, partBytesOf } from './s3-etag.js';

/** Downloads of one blob in which every one gave other bytes. */
const MAX_DOWNLOADS = 5;

/** A whole body in memory; undefined where there is none. @throws HkfsError REMOTE_DAMAGED for a longer one */
export async function getWhole(client: S3Client, name: string, max: number): Promise<Buffer | undefined> {
  let before: string | undefined;
  const check = (answer: S3Answer): void => {
    if (answer.status === 404) return;
    const etag = new EtagCheck(answer, answer.body.length);
    forEachPart(answer.body, (part) => etag.update(part));
    const result = etag.result();
    if (result === null || result.agrees || result.digest === before) return;
    before = result.digest;
    throw altered(name, 'bytes that do not agree with their ETag');
  };
  const answer = await client.send({ method: 'GET', name, accept: [404], maxBody: max, check });
  return answer.status === 404 ? undefined : answer.body;
}

/** A range of a body; empty behind its end, undefined where there is none. */
export async function getRange(
  client: S3Client,
  name: string,
  { offset, length }: { offset: number; length: number },
): Promise<Buffer | undefined> {
  return (await getPart(client, { name, offset, length }, {}))?.body;
}

/** A body into an open, empty file, a part after the other; false where there is none. */
export async function getIntoFile(
  client: S3Client,
  { name, open }: { name: string; open: () => number },
  options: TransferOptions,
): Promise<boolean> {
  let first = await getPart(client, { name, offset: 0, length: PART_BYTES }, options);
  if (first === undefined) return false;
  const fd = open();
  let before: string | undefined;
  for (let download = 1; ; download += 1) {
    const result = await writeParts(client, { name, fd, first }, options);
    first = undefined;
    if (result === null || result.agrees || result.digest === before) break;
    if (download === MAX_DOWNLOADS) throw altered(name, 'bytes that do not agree with their ETag');
    before = result.digest;
  }
  return true;
}

interface Part {
  readonly answer: S3Answer;
  readonly body: Buffer;
  /** Of the whole blob. */
  readonly total: number;
}

async function writeParts(
  client: S3Client,
  { name, fd, first }: { name: string; fd: number; first: Part | undefined },
  { signal, onBytes, max = Infinity }: TransferOptions,
): Promise<{ digest: string; agrees: boolean } | null> {
  fs.ftruncateSync(fd, 0);
  let check: EtagCheck | undefined;
  let etag: string | undefined;
  let length = PART_BYTES;
  let total: number | undefined;
  for (let offset = 0; ;) {
    const isGiven = first !== undefined && offset === 0 && length === PART_BYTES;
    const part = isGiven
      ? first
      : await getPart(client, { name, offset, length, etag }, { ...(signal ? { signal } : {}) });
    if (part === undefined) throw changed(name);
    refuseLonger(name, part.total, max);
    total ??= part.total;
    if (part.total !== total) throw changed(name);
    check ??= new EtagCheck(part.answer, part.total);
    etag ??= headerOf(part.answer, 'etag');
    if (offset === 0 && partBytesOf(part.total) !== length) {
      // Parts of more than the usual size: from the start again, in those.
      length = partBytesOf(part.total);
      continue;
    }
    check.update(part.body);
    fs.writeSync(fd, part.body, 0, part.body.length, offset);
    offset += part.body.length;
    onBytes?.(part.body.length);
    if (offset >= part.total) return check.result();
  }
}

interface PartRequest {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  /** Of the blob whose other parts are there already. */
  readonly etag?: string | undefined;
}

async function getPart(
  client: S3Client,
  { name, offset, length, etag }: PartRequest,
  { signal }: TransferOptions,
): Promise<Part | undefined> {
  const answer = await client.send({
    method: 'GET',
    name,
    headers: {
      range: `bytes=${offset}-${offset + length - 1}`,
      ...(etag === undefined ? {} : { 'if-match': etag }),
    },
    signal,
    accept: [404, 412, 416],
    maxBody: length,
    check: (got) => expectRange(name, got, { offset, length }),
  });
  if (answer.status === 404) return undefined;
  if (answer.status === 412) throw changed(name);
  if (answer.status === 416) return { answer, body: Buffer.alloc(0), total: 0 };
  return { answer, body: answer.body, total: totalOf(answer) };
}

/** The range that was asked for, all of it as far as the blob goes. */
function expectRange(name: string, answer: S3Answer, range: { offset: number; length: number }): void {
  if ([404, 412, 416].includes(answer.status)) return;
  const got = /^bytes (\d+)-(\d+)\/\d+$/.exec(headerOf(answer, 'content-range') ?? '');
  const wanted = Math.min(range.length, totalOf(answer) - range.offset);
  if (!Number.isSafeInteger(totalOf(answer))) throw altered(name, 'a part of no size');
  if (answer.status !== 206 || Number(got?.[1]) !== range.offset || answer.body.length !== wanted)
    throw altered(name, 'another part than was asked for');
}

function totalOf(answer: S3Answer): number {
  return Number(/\/(\d+)$/.exec(headerOf(answer, 'content-range') ?? '')?.[1] ?? Number.NaN);
}

function forEachPart(body: Buffer, use: (part: Buffer) => void): void {
  const length = partBytesOf(body.length);
  for (let at = 0; at < body.length || at === 0; at += length) use(body.subarray(at, at + length));
}

function changed(name: string): HkfsError {
  return new HkfsError('REMOTE_DAMAGED', `${name} was replaced or removed while it was read`, {
    hint: 'nothing of hkfs does that: see who else writes there, and run verify --remote',
  });
}

export function altered(name: string, what: string): HkfsError {
  return new HkfsError('REMOTE_UNREACHABLE', `asked for ${name}, the server answers with ${what}`, {
    hint: 'something between here and the server alters answers; try again, or use https',
  });
}
