/** Lines as they come in pieces, within a bound. */
import type { Socket } from 'node:net';

const NEWLINE = 10;

/** The pieces of one line, until it is whole. */
export class LineBuffer {
  private pieces: Buffer[] = [];
  /** Bytes of the line that is not whole yet. */
  size = 0;

  /** @returns the line without its end, and what came behind it; null where it goes on */
  take(chunk: Buffer): { line: Buffer; rest: Buffer } | null {
    const end = chunk.indexOf(NEWLINE);
    const piece = end < 0 ? chunk : chunk.subarray(0, end);
    this.pieces.push(piece);
    this.size += piece.length;
    if (end < 0) return null;
    const line = this.pieces.length === 1 ? piece : Buffer.concat(this.pieces);
    this.clear();
    return { line, rest: chunk.subarray(end + 1) };
  }

  clear(): void {
    this.pieces = [];
    this.size = 0;
  }
}

/** Whole lines only: what the other side did not end is no line. @throws what `tooLong` makes, and the socket's errors */
export async function* linesOf(
  socket: Socket,
  { max, tooLong }: { max: number; tooLong: () => Error },
): AsyncGenerator<string> {
  const buffer = new LineBuffer();
  for await (const chunk of socket) {
    let taken = buffer.take(chunk as Buffer);
    for (; taken !== null; taken = buffer.take(taken.rest)) yield taken.line.toString('utf8');
    if (buffer.size > max) throw tooLong();
  }
}
