import { fstatSync, write } from 'node:fs';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';

const STDOUT = 1;
const writeFile = promisify(write);

/** What the output side needs of a stream; process.stdout is one. */
export interface TextSink {
  write(chunk: string | Uint8Array, done: (error?: Error | null) => void): boolean;
}

/** Small writes are gathered to this many characters: one system call for about 500 rows. */
const CHUNK = 64 * 1024;

/** Writes and waits until the stream took it: the back-pressure of a slow reader reaches the query. */
export function writeChunk(sink: TextSink, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/** Writes strings in chunks, each waited for. The last ones are written also when the source fails. */
export async function writeAll(sink: TextSink, texts: AsyncIterable<string>): Promise<number> {
  let pending = '';
  let count = 0;
  try {
    for await (const text of texts) {
      pending += text;
      count++;
      if (pending.length < CHUNK) continue;
      const full = pending;
      pending = '';
      await writeChunk(sink, full);
    }
  } finally {
    if (pending !== '') await writeChunk(sink, pending);
  }
  return count;
}

/** Writes bytes as they come. */
export async function writeBytes(sink: TextSink, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) await writeChunk(sink, chunk);
}

/**
 * Takes bytes for standard output. A file or a device gets them by one of Node's threads: process.stdout would
 * write to it right here, with everything else waiting, take no notice of a short write, and crash on a full disk.
 */
export function bytesOut(): (bytes: Uint8Array) => Promise<void> {
  const stat = fstatSync(STDOUT);
  // Those may block for good, where a thread of Node's could not be stopped.
  const isStream = stat.isFIFO() || stat.isSocket() || isatty(STDOUT);
  return isStream ? (bytes) => writeChunk(process.stdout, bytes) : writeToFile;
}

async function writeToFile(bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await writeFile(STDOUT, bytes, done, bytes.length - done, null)).bytesWritten;
}

/** True when the reader of a pipe went away: `hkfs log | head`. */
export function isBrokenPipe(error: unknown): boolean {
  return typeof error === 'object' && error !== null && (error as { code?: unknown }).code === 'EPIPE';
}
