import type { Compression } from './recognise.js';

/** The compressed stream is damaged, or ends too early. */
export class DecompressionError extends Error {
  readonly compression: Compression;

  constructor(compression: Compression, reason: string) {
    super(`${compression}: ${reason}`);
    this.name = 'DecompressionError';
    this.compression = compression;
  }
}

/** All was unpacked; what follows it is nothing of that format, and too little or too strange to be lost data. */
export class TrailingJunkError extends DecompressionError {
  constructor(compression: Compression, bytes: number) {
    const what = bytes === 1 ? '1 byte' : `${bytes} bytes`;
    super(compression, `${what} after the end of the compressed data`);
    this.name = 'TrailingJunkError';
  }
}
