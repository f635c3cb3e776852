import { HkfsError } from '../errors.js';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

const SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_557_600,
};

/**
 * `64k`, `1.5G`, `100`: bytes, with binary units.
 * @throws HkfsError USAGE
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? '?'];
  if (match === null || unit === undefined)
    throw usage(`"${text}" is no size`, 'Write 4096, 64k, 1.5M or 2G.');
  return Math.round(Number(match[1]) * unit);
}

export interface SizeRange {
  readonly minSize?: number;
  readonly maxSize?: number;
}

/**
 * `+1M` is at least, `-1M` at most, `1M` exactly that many bytes.
 * @throws HkfsError USAGE
 */
export function parseSizeRange(text: string): SizeRange {
  const size = parseSize(text.replace(/^[+-]/, ''));
  if (text.startsWith('+')) return { minSize: size };
  return text.startsWith('-') ? { maxSize: size } : { minSize: size, maxSize: size };
}

/**
 * `90s`, `10m`, `12h`, `30d`, `2w`, `1y`, and sums such as `1h30m`: milliseconds.
 * @throws HkfsError USAGE
 */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhdwy])/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  if (!isWhole) throw usage(`"${text}" is no span of time`, 'Write 90s, 10m, 12h, 30d, 2w or 1y.');
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (SECONDS[unit ?? ''] ?? 0), 0);
  return Math.round(seconds * 1000);
}

function usage(message: string, hint: string): HkfsError {
  return new HkfsError('USAGE', message, { hint });
}

/**
 * `12` or `op:12`: the number of an operation.
 * @throws HkfsError USAGE
 */
export function parseOperation(text: string): number {
  const match = /^(?:op:)?(\d{1,15})$/.exec(text);
  if (match === null) throw usage(`"${text}" is no operation`, 'Write its number; see `hkfs ops`.');
  return Number(match[1]);
}

/**
 * `0.5` or `50%`: a part, 0 to 1.
 * @throws HkfsError USAGE
 */
export function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)( ?%)?$/.exec(text);
  const share = match === null ? NaN : Number(match[1]) / (match[2] === undefined ? 1 : 100);
  if (!(share >= 0 && share <= 1)) throw usage(`"${text}" is no part of a whole`, 'Write 0.5 or 50%.');
  return share;
}

/**
 * `30d`: so long before now, as an ISO time. Anything else is a moment, and stays as it is.
 */
export function parseSince(text: string, nowMs: number): string {
  const isSpan = /^(?:\d+(?:\.\d+)?[smhdwy])+$/.test(text);
  return isSpan ? new Date(Math.max(0, nowMs - parseDuration(text))).toISOString() : text;
}

/**
 * `@12`: the position of an event.
 * @throws HkfsError USAGE
 */
export function parsePosition(text: string | undefined): number {
  const match = /^@?(\d{1,15})$/.exec(text ?? '');
  if (match !== null) return Number(match[1]);
  throw usage(
    text === undefined
      ? 'what is to be proved? Name one event, or one head'
      : `"${text}" is no position of an event`,
    'Write @1234, or --since HEAD; see `hkfs log`.',
  );
}
