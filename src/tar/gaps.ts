/**
 * What stands where a header could be and is none: blocks of zeros, which may be the end of the tar or what
 * a bad disk left of members, and other bytes. Whatever may have been a member is told.
 */
import { BLOCK } from './header.js';
import type { TarProblem } from './tar-member.js';

/** Zeros after the last member fill a record of this size, of whatever program; others write just two blocks. */
const RECORD = 20 * BLOCK;
/** What a disk or a file system loses at once. */
const PAGE = 4096;
const MARKER = 2;

export class Gaps {
  private readonly ignoreZeros: boolean;
  private zeros = 0;
  private zerosAt = 0;
  /** Where bytes that are no header began. */
  private lostAt: number | null = null;
  private lostName: Uint8Array | null = null;
  /** Blocks of zeros behind those. */
  private zerosAfter = 0;
  /** Where the tar began of which the members are: several may follow each other. */
  private tarAt = 0;
  /** So many blocks of zeros are what a member may have had as its content. */
  private excused = 0;

  constructor(ignoreZeros: boolean) {
    this.ignoreZeros = ignoreZeros;
  }

  /** What was read last is an end marker, as far as it goes. */
  get isEnd(): boolean {
    return this.zeros >= MARKER && !this.ignoreZeros && this.lostAt === null;
  }

  zeroBlock(at: number): void {
    if (this.lostAt !== null) {
      this.zerosAfter += 1;
      return;
    }
    if (this.zeros === 0) this.zerosAt = at;
    this.zeros += 1;
  }

  /** They may be a content of zeros alone, or nothing at all. */
  perhapsContent(blocks: number): void {
    this.excused = blocks;
  }

  get isLost(): boolean {
    return this.lostAt !== null;
  }

  /** @param name what the first of them may have spoken of */
  otherBlock(at: number, name: Uint8Array | null): void {
    if (this.lostAt === null) this.lostName = name;
    this.lostAt ??= at;
    this.zerosAfter = 0;
  }

  /** A valid header follows. @returns what is to be said; after `more` it is none of this tar */
  header(at: number): TarProblem | null {
    if (this.zeros === 0 && this.lostAt === null) return null;
    const told = this.judged(at);
    if (told?.kind !== 'damaged') this.tarAt = at;
    this.zeros = 0;
    this.excused = 0;
    this.lostAt = null;
    return told;
  }

  /** The bytes end here. Null where nothing is missing; undefined where there was not even a block of zeros. */
  end(at: number): TarProblem | null | undefined {
    const { lostAt, zeros } = this;
    if (lostAt === null && zeros === 0) return undefined;
    if (lostAt === null) return null;
    // An end marker behind it shows that these bytes were members; alone they are what somebody appended.
    const isAppended = zeros >= MARKER && this.isMarker(lostAt) && this.zerosAfter < MARKER;
    if (this.ignoreZeros || !isAppended) return this.damaged(at);
    return { kind: 'odd', at: lostAt, text: 'bytes after the end of the tar mean nothing' };
  }

  private judged(at: number): TarProblem | null {
    const until = this.lostAt ?? at;
    if (this.lostAt === null && this.zeros === this.excused) return null;
    const isMarker = this.zeros >= MARKER && this.isMarker(until);
    if (this.ignoreZeros) return this.judgedIgnoring(at, isMarker);
    // Zeros up to the end of a page, and then no header: so ends a page that was lost.
    const isPage = this.lostAt !== null && until % PAGE === 0;
    if (!isMarker || isPage) return this.damaged(at);
    const text = 'more members follow the end of the tar; --ignore-zeros reads them';
    return { kind: 'more', at: until, text };
  }

  private judgedIgnoring(at: number, isMarker: boolean): TarProblem | null {
    if (this.lostAt !== null) return this.damaged(at);
    if (isMarker) return null;
    const text = `${this.zeros} blocks of zeros, which are no end of a tar; members there may be missing`;
    return { kind: 'odd', at: this.zerosAt, text };
  }

  /** Zeros up to there are what programs write at the end. */
  private isMarker(until: number): boolean {
    return this.zeros === MARKER || (until - this.tarAt) % RECORD === 0;
  }

  private damaged(until: number): TarProblem {
    const at = this.zeros > 0 && !this.ignoreZeros ? this.zerosAt : this.lostAt!;
    const what = at === this.lostAt ? 'no valid header' : 'zeros and no valid header';
    const text = `${what} from byte ${at} on; what is up to byte ${until} may be missing`;
    const name = this.zeros === 0 ? this.lostName : null;
    return { kind: 'damaged', at, text, ...(name === null ? {} : { name }) };
  }
}
