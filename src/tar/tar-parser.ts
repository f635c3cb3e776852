/**
 * A tar from its bytes, in whatever pieces they come: members, their contents and what is wrong, in
 * order and in bounded memory. Damage never throws: what is whole is given, what is not is told.
 */
import { Beginning, BodyPrints } from './body-prints.js';
import { Extensions, isWholeName, untilNul } from './extensions.js';
import { Gaps } from './gaps.js';
import { Globals } from './globals.js';
import {
  BLOCK,
  isZeroBlock,
  padded,
  parseDamaged,
  parseHeader,
  parseOldSparse,
  parseSparseBlock,
  type TarHeader,
} from './header.js';
import { isExtension, isKnownFile, kindOf, LABEL, PASSED } from './member-kinds.js';
import { parsePax } from './pax.js';
import type { State } from './parser-state.js';
import { isSoundMap, MapReader, MAX_EXTENTS, Pieces } from './sparse.js';
import type { TarEvent, TarKind, TarProblem } from './tar-member.js';

/** Extended headers are kept in memory: larger ones are refused. */
const MAX_EXTENSION = 16 << 20;

export interface TarParserOptions {
  /** Blocks of zeros are no end: what follows them is read as well. */
  readonly ignoreZeros?: boolean;
}

export class TarParser {
  private readonly globals = new Globals();
  private readonly gaps: Gaps;
  private readonly prints = new BodyPrints();
  private extensions = new Extensions(this.globals);
  private state: State = { is: 'header' };
  /** A block that began in an earlier chunk. */
  private readonly partial = Buffer.alloc(BLOCK);
  private partialBytes = 0;
  private position = 0;
  private headerAt = 0;
  private current: { name: Uint8Array; size: number } | null = null;
  private events: TarEvent[] = [];

  constructor({ ignoreZeros = false }: TarParserOptions = {}) {
    this.gaps = new Gaps(ignoreZeros);
  }

  /** The end was reached: what follows has no meaning any more. */
  get hasEnded(): boolean {
    return this.state.is === 'after' || (this.state.is === 'header' && this.gaps.isEnd);
  }

  push(chunk: Buffer): TarEvent[] {
    this.events = [];
    for (let at = 0; at < chunk.length;) {
      const taken = this.take(chunk, at);
      at += taken;
      this.position += taken;
    }
    return this.events;
  }

  /** The tar has no more bytes. */
  end(): TarEvent[] {
    this.events = [];
    const { state } = this;
    if (state.is === 'content') this.truncatedContent(state.left);
    else if (state.is === 'extension' || state.is === 'sparse' || state.is === 'map')
      this.problem(
        'truncated',
        this.position,
        'the tar ends inside an extended header; members after it are missing',
      );
    else if (state.is !== 'after') this.ended(state);
    return this.events;
  }

  private take(chunk: Buffer, at: number): number {
    const { state } = this;
    if (state.is === 'content') return this.takeContent(state, chunk, at);
    if (state.is === 'skip') {
      const taken = Math.min(state.left, chunk.length - at);
      state.left -= taken;
      if (state.left === 0) this.state = { is: 'header' };
      return taken;
    }
    if (state.is === 'extension') return this.takeExtension(state, chunk, at);
    return this.takeBlock(chunk, at);
  }

  private takeBlock(chunk: Buffer, at: number): number {
    if (this.partialBytes === 0 && chunk.length - at >= BLOCK) {
      this.block(chunk.subarray(at, at + BLOCK), this.position);
      return BLOCK;
    }
    const taken = Math.min(BLOCK - this.partialBytes, chunk.length - at);
    chunk.copy(this.partial, this.partialBytes, at, at + taken);
    this.partialBytes += taken;
    if (this.partialBytes < BLOCK) return taken;
    this.partialBytes = 0;
    this.block(this.partial, this.position + taken - BLOCK);
    return taken;
  }

  private block(block: Buffer, start: number): void {
    const { state } = this;
    if (state.is === 'after') return;
    if (state.is === 'sparse') return this.sparseBlock(state, block);
    if (state.is === 'map') return this.mapBlock(state, block);
    const isZero = isZeroBlock(block);
    if (state.is === 'body' && this.bodyBlock(state, { block, isZero })) return;
    const header = isZero ? null : parseHeader(block);
    if (state.is === 'slash' && this.slashBlock(state.header, block, isZero || header !== null)) return;
    if (isZero) return this.zeroBlock(start);
    if (header === null) return this.lostBlock(block, start);
    this.headerAt = start;
    if (this.closeGap(start)) this.header(header, block);
  }

  private lostBlock(block: Buffer, start: number): void {
    const damaged = this.gaps.isLost ? null : parseDamaged(block);
    this.gaps.otherBlock(start, damaged && this.extensions.name(damaged));
  }

  private zeroBlock(start: number): void {
    this.gaps.zeroBlock(start);
    this.dangling();
  }

  /** What stood before a header is told. @returns whether the header is one of this tar */
  private closeGap(start: number): boolean {
    const told = this.gaps.header(start);
    if (told === null) return true;
    this.events.push({ type: 'problem', problem: told });
    if (told.kind === 'damaged') this.extensions = new Extensions(this.globals);
    if (told.kind === 'more') this.state = { is: 'after' };
    return told.kind !== 'more';
  }

  /** Headers that speak of a member which is not there. */
  private dangling(): void {
    const { at } = this.extensions;
    if (at === null) return;
    this.extensions = new Extensions(this.globals);
    this.problem('damaged', at, 'an extended header whose member is missing');
  }

  /** @returns whether the block is of the link's body; else it is whatever stands there */
  private bodyBlock(
    state: Extract<State, { is: 'body' }>,
    { block, isZero }: { block: Buffer; isZero: boolean },
  ): boolean {
    const { member, size } = state;
    const left = padded(size) - state.zeros * BLOCK;
    if (isZero && left > BLOCK) {
      state.zeros += 1;
      return true;
    }
    if (isZero) {
      const blocks = state.zeros + 1;
      if (this.prints.has(member.target, blocks, null)) {
        this.prints.add(member.name, blocks, null);
        this.gaps.perhapsContent(blocks);
      }
      this.withoutBody(state);
      return false;
    }
    const own = Math.min(BLOCK, size - state.zeros * BLOCK);
    const first = own === BLOCK ? block : Buffer.concat([block.subarray(0, own), Buffer.alloc(BLOCK - own)]);
    if (!this.prints.has(member.target, state.zeros, first)) {
      this.withoutBody(state);
      return false;
    }
    this.prints.add(member.name, state.zeros, first);
    this.skip(left - BLOCK);
    return true;
  }

  /** @returns whether the block is of the content */
  private slashBlock(header: TarHeader, block: Buffer, isOther: boolean): boolean {
    if (isOther || parseDamaged(block) !== null) {
      this.withoutContent(header, 'directory');
      return false;
    }
    this.content(header, { size: header.size, extents: null });
    if (this.state.is !== 'content') return false;
    // A copy: the block may be one that came in pieces, and is used again.
    const taken = this.takeContent(this.state, Buffer.from(block), 0);
    if (this.state.is !== 'content') this.skip(0);
    return taken > 0;
  }

  private withoutBody({ zeros, at }: Extract<State, { is: 'body' }>): void {
    this.state = { is: 'header' };
    for (let zero = 0; zero < zeros; zero += 1) this.zeroBlock(at + zero * BLOCK);
  }

  private header(header: TarHeader, block: Buffer): void {
    const { type, size } = header;
    if (isExtension(type)) return this.extension(header);
    if (type === 'M') return this.refuse(header, 'it is the rest of a member that another volume begins');
    if (type === 'N') return this.refuse(header, 'a list of long names of an obsolete GNU tar');
    const passed = PASSED[type];
    if (passed !== undefined) this.extensions.pass(passed);
    if (passed !== undefined || type === LABEL) return this.skip(padded(size));
    const stored = this.extensions.storedSize(header);
    if (this.extensions.spoiled !== null || stored === null)
      return this.refuse(header, this.extensions.spoiled ?? 'its size is no number');
    if (this.extensions.has('GNU.volume.filename'))
      return this.refuse(header, 'it is the rest of a member that another volume begins');
    this.member({ ...header, size: stored }, block, size);
  }

  /** Collects an extended header; one that is too large spoils the member after it. */
  private extension(header: TarHeader): void {
    if (header.type !== 'g') this.extensions.at ??= this.headerAt;
    if (header.size > MAX_EXTENSION) {
      const text = `an extended header of ${header.size} bytes is too large`;
      if (header.type === 'g') this.problem('damaged', this.headerAt, text);
      else this.extensions.spoiled = text;
      return this.skip(padded(header.size));
    }
    this.state = { is: 'extension', header, parts: [], left: padded(header.size) };
    if (header.size === 0) this.extended(header, Buffer.alloc(0));
  }

  private takeExtension(state: Extract<State, { is: 'extension' }>, chunk: Buffer, at: number): number {
    const taken = Math.min(state.left, chunk.length - at);
    if (taken === state.left && state.parts.length === 0) {
      // All of it is at hand, and what is kept of it is copied.
      this.extended(state.header, chunk.subarray(at, at + state.header.size));
      return taken;
    }
    state.parts.push(Buffer.from(chunk.subarray(at, at + taken)));
    state.left -= taken;
    if (state.left === 0)
      this.extended(state.header, Buffer.concat(state.parts).subarray(0, state.header.size));
    return taken;
  }

  private extended({ type }: TarHeader, bytes: Buffer): void {
    this.state = { is: 'header' };
    if ((type === 'L' || type === 'K') && !isWholeName(bytes))
      this.problem('damaged', this.headerAt + BLOCK, 'a long name ends before its length');
    if (type === 'L') this.extensions.longName = untilNul(bytes);
    else if (type === 'K') this.extensions.longLink = untilNul(bytes);
    else this.pax(type, bytes);
  }

  private pax(type: string, bytes: Buffer): void {
    const { records, brokenAt } = parsePax(bytes);
    if (brokenAt !== null)
      this.problem('damaged', this.headerAt + BLOCK + brokenAt, 'a record of an extended header is damaged');
    if (type !== 'g') return this.extensions.take(records);
    for (const record of records)
      if (!this.globals.set(record))
        this.problem(
          'unsupported',
          this.headerAt,
          'global headers of over 256 KiB: a record of them is left out',
        );
  }

  /** @param bare the size in the header itself, where records may say another */
  private member(header: TarHeader, block: Buffer, bare: number): void {
    const kind = kindOf(header, this.extensions);
    if (kind === 'directory' && isKnownFile(header.type) && header.size > 0) {
      this.state = { is: 'slash', header };
      return;
    }
    if (kind !== 'file') return this.withoutContent(header, kind);
    if (!isKnownFile(header.type))
      this.problem(
        'odd',
        this.headerAt,
        `a member of unknown type ${JSON.stringify(header.type)} is taken as a file`,
      );
    if (header.type === 'S') return this.oldSparse(header, block);
    const sparse = this.extensions.sparse();
    if (sparse === undefined) return this.refuse(header, 'the map of its holes is damaged');
    if (sparse === null) return this.content(header, { size: header.size, extents: null });
    if (sparse.map !== null) return this.content(header, { size: sparse.size, extents: sparse.map });
    const stored = header.size;
    this.state = { is: 'map', header, map: new MapReader(), size: sparse.size, bare, stored };
    if (header.size < BLOCK) this.refuse(header, 'the map of its holes is damaged');
  }

  private withoutContent(header: TarHeader, kind: TarKind): void {
    const about = { at: this.headerAt, kind, size: 0, sparse: false };
    const member = this.extensions.member(header, about);
    this.events.push({ type: 'member', member }, { type: 'end' });
    this.extensions = new Extensions(this.globals);
    const { size, type } = header;
    if (type === 'D') return this.skip(padded(size));
    // Of all that has no content some writers state the size that it had on the disk.
    const mayHaveBody = kind === 'link' && size > 0 && header.format === 'ustar';
    const at = this.headerAt + BLOCK;
    this.state = mayHaveBody ? { is: 'body', member, size, at, zeros: 0 } : { is: 'header' };
  }

  private oldSparse(header: TarHeader, block: Buffer): void {
    const sparse = parseOldSparse(block);
    if (sparse === null) return this.refuse(header, 'the map of its holes is damaged');
    const { extents, realSize: size } = sparse;
    if (sparse.isExtended) this.state = { is: 'sparse', header, extents, size };
    else this.content(header, { size, extents });
  }

  private sparseBlock(state: Extract<State, { is: 'sparse' }>, block: Buffer): void {
    const more = parseSparseBlock(block);
    if (more === null || state.extents.length > 2 * MAX_EXTENTS)
      return this.refuse(state.header, 'the map of its holes is damaged');
    state.extents.push(...more.extents); // 42 numbers at most
    if (!more.isExtended) this.content(state.header, state);
  }

  private mapBlock(state: Extract<State, { is: 'map' }>, block: Buffer): void {
    state.stored -= BLOCK;
    state.bare -= BLOCK;
    const header = { ...state.header, size: Math.max(0, state.stored) };
    const isComplete = state.map.push(block);
    if (state.map.isBroken || (!isComplete && state.stored < BLOCK))
      return this.refuse(header, 'the map of its holes is damaged');
    if (!isComplete) return;
    const { extents } = state.map;
    const size = isSoundMap(extents, state.size, state.bare) ? state.bare : header.size;
    this.content({ ...header, size }, { size: state.size, extents });
  }

  /** The member's header is complete: `header.size` bytes of content follow. */
  private content(header: TarHeader, file: { size: number; extents: number[] | null }): void {
    const { size, extents } = file;
    if (extents !== null && !isSoundMap(extents, size, header.size))
      return this.refuse(header, 'the map of its holes is damaged');
    const about = { at: this.headerAt, kind: 'file' as const, size, sparse: extents !== null };
    const member = this.extensions.member(header, about);
    this.extensions = new Extensions(this.globals);
    this.events.push({ type: 'member', member });
    this.current = { name: member.name, size: header.size };
    const pieces = extents && new Pieces(extents);
    // Only there a further name may have the content once more.
    const beginning = extents === null && header.format === 'ustar' ? new Beginning(member.name) : null;
    this.state = { is: 'content', stored: header.size, left: header.size, pieces, beginning };
    if (header.size === 0) this.contentEnded(0);
  }

  private takeContent(state: Extract<State, { is: 'content' }>, chunk: Buffer, at: number): number {
    const taken = Math.min(state.left, chunk.length - at);
    const bytes = chunk.subarray(at, at + taken);
    if (state.beginning?.take(bytes, taken === state.left, this.prints)) state.beginning = null;
    if (state.pieces === null) this.events.push({ type: 'data', bytes, offset: state.stored - state.left });
    else for (const piece of state.pieces.cut(bytes)) this.events.push(piece);
    state.left -= taken;
    if (state.left === 0) this.contentEnded(state.stored);
    return taken;
  }

  private contentEnded(stored: number): void {
    this.events.push({ type: 'end' });
    this.current = null;
    this.skip(padded(stored) - stored);
  }

  private refuse(header: TarHeader, reason: string): void {
    const name = this.extensions.name(header);
    const at = this.extensions.at ?? this.headerAt;
    this.events.push({
      type: 'problem',
      problem: { kind: 'unsupported', at, text: `not taken: ${reason}`, name },
    });
    this.extensions = new Extensions(this.globals);
    this.skip(padded(header.size));
  }

  private skip(left: number): void {
    this.state = left > 0 ? { is: 'skip', left } : { is: 'header' };
  }

  private truncatedContent(left: number): void {
    const { name, size } = this.current!;
    this.events.push({ type: 'broken' });
    const text = `the tar ends after ${size - left} of ${size} bytes; members after it are missing`;
    this.events.push({ type: 'problem', problem: { kind: 'truncated', at: this.position, text, name } });
  }

  private ended(state: State): void {
    if (state.is === 'body') this.withoutBody(state);
    if (state.is === 'slash') this.withoutContent(state.header, 'directory');
    const { position, partialBytes } = this;
    const isEnd = this.gaps.isEnd && state.is !== 'skip';
    const told = this.gaps.end(position);
    if (told != null) this.events.push({ type: 'problem', problem: told });
    else if (isEnd && this.partial.subarray(0, partialBytes).some((byte) => byte !== 0))
      this.problem('odd', position - partialBytes, 'bytes after the end of the tar mean nothing');
    else if (partialBytes > 0 && !isEnd)
      this.problem('truncated', position, 'the tar ends inside a header; members from there on are missing');
    else if (told === undefined)
      this.problem('truncated', position, 'the tar has no end marker: members after it may be missing');
  }

  private problem(kind: TarProblem['kind'], at: number, text: string): void {
    this.events.push({ type: 'problem', problem: { kind, at, text } });
  }
}
