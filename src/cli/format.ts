/** Numbers, times and modes as people read them. */
import type { EntryKind } from '../events/types.js';

const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `0 B`, `999 B`, `1.5 KiB`, `23 MiB`: at most three digits that matter. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 and not 1024, so that rounding never shows four digits.
  while (value >= 999.5 && unit < BINARY_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1;
  return `${value.toFixed(digits)} ${BINARY_UNITS[unit]}`;
}

export { counted as plural, formatCount } from '../errors.js';

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 03 min`, `5 d 4 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const STEPS: readonly (readonly [limit: number, seconds: number, unit: Intl.RelativeTimeFormatUnit])[] = [
  [60, 1, 'second'],
  [3600, 60, 'minute'],
  [86_400, 3600, 'hour'],
  [604_800, 86_400, 'day'],
  [2_629_800, 604_800, 'week'],
  [31_557_600, 2_629_800, 'month'],
  [Infinity, 31_557_600, 'year'],
];

/** `3 minutes ago`, `yesterday`, `in 2 hours`. */
export function formatRelative(iso: string, nowMs: number): string {
  const seconds = (Date.parse(iso) - nowMs) / 1000;
  const [, size, unit] = STEPS.find(([limit]) => Math.abs(seconds) < limit) ?? [0, 1, 'second'];
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(Math.trunc(seconds / size), unit);
}

/** `2026-03-01 12:00` of nanoseconds since 1970, in the local time zone. */
export function formatMtime(mtimeNs: string): string {
  const ms = Number(BigInt(mtimeNs) / 1_000_000n);
  return formatMinute(new Date(ms));
}

/** `2026-03-01 12:00` in the local time zone; a year that a Date cannot hold shows as dashes. */
export function formatMinute(date: Date): string {
  if (Number.isNaN(date.getTime())) return '---- -- -- --:--';
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

const KIND_LETTERS: Readonly<Record<EntryKind, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  fifo: 'p',
  socket: 's',
  chardev: 'c',
  blockdev: 'b',
};

/** `-rwxr-sr-t`, as `ls -l` writes it. */
export function formatMode(kind: EntryKind, mode: number): string {
  const triplets = [
    triplet(mode >> 6, (mode & 0o4000) !== 0, 's'),
    triplet(mode >> 3, (mode & 0o2000) !== 0, 's'),
    triplet(mode, (mode & 0o1000) !== 0, 't'),
  ];
  return KIND_LETTERS[kind] + triplets.join('');
}

function triplet(bits: number, special: boolean, letter: string): string {
  const executable = (bits & 1) !== 0;
  const last = special ? (executable ? letter : letter.toUpperCase()) : executable ? 'x' : '-';
  return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

const MIN_LABEL_WIDTH = 10;

/** Lines of labels and their values; a label without values is left out. */
export function labelled(lines: readonly (readonly [label: string, values: readonly string[]])[]): string[] {
  const width = Math.max(MIN_LABEL_WIDTH, ...lines.map(([label]) => label.length + 2));
  return lines.flatMap(([label, values]) =>
    values.map((value, index) => ((index === 0 ? label : '').padEnd(width) + value).trimEnd()),
  );
}
