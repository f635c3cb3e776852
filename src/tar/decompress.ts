/**
 * Compressed bytes to bytes: gzip by Node, the others by their programs, beside this one; zstd by Node where
 * that has it and the program is missing. What was unpacked before an error is given first, because it may
 * hold whole members.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { DecompressionError } from './decompression-error.js';
import { gunzip } from './gunzip.js';
import { childEnvironment } from '../fs/child-environment.js';
import type { Compression } from './recognise.js';
import { inflated, nodeZstd } from './zstd-by-node.js';

export type Bytes = AsyncIterable<Buffer>;

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
const MAX_COMPLAINT = 400;

/** @throws MissingProgramError, DecompressionError, and errors of the source as they are */
export function decompress(source: Bytes, compression: Compression): Bytes {
  return compression === 'gzip' ? gunzip(source) : throughProgram(source, compression);
}

export function packageOf(program: string): string {
  return PACKAGES[program] ?? program;
}

async function* throughProgram(source: Bytes, program: Exclude<Compression, 'gzip'>): AsyncGenerator<Buffer> {
  const child = spawn(program, ['-dc'], { env: childEnvironment() });
  let complaint = '';
  child.stderr.on('data', (bytes: Buffer) => {
    if (complaint.length < MAX_COMPLAINT) complaint += bytes.toString('latin1');
  });
  try {
    await started(child, program);
  } catch (error) {
    const own = program === 'zstd' && error instanceof MissingProgramError ? nodeZstd() : null;
    if (own === null) throw error;
    yield* inflated(source, own);
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
