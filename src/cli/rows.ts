import { nameToBytes } from '../fs/names.js';
import { visibleJson } from './visible-name.js';
import { type TextSink, writeAll, writeChunk } from './output.js';

/**
 * One row of NDJSON. Bytes of names that are not UTF-8 stand as `\udcXX`, which JSON.stringify escapes
 * by itself; it refuses a BigInt, so that none loses digits unnoticed.
 */
export function jsonRow(row: unknown): string {
  return `${visibleJson(JSON.stringify(row))}\n`;
}

/** Writes each row as one line of JSON; gives their count. */
export function writeJsonRows(sink: TextSink, rows: AsyncIterable<unknown>): Promise<number> {
  return writeAll(sink, mapped(rows, jsonRow));
}

/** Writes each path as raw bytes, ended by NUL; gives their count. */
export async function writeNullPaths(
  sink: TextSink,
  rows: AsyncIterable<{ readonly path: string }>,
): Promise<number> {
  let count = 0;
  for await (const { path } of rows) {
    await writeChunk(sink, Buffer.concat([nameToBytes(path), NUL]));
    count++;
  }
  return count;
}

const NUL = Buffer.from([0]);

/** `transform` applied to each row as it passes. */
export async function* mapped<T, R>(rows: AsyncIterable<T>, transform: (row: T) => R): AsyncIterable<R> {
  for await (const row of rows) yield transform(row);
}
