/** A whole tar through the parser: its members with their contents, and what was wrong. */
import { TarParser, type TarParserOptions } from '../../src/tar/tar-parser.js';
import type { TarEvent, TarMember, TarProblem } from '../../src/tar/tar-member.js';

export interface ReadMember extends TarMember {
  readonly content: Buffer;
  readonly isWhole: boolean;
}

export interface ReadTar {
  readonly members: ReadMember[];
  readonly problems: TarProblem[];
}

/** @param cuts where the bytes are cut into chunks */
export function readTar(
  bytes: Buffer,
  options: TarParserOptions = {},
  cuts: readonly number[] = [],
): ReadTar {
  const parser = new TarParser(options);
  const reader = new Reader();
  const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < bounds.length; i += 1)
    // A copy, so that whatever the parser kept of it by mistake is noticed.
    reader.takeFrom(parser, Buffer.from(bytes.subarray(bounds[i - 1], bounds[i])));
  reader.take(parser.end());
  return reader;
}

class Reader implements ReadTar {
  readonly members: ReadMember[] = [];
  readonly problems: TarProblem[] = [];
  private open: { member: TarMember; content: Buffer } | null = null;

  takeFrom(parser: TarParser, chunk: Buffer): void {
    this.take(parser.push(chunk));
    chunk.fill(0xee);
  }

  take(events: readonly TarEvent[]): void {
    for (const event of events) {
      if (event.type === 'problem') this.problems.push(event.problem);
      else if (event.type === 'member')
        this.open = { member: event.member, content: Buffer.alloc(Math.min(event.member.size, 1 << 24)) };
      else if (event.type === 'data') event.bytes.copy(this.open!.content, event.offset);
      else {
        this.members.push({
          ...this.open!.member,
          content: this.open!.content,
          isWhole: event.type === 'end',
        });
        this.open = null;
      }
    }
  }
}

export function namesOf({ members }: ReadTar): string[] {
  return members.map(({ name }) => Buffer.from(name).toString());
}
