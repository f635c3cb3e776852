/**
 * The inner form of a bundle (docs/bundle-format.md): a first member that says what it is, the blobs, an index
 * of them, and a last member of fixed size that says where the index is. So a bundle is written in one
 * pass, read from anywhere, and one that was cut off is found at once.
 */
import { HkfsError } from '../../errors.js';
import { isBlobName } from './blob-names.js';
import { sha256Hex } from './sha256.js';
import { BLOCK, memberHeader, TAR_END } from './tar-member.js';

export const BUNDLE_FORMAT = 1;
export const FIRST_NAME = 'hkfs-bundle.json';
export const INDEX_NAME = 'hkfs-bundle-index';
const LAST_NAME = 'hkfs-bundle-end';

/** From the last member's header to the end of the file. */
export const TAIL_BYTES = 2 * BLOCK + TAR_END.length;

export interface Section {
  readonly name: string;
  /** Of the body, from the start of the file. */
  readonly offset: number;
  readonly size: number;
  readonly sha256: string;
}

export interface BundleEnd {
  readonly format: number;
  readonly sections: number;
  readonly indexOffset: number;
  readonly indexSize: number;
  readonly indexSha256: string;
}

export function firstBody(): Buffer {
  return Buffer.from(`${JSON.stringify({ bundle: 'hkfs', format: BUNDLE_FORMAT })}\n`);
}

/** A line each, in the order of the names: hash, offset, size, name. */
export function indexBody(sections: readonly Section[]): Buffer {
  const lines = sections.map(({ name, offset, size, sha256 }) => `${sha256} ${offset} ${size} ${name}\n`);
  return Buffer.from(lines.join(''));
}

/** Header, body and the end of the tar. */
export function tail(end: Omit<BundleEnd, 'format'>): Buffer {
  const text = JSON.stringify({ bundle: 'hkfs', format: BUNDLE_FORMAT, ...end });
  const body = Buffer.from(`${text.padEnd(BLOCK - 1)}\n`);
  return Buffer.concat([memberHeader(LAST_NAME, BLOCK), body, TAR_END]);
}

/** Whether a file begins as bundles of any format do. */
export function beginsAsBundle(start: Buffer): boolean {
  return start.toString('latin1', 0, FIRST_NAME.length + 1) === `${FIRST_NAME}\0`;
}

/** @throws HkfsError REMOTE_NEWER, REMOTE_DAMAGED */
export function parseTail(bytes: Buffer, { file, size }: { file: string; size: number }): BundleEnd {
  const header = memberHeader(LAST_NAME, BLOCK);
  const isWhole =
    bytes.length === TAIL_BYTES &&
    bytes.subarray(0, BLOCK).equals(header) &&
    bytes.subarray(2 * BLOCK).equals(TAR_END);
  if (!isWhole) throw damaged(file, 'it was cut off, or something was added to it');
  const end = parseEnd(bytes.toString('utf8', BLOCK, 2 * BLOCK));
  if (end === null) throw damaged(file, 'its end cannot be read');
  if (end.format > BUNDLE_FORMAT)
    throw new HkfsError(
      'REMOTE_NEWER',
      `${file} has format ${end.format}; this hkfs knows ${BUNDLE_FORMAT}`,
      {
        hint: 'use a newer hkfs for this bundle',
      },
    );
  const indexEnd = end.indexOffset + end.indexSize + (-end.indexSize & (BLOCK - 1));
  if (indexEnd + TAIL_BYTES !== size) throw damaged(file, 'it has another length than when it was made');
  return end;
}

/** @throws HkfsError REMOTE_DAMAGED */
export function parseIndex(bytes: Buffer, end: BundleEnd, file: string): Section[] {
  if (sha256Hex(bytes) !== end.indexSha256)
    throw damaged(file, 'its index has other bytes than when it was made');
  const sections: Section[] = [];
  for (let at = 0; at < bytes.length;) {
    const stop = bytes.indexOf(LINE_FEED, at);
    const section = stop < 0 ? null : parseLine(bytes.toString('latin1', at, stop), end);
    if (section === null) throw damaged(file, 'its index cannot be read');
    sections.push(section);
    at = stop + 1;
  }
  if (sections.length !== end.sections) throw damaged(file, 'its index is not of its length');
  return sections;
}

const LINE_FEED = 10;
const LINE = /^([0-9a-f]{64}) (\d{1,16}) (\d{1,16}) (\S+)$/;

/** Null for what no blob that lies before the index is listed as. */
function parseLine(line: string, { indexOffset }: BundleEnd): Section | null {
  const [, sha256, offset, size, name] = LINE.exec(line) ?? [];
  if (sha256 === undefined || !isBlobName(name!)) return null;
  return Number(offset) + Number(size) <= indexOffset
    ? { sha256, offset: Number(offset), size: Number(size), name: name! }
    : null;
}

export function damaged(file: string, reason: string): HkfsError {
  return new HkfsError('REMOTE_DAMAGED', `the bundle ${file} is damaged: ${reason}`, {
    hint: 'copy it again from where it was made, or make it again with `hkfs bundle create`',
  });
}

function parseEnd(text: string): BundleEnd | null {
  try {
    const end = JSON.parse(text) as Partial<BundleEnd> & { bundle?: unknown };
    const numbers = [end.format, end.sections, end.indexOffset, end.indexSize];
    const isEnd = end.bundle === 'hkfs' && numbers.every((each) => Number.isSafeInteger(each) && each! >= 0);
    return isEnd && typeof end.indexSha256 === 'string' ? (end as BundleEnd) : null;
  } catch {
    return null;
  }
}
