/**
 * Compressed bytes to bytes: gzip by Node, the others by their programs, beside this one; zstd by Node where
 * that has it and the program is missing. What was unpacked before an error is given first, because it may
 * hold whole members.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { Compression } from './recognise.js';

export type Bytes = AsyncIterable<Buffer>;

/** The compressed stream is damaged, or ends too early. */
export class DecompressionError extends Error {
  readonly compression: Compression;

  constructor(compression: Compression, reason: string) {
    super(`${compression}: ${reason}`);
    this.name = 'DecompressionError';
    this.compression = compression;
  }
}

/** The program that unpacks is not installed. */
export class MissingProgramError extends Error {
  readonly program: string;

  constructor(program: string) {
    super(`the program ${program} is not installed`);
    this.name = 'MissingProgramError';
    this.program = program;
  }
}

/** Debian's names. */
const PACKAGES: Readonly<Record<string, string>> = { zstd: 'zstd', xz: 'xz-utils', bzip2: 'bzip2' };
/** A piece unpacks to a thousand times its size at most: so 16 MiB are held at once. */
const PIECE = 16 << 10;
const OUTPUT = 256 << 10;
const MAX_COMPLAINT = 400;

/** @throws MissingProgramError, DecompressionError, and errors of the source as they are */
export function decompress(source: Bytes, compression: Compression): Bytes {
  if (compression !== 'gzip') return throughProgram(source, compression);
  return inflated(source, compression, zlib.createGunzip({ chunkSize: OUTPUT }));
}

export function packageOf(program: string): string {
  return PACKAGES[program] ?? program;
}

/** From Node 22.15 on. */
function nodeZstd(): Transform | null {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  return typeof create === 'function' ? (create({ chunkSize: OUTPUT }) as Transform) : null;
}

async function* inflated(source: Bytes, compression: Compression, stream: Transform): AsyncGenerator<Buffer> {
  const inflater = new Inflater(stream);
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length && !inflater.isOver; at += PIECE) {
        await inflater.write(chunk.subarray(at, at + PIECE));
        yield* inflater.take();
      }
      if (inflater.isOver) break;
    }
    await inflater.end();
    yield* inflater.take();
  } finally {
    inflater.close();
  }
  if (inflater.failure !== undefined) throw new DecompressionError(compression, inflater.failure.message);
}

/** One piece in, all that it unpacks to out. */
class Inflater {
  private readonly stream: Transform;
  private ready: Buffer[] = [];
  private wake = (): void => {};
  failure: Error | undefined;
  /** It failed, or has all that it wants. */
  isOver = false;

  constructor(stream: Transform) {
    this.stream = stream;
    const over = (): void => {
      this.isOver = true;
      this.wake();
    };
    this.stream.on('data', (bytes: Buffer) => this.ready.push(bytes));
    this.stream.on('error', (error) => {
      this.failure ??= error;
      over();
    });
    // A stream that ended or failed does not always call back.
    this.stream.on('end', over);
    this.stream.on('close', over);
  }

  write(piece: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      this.stream.write(piece, () => resolve());
    });
  }

  /** The source has no more. */
  end(): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = resolve;
      this.stream.end();
    });
  }

  take(): Buffer[] {
    return this.ready.splice(0);
  }

  close(): void {
    this.stream.destroy();
  }
}

async function* throughProgram(source: Bytes, program: Exclude<Compression, 'gzip'>): AsyncGenerator<Buffer> {
  const child = spawn(program, ['-dc'], { env: { PATH: process.env.PATH, LC_ALL: 'C' } });
  let complaint = '';
  child.stderr.on('data', (bytes: Buffer) => {
    if (complaint.length < MAX_COMPLAINT) complaint += bytes.toString('latin1');
  });
  try {
    await started(child, program);
  } catch (error) {
    const own = program === 'zstd' && error instanceof MissingProgramError ? nodeZstd() : null;
    if (own === null) throw error;
    yield* inflated(source, program, own);
    return;
  }
  const ending = endingOf(child);
  let isOver = false;
  const feeding = feed(source, child, () => isOver);
  feeding.catch(() => child.kill()); // awaited below
  try {
    for await (const bytes of child.stdout) yield bytes as Buffer;
    const code = await ending;
    isOver = true;
    // An error of the source is the cause of what the program then lacks.
    await feeding;
    if (code !== 0)
      throw new DecompressionError(program, complaint.trim().slice(0, MAX_COMPLAINT) || String(code));
  } finally {
    isOver = true;
    child.kill();
  }
}

function started(child: ChildProcessWithoutNullStreams, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new MissingProgramError(program) : error),
    );
  });
}

function endingOf(child: ChildProcessWithoutNullStreams): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? `ended by ${signal}`));
  });
}

/** A program that ends early takes no more: its exit code says why. */
async function feed(
  source: Bytes,
  child: ChildProcessWithoutNullStreams,
  isOver: () => boolean,
): Promise<void> {
  const { stdin } = child;
  stdin.on('error', () => {});
  for await (const chunk of source) {
    if (isOver() || stdin.destroyed || child.exitCode !== null) return;
    if (!stdin.write(chunk)) await drained(child);
  }
  stdin.end();
}

function drained(child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      child.stdin.off('drain', go);
      child.stdin.off('close', go);
      child.off('close', go);
      resolve();
    };
    child.stdin.on('drain', go);
    child.stdin.on('close', go);
    child.on('close', go);
  });
}
