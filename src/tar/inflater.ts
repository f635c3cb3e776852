/** Unpacks by a stream of zlib, a bounded piece at a time. */
import type { Transform } from 'node:stream';
import type { Zlib } from 'node:zlib';

/** A piece unpacks to a thousand times its size at most: so 16 MiB are held at once. */
export const PIECE = 16 << 10;
export const OUTPUT = 256 << 10;

export type Unpacking = Transform & Zlib;

/** One piece in, all that it unpacks to out. */
export class Inflater {
  private readonly stream: Unpacking;
  private ready: Buffer[] = [];
  private wake = (): void => {};
  failure: Error | undefined;
  /** It failed, or has all that it wants. */
  isOver = false;

  /** @param stream gives pieces of `OUTPUT` bytes */
  constructor(stream: Unpacking) {
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

  /** @returns how many bytes of the piece are its own */
  async write(piece: Buffer): Promise<number> {
    const before = this.stream.bytesWritten;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      this.stream.write(piece, () => resolve());
    });
    return this.stream.bytesWritten - before;
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
