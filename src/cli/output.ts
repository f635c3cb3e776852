import { fstatSync, write, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { closingAfter, errnoOf, HkfsError } from '../errors.js';

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
    sink.write(chunk, (error) => (error ? reject(outputError(error)) : resolve()));
  });
}

/**
 * Writes strings in chunks, each waited for. The last ones are written also when the source fails, whose
 * failure is then the one that counts.
 */
export async function writeAll(sink: TextSink, texts: AsyncIterable<string>): Promise<number> {
  let pending = '';
  let count = 0;
  const flush = async (): Promise<void> => {
    const full = pending;
    pending = '';
    if (full !== '') await writeChunk(sink, full);
  };
  await closingAfter(async () => {
    for await (const text of texts) {
      pending += text;
      count++;
      if (pending.length >= CHUNK) await flush();
    }
  }, flush);
  return count;
}

/** Writes bytes as they come. */
export async function writeBytes(sink: TextSink, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) await writeChunk(sink, chunk);
}

/**
 * Takes bytes for standard output. A file or a device gets them by one of Node's threads: process.stdout would
 * write to it right here, with everything else waiting.
 */
export function bytesOut(): (bytes: Uint8Array) => Promise<void> {
  return isStream() ? (bytes) => writeChunk(process.stdout, bytes) : writeToFile;
}

/** Those may block for good, where a thread of Node's could not be stopped. */
function isStream(): boolean {
  const stat = fstatSync(STDOUT);
  return stat.isFIFO() || stat.isSocket() || isatty(STDOUT);
}

async function writeToFile(bytes: Uint8Array): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;)
      done += (await writeFile(STDOUT, bytes, done, bytes.length - done, null)).bytesWritten;
  } catch (error) {
    throw outputError(error);
  }
}

/**
 * To a file or a device, process.stdout writes once and takes no notice of a short write: on a disk that
 * fills up the end would be missing without a word. And its errors are those of who writes to it: oclif,
 * once it is loaded, throws all but EPIPE to nobody.
 *
 * @param onError of writes that nobody waits for
 */
export function guardOutput(onError: (error: unknown) => void = () => {}): void {
  const { stdout } = process;
  if (!isStream()) stdout._write = writeWhole;
  stdout.removeAllListeners('error');
  stdout.on('error', (error) => onError(outputError(error)));
}

function writeWhole(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
  try {
    for (let from = 0; from < chunk.length;) from += writeSync(STDOUT, chunk, from);
  } catch (error) {
    return done(error as Error);
  }
  return done();
}

/** The reader of standard output went away: `hkfs log | head`. Any other broken pipe is somebody else's. */
export class BrokenPipe extends Error {
  readonly code = 'EPIPE';
}

function outputError(error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  if (errno === 'EPIPE') return new BrokenPipe('the reader of the output went away', { cause: error });
  const hint = 'what the command itself has done is done; name another place for what it says';
  if (errno === 'ENOSPC' || errno === 'EDQUOT')
    return new HkfsError('NO_SPACE', 'the output: no space left', { hint, cause: error });
  return new HkfsError('OUTPUT_FAILED', `the output cannot be written: ${errno}`, { hint, cause: error });
}

export function isBrokenPipe(error: unknown): error is BrokenPipe {
  return error instanceof BrokenPipe;
}
