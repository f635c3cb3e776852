/** Directories as bars: what is only there, what is elsewhere as well, and what is repeated inside. */
import type { DuRow } from '../archive/api.js';
import { formatBytes, plural } from './format.js';
import { displayWidth } from './table.js';
import { visibleName } from './visible-name.js';

const UNIQUE = '█';
const SHARED = '▒';
const REPEATED = '░';
const LEGEND = `${UNIQUE} only here  ${SHARED} elsewhere as well  ${REPEATED} repeated here: could be freed`;
const BYTES_COLUMN = 9;
const LEAST_BAR = 10;
const MOST_BAR = 40;
/** Of one directory; the others are counted. */
const MOST_CHILDREN = 12;

/** Whether what is listed is looked at by a person. */
export function showsBars(
  sink: { readonly isTTY?: boolean },
  flags: { readonly json: boolean; readonly null?: boolean | undefined },
): boolean {
  return sink.isTTY === true && !flags.json && flags.null !== true;
}

/** @param rows as `du` gives them: what is inside before what holds it, the whole last */
export async function* barLines(rows: AsyncIterable<DuRow>, columns: number): AsyncGenerator<string> {
  const all: DuRow[] = [];
  for await (const row of rows) all.push(row);
  const whole = all.pop();
  if (whole === undefined) return;
  const width = Math.max(LEAST_BAR, Math.min(MOST_BAR, Math.floor(columns / 2) - BYTES_COLUMN));
  const scale = { width, whole: whole.bytes };
  yield line(whole, scale, 0);
  yield* childLines(childrenOf(all), whole.path, { ...scale, level: 1 });
  yield LEGEND;
}

interface Scale {
  readonly width: number;
  /** Bytes of a full bar. */
  readonly whole: number;
}

function* childLines(
  children: ReadonlyMap<string, DuRow[]>,
  path: string,
  scale: Scale & { level: number },
): Generator<string> {
  const { level } = scale;
  const sorted = (children.get(path) ?? []).toSorted((a, b) => b.bytes - a.bytes);
  for (const row of sorted.slice(0, MOST_CHILDREN)) {
    yield line(row, scale, level);
    yield* childLines(children, row.path, { ...scale, level: level + 1 });
  }
  const rest = sorted.slice(MOST_CHILDREN);
  if (rest.length === 0) return;
  const bytes = rest.reduce((sum, row) => sum + row.bytes, 0);
  const words = `and ${plural(rest.length, 'more directory', 'more directories')}`;
  yield `${cell(bytes)}  ${' '.repeat(scale.width)}  ${'  '.repeat(level)}${words}`;
}

function childrenOf(rows: readonly DuRow[]): Map<string, DuRow[]> {
  const children = new Map<string, DuRow[]>();
  for (const row of rows) {
    const above = row.path.slice(0, Math.max(0, row.path.lastIndexOf('/')));
    const siblings = children.get(above);
    if (siblings) siblings.push(row);
    else children.set(above, [row]);
  }
  return children;
}

function line(row: DuRow, { width, whole }: Scale, level: number): string {
  const bar = barOf(row, { width, whole });
  const name = row.path === '' ? '/' : visibleName(level === 0 ? row.path : row.path.split('/').at(-1)!);
  return `${cell(row.bytes)}  ${bar}${' '.repeat(width - displayWidth(bar))}  ${'  '.repeat(level)}${name}`;
}

/** Each boundary is rounded by itself, so that the bar is never longer than its bytes. */
export function barOf({ bytes, uniqueBytes, sharedBytes }: DuRow, { width, whole }: Scale): string {
  const at = (sum: number): number => (whole === 0 ? 0 : Math.round((sum / whole) * width));
  const shared = at(uniqueBytes + sharedBytes);
  return (
    UNIQUE.repeat(at(uniqueBytes)) +
    SHARED.repeat(shared - at(uniqueBytes)) +
    REPEATED.repeat(at(bytes) - shared)
  );
}

function cell(bytes: number): string {
  return formatBytes(bytes).padStart(BYTES_COLUMN);
}
