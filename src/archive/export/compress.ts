/** Compression on the way to a file: what Node has, else a program of the system. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Transform, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import * as zlib from 'node:zlib';
import { HkfsError } from '../../errors.js';
import { childEnvironment } from '../../fs/child-environment.js';
import type { Output } from './output.js';

export type Compression = 'gzip' | 'zstd' | 'xz' | 'bzip2';

const ENDINGS: readonly (readonly [RegExp, Compression])[] = [
  [/\.(gz|tgz)$/i, 'gzip'],
  [/\.(zst|tzst)$/i, 'zstd'],
  [/\.(xz|txz)$/i, 'xz'],
  [/\.(bz2|tbz2?)$/i, 'bzip2'],
];
/** One thread of xz, because its output depends on whether there are more. */
const ARGUMENTS = { zstd: ['-q', '-c', '-T0'], xz: ['-c', '-T1'], bzip2: ['-c'] } as const;
/** ZSTD_c_checksumFlag: the program writes a checksum as well. */
const ZSTD_CHECKSUM = { params: { 201: 1 } };

export function compressionOf(path: string): Compression | null {
  return ENDINGS.find(([ending]) => ending.test(path))?.[1] ?? null;
}

/** Bytes in, bytes out. */
export interface Compressor {
  readonly input: Writable;
  readonly output: Readable;
  /** Settles once all is over; rejects where it ended badly. */
  readonly ended: Promise<void>;
  kill(): void;
}

/** @throws HkfsError PROGRAM_MISSING, before any byte */
export function startCompressor(compression: Compression): Promise<Compressor> {
  if (compression === 'gzip') return Promise.resolve(inProcess(zlib.createGzip()));
  const zstd = compression === 'zstd' ? nodeZstd() : null;
  return zstd ? Promise.resolve(inProcess(zstd)) : startProgram(compression);
}

/** From Node 22.15 on. */
function nodeZstd(): Transform | null {
  const create: unknown = Reflect.get(zlib, 'createZstdCompress');
  return typeof create === 'function' ? (create(ZSTD_CHECKSUM) as Transform) : null;
}

function inProcess(stream: Transform): Compressor {
  stream.on('error', () => {}); // told by who reads from it
  return { input: stream, output: stream, ended: Promise.resolve(), kill: () => void stream.destroy() };
}

/** In a process group of its own, so that a Ctrl-C reaches hkfs, and hkfs ends it. */
async function startProgram(program: keyof typeof ARGUMENTS): Promise<Compressor> {
  const child = spawn(program, ARGUMENTS[program], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: childEnvironment(),
  });
  const ended = endOf(child, program);
  ended.catch(() => {}); // awaited at the end
  child.stdin.on('error', () => {}); // told by how it ended
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new HkfsError('PROGRAM_MISSING', `there is no ${program} to compress with`, {
      hint: `install ${program}, or choose another ending (.gz needs no program)`,
      cause,
    });
  }
  return { input: child.stdin, output: child.stdout, ended, kill: () => void child.kill('SIGKILL') };
}

async function endOf(child: ChildProcess, program: string): Promise<void> {
  const complaint = child.stderr ? text(child.stderr) : '';
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code === 0) return;
  throw new HkfsError('IO_ERROR', `${program} ended with ${code ?? signal}: ${(await complaint).trim()}`, {
    hint: `run the command again; without ${program}, choose another ending`,
  });
}

/** What is written comes out compressed at `inner`. */
export class CompressedOutput implements Output {
  private readonly compressor: Compressor;
  private readonly inner: Output;
  /** Rejects as soon as nothing more can come through. */
  private readonly pumped: Promise<void>;

  constructor(compressor: Compressor, inner: Output) {
    this.compressor = compressor;
    this.inner = inner;
    this.pumped = this.pump();
    this.pumped.catch(() => {}); // awaited by each write and at the end
  }

  async write(bytes: Uint8Array): Promise<void> {
    const written = new Promise<void>((done, fail) => {
      this.compressor.input.write(bytes, (error) => (error ? fail(error) : done()));
    }).catch(async (error: unknown) => {
      await this.pumped; // which knows why
      throw error;
    });
    await Promise.race([written, this.pumped.then(() => written)]);
  }

  async finish(): Promise<void> {
    this.compressor.input.end();
    await this.pumped;
    await this.inner.finish();
  }

  async abort(): Promise<void> {
    this.compressor.kill();
    await this.pumped.catch(() => {});
    await this.inner.abort(null);
  }

  private async pump(): Promise<void> {
    for await (const bytes of this.compressor.output) await this.inner.write(bytes as Uint8Array);
    await this.compressor.ended;
  }
}
