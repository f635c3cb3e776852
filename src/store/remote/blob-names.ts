/** Names of blobs: what every kind of remote takes, and what they say. */
import { HkfsError } from '../../errors.js';
import type { FileBody } from './blob-store.js';

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
/** S3's limit for a key is 1,024 bytes, of which a prefix may take some. */
const MAX_LENGTH = 512;
const CONTENTS = 'objects/';

/**
 * Segments begin with no dot: those names are each kind's own (a directory keeps its temporaries there).
 * @throws TypeError: names come from hkfs itself, so another one is a bug
 */
export function checkBlobName(name: string): void {
  if (!isBlobName(name)) throw new TypeError(`no name of a blob: ${JSON.stringify(name)}`);
}

export function isBlobName(name: string): boolean {
  return name.length <= MAX_LENGTH && name.split('/').every((segment) => SEGMENT.test(segment));
}

/** Named by the hash of what it is: whoever makes it makes the same, so it does not matter who wins. */
export function isContentName(name: string): boolean {
  return name.startsWith(CONTENTS);
}

/** The body that was to be sent is not there, or not of the length that was said. */
export function bodyProblem(file: string, what: string, cause?: unknown): HkfsError {
  return new HkfsError('OBJECT_DAMAGED', `${file} ${what}`, {
    hint: 'run hkfs verify; hkfs heal brings damaged objects back',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** @throws HkfsError OBJECT_DAMAGED */
export function expectBodyHash({ file, hash }: FileBody, digest: Buffer): void {
  if (hash !== undefined && digest.toString('hex') !== hash)
    throw bodyProblem(file, 'has other bytes than its name says');
}

export function bodySize(body: Uint8Array | { readonly size: number }): number {
  return body instanceof Uint8Array ? body.length : body.size;
}
