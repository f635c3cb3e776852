/**
 * What is where at a remote (docs/remote-format.md). Numbers in names have 16 digits, so that the order
 * of names is the order of the log.
 */
import type { Hash, Position } from '../../events/types.js';

export const FORMAT_NAME = 'hkfs-remote.json';
export const OBJECTS = 'objects/';
export const ARCHIVES = 'archives/';
export const COMPRESSED = '.zst';

const DIGITS = 16;
const OBJECT_NAME = /^objects\/([0-9a-f]{2})\/([0-9a-f]{62})(\.zst)?$/;
const SEGMENT_NAME = /\/log\/(\d{16})-(\d{16})$/;
const CLAIM_NAME = /\/claim\/(\d{16})$/;
const CHECKPOINT_NAME = /\/checkpoint\/(\d{16})$/;

/** Positions of a log segment; `last` is in it. */
export interface SegmentSpan {
  readonly first: Position;
  readonly last: Position;
}

export function objectName(hash: Hash, compressed = false): string {
  return `${OBJECTS}${hash.slice(0, 2)}/${hash.slice(2)}${compressed ? COMPRESSED : ''}`;
}

/** Null for what is no object. */
export function parseObjectName(name: string): { hash: Hash; compressed: boolean } | null {
  const match = OBJECT_NAME.exec(name);
  return match && { hash: match[1]! + match[2]!, compressed: match[3] !== undefined };
}

export function archivePrefix(id: string): string {
  return `${ARCHIVES}${id}/`;
}

export function keyName(id: string): string {
  return `${archivePrefix(id)}key`;
}

export function logPrefix(id: string): string {
  return `${archivePrefix(id)}log/`;
}

export function segmentName(id: string, { first, last }: SegmentSpan): string {
  return `${logPrefix(id)}${digits(first)}-${digits(last)}`;
}

/** Null for what is no segment. */
export function parseSegmentName(name: string): SegmentSpan | null {
  const match = SEGMENT_NAME.exec(name);
  const span = match && { first: Number(match[1]), last: Number(match[2]) };
  return span && span.last >= span.first && Number.isSafeInteger(span.last) ? span : null;
}

/** Of all claims of an archive. */
export function claimPrefix(id: string): string {
  return `archives/${id}/claim/`;
}

/** Who creates it is the one who may append at `first`. */
export function claimName(id: string, first: Position): string {
  return `${claimPrefix(id)}${digits(first)}`;
}

/** Null for what is no claim. */
export function parseClaimName(name: string): Position | null {
  return positionIn(CLAIM_NAME.exec(name));
}

export function checkpointPrefix(id: string): string {
  return `${archivePrefix(id)}checkpoint/`;
}

export function checkpointName(id: string, size: Position): string {
  return checkpointPrefix(id) + digits(size);
}

/** Null for what is no checkpoint. */
export function parseCheckpointName(name: string): Position | null {
  return positionIn(CHECKPOINT_NAME.exec(name));
}

/** Sixteen digits hold more than any log can have. */
function positionIn(match: RegExpExecArray | null): Position | null {
  const position = Number(match?.[1]);
  return Number.isSafeInteger(position) ? position : null;
}

function digits(position: Position): string {
  return String(position).padStart(DIGITS, '0');
}
