/** What an ETag says of a body: its MD5, or of one that went up in parts, the MD5 of the MD5s of its parts. */
import { createHash, type Hash } from 'node:crypto';
import type { S3Answer } from './s3-errors.js';

const ETAG = /^"?([0-9a-f]{32})(?:-(\d+))?"?$/;
/** With keys of the provider's or the customer's own, an ETag is no MD5. */
const NO_MD5 = /^aws:kms/;

/** The smallest part that hkfs sends. */
export const PART_BYTES = 8 << 20;
const MAX_PARTS = 10_000;

/** How large the parts of a content are: from its size alone, so that whoever reads it knows too. */
export function partBytesOf(size: number): number {
  return Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS));
}

/** Sees a body pass, in the order of its bytes and cut where its parts are, and says whether it agrees. */
export class EtagCheck {
  private readonly expected: string | undefined;
  private readonly parts: number | undefined;
  private readonly whole: Hash = createHash('md5');

  constructor(answer: S3Answer, size: number) {
    const match = ETAG.exec(headerOf(answer, 'etag') ?? '');
    const isHidden =
      NO_MD5.test(headerOf(answer, 'x-amz-server-side-encryption') ?? '') ||
      headerOf(answer, 'x-amz-server-side-encryption-customer-algorithm') !== undefined;
    this.parts = match?.[2] === undefined ? undefined : Number(match[2]);
    const isOurs = this.parts === undefined || this.parts === Math.ceil(size / partBytesOf(size));
    this.expected = isHidden || !isOurs ? undefined : match?.[1];
  }

  update(part: Uint8Array): void {
    if (this.expected === undefined) return;
    this.whole.update(this.parts === undefined ? part : createHash('md5').update(part).digest());
  }

  /** Null where nothing can be said; else what the body is, and whether that is what it should be. */
  result(): { digest: string; agrees: boolean } | null {
    if (this.expected === undefined) return null;
    const digest = this.whole.digest('hex');
    return { digest, agrees: digest === this.expected };
  }
}

export function headerOf(answer: S3Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : undefined;
}
