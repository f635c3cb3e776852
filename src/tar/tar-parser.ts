/**
 * A tar from its bytes, in whatever pieces they come: members, their contents and what is wrong, in
 * order and in bounded memory. Damage never throws: what is whole is given, what is not is told.
 */
import { Extensions, setRecord, untilNul } from './extensions.js';
import {
  BLOCK,
  isZeroBlock,
  padded,
  parseHeader,
  parseOldSparse,
  parseSparseBlock,
  type TarHeader,
} from './header.js';
import { isExtension, isKnownFile, kindOf, PASSED } from './member-kinds.js';
import { parsePax } from './pax.js';
import { isSoundMap, MapReader, MAX_EXTENTS, Pieces } from './sparse.js';
import type { TarEvent, TarKind, TarProblem } from './tar-member.js';

/** Extended headers are kept in memory: larger ones are refused. */
const MAX_EXTENSION = 16 << 20;

export interface TarParserOptions {
  /** Blocks of zeros are no end: what follows them is read as well. */
  readonly ignoreZeros?: boolean;
}

/** What the next bytes are. */
type State =
  | { readonly is: 'header' }
  /** The header before it gave a size that may mean bytes or nothing: a valid header tells. */
  | { readonly is: 'perhaps'; readonly size: number }
  | { readonly is: 'skip'; left: number }
  | { readonly is: 'extension'; readonly header: TarHeader; readonly parts: Buffer[]; left: number }
  | { readonly is: 'sparse'; readonly header: TarHeader; readonly extents: number[]; readonly size: number }
  | {
      readonly is: 'map';
      readonly header: TarHeader;
      readonly map: MapReader;
      readonly size: number;
      /** What is left of the data by the header alone: some writers' records speak of the real size. */
      bare: number;
      stored: number;
    }
  | { readonly is: 'content'; readonly stored: number; left: number; readonly pieces: Pieces | null }
  | { readonly is: 'after' };

export class TarParser {
  private readonly ignoreZeros: boolean;
  private readonly globals = new Map<string, Buffer>();
  private extensions = new Extensions(this.globals);
  private state: State = { is: 'header' };
  /** A block that began in an earlier chunk. */
  private readonly partial = Buffer.alloc(BLOCK);
  private partialBytes = 0;
  private position = 0;
  private headerAt = 0;
  private zeros = 0;
  /** Where what is no header began, while the next header is looked for. */
  private lostAt: number | null = null;
  /** A lone block of zeros stood before that, which most readers take for the end. */
  private lostAfterZeros = false;
  private current: { name: Uint8Array; size: number } | null = null;
  private toldMore = false;
  private events: TarEvent[] = [];

  constructor({ ignoreZeros = false }: TarParserOptions = {}) {
    this.ignoreZeros = ignoreZeros;
  }

  /** The end was reached: what follows has no meaning any more. */
  get hasEnded(): boolean {
    return this.state.is === 'after';
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
    else if (this.lostAt !== null) this.endedLost(this.lostAt);
    else if (state.is === 'extension' || state.is === 'sparse' || state.is === 'map')
      this.problem(
        'truncated',
        this.position,
        'the tar ends inside an extended header; members after it are missing',
      );
    else if (state.is === 'header' || state.is === 'perhaps' || state.is === 'skip') this.missingEnd();
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
    if (state.is === 'after') return this.afterEnd(block, start);
    if (state.is === 'sparse') return this.sparseBlock(state, block);
    if (state.is === 'map') return this.mapBlock(state, block);
    const isZero = isZeroBlock(block);
    const header = isZero ? null : parseHeader(block);
    if (state.is === 'perhaps') {
      this.state = { is: 'header' };
      // No header, so it is the first block of what the size spoke of.
      if (header === null && !isZero) return this.skip(padded(state.size) - BLOCK);
    }
    if (isZero) return this.zeroBlock();
    if (header === null) {
      if (this.lostAt === null) this.lostAfterZeros = this.zeros === 1 && !this.ignoreZeros;
      this.lostAt ??= start;
      return;
    }
    if (this.lostAt !== null) this.lost(start);
    if (this.zeros === 1 && !this.ignoreZeros) this.problem('odd', start - BLOCK, 'a lone block of zeros');
    this.zeros = 0;
    this.headerAt = start;
    this.header(header, block);
  }

  private zeroBlock(): void {
    // While a header is looked for, zeros may be anybody's content.
    if (this.lostAt !== null) return;
    this.zeros += 1;
    if (this.zeros === 2 && !this.ignoreZeros) this.state = { is: 'after' };
  }

  private header(header: TarHeader, block: Buffer): void {
    const { type, size } = header;
    if (isExtension(type)) return this.extension(header);
    if (type === 'M') return this.refuse(header, 'it is the rest of a member that another volume begins');
    if (type === 'N') return this.refuse(header, 'a list of long names of an obsolete GNU tar');
    const passed = PASSED[type];
    if (passed !== undefined) {
      this.extensions = new Extensions(this.globals);
      return this.skip(padded(size));
    }
    const stored = this.extensions.storedSize(header);
    if (this.extensions.spoiled !== null || stored === null)
      return this.refuse(header, this.extensions.spoiled ?? 'its size is no number');
    if (this.extensions.has('GNU.volume.filename'))
      return this.refuse(header, 'it is the rest of a member that another volume begins');
    this.member({ ...header, size: stored }, block, size);
  }

  /** Collects an extended header; one that is too large spoils the member after it. */
  private extension(header: TarHeader): void {
    this.extensions.at ??= this.headerAt;
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
    if (type === 'L') this.extensions.longName = untilNul(bytes);
    else if (type === 'K') this.extensions.longLink = untilNul(bytes);
    else this.pax(type, bytes);
  }

  private pax(type: string, bytes: Buffer): void {
    const { records, brokenAt } = parsePax(bytes);
    if (brokenAt !== null)
      this.problem('damaged', this.headerAt + BLOCK + brokenAt, 'a record of an extended header is damaged');
    if (type !== 'g') return this.extensions.take(records);
    for (const record of records) setRecord(this.globals, record);
    this.extensions = new Extensions(this.globals);
  }

  /** @param bare the size in the header itself, where records may say another */
  private member(header: TarHeader, block: Buffer, bare: number): void {
    const kind = kindOf(header, this.extensions);
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
    this.events.push({ type: 'member', member: this.extensions.member(header, about) }, { type: 'end' });
    this.extensions = new Extensions(this.globals);
    if (header.type === 'D') this.skip(padded(header.size));
    else this.state = header.size > 0 ? { is: 'perhaps', size: header.size } : { is: 'header' };
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
    state.extents.push(...more.extents);
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
    this.state = { is: 'content', stored: header.size, left: header.size, pieces };
    if (header.size === 0) this.contentEnded(0);
  }

  private takeContent(state: Extract<State, { is: 'content' }>, chunk: Buffer, at: number): number {
    const taken = Math.min(state.left, chunk.length - at);
    if (state.pieces === null) {
      this.events.push({
        type: 'data',
        bytes: chunk.subarray(at, at + taken),
        offset: state.stored - state.left,
      });
    } else this.events.push(...state.pieces.cut(chunk.subarray(at, at + taken)));
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

  private endedLost(from: number): void {
    if (this.lostAfterZeros) this.problem('odd', from, 'bytes after the end of the tar mean nothing');
    else this.lost(this.position);
  }

  private lost(until: number): void {
    const from = this.lostAt!;
    this.lostAt = null;
    this.extensions = new Extensions(this.globals);
    const text = `no valid header from byte ${from} on; what is up to byte ${until} may be missing`;
    this.problem('damaged', from, text);
  }

  private truncatedContent(left: number): void {
    const { name, size } = this.current!;
    this.events.push({ type: 'broken' });
    const text = `the tar ends after ${size - left} of ${size} bytes; members after it are missing`;
    this.events.push({ type: 'problem', problem: { kind: 'truncated', at: this.position, text, name } });
  }

  private missingEnd(): void {
    if (this.zeros > 0 && this.partialBytes === 0) return;
    const text =
      this.partialBytes > 0
        ? 'the tar ends inside a header; members from there on are missing'
        : 'the tar has no end marker: members after it may be missing';
    this.problem('truncated', this.position, text);
  }

  private afterEnd(block: Buffer, start: number): void {
    if (this.toldMore || isZeroBlock(block)) return;
    this.toldMore = true;
    if (parseHeader(block) === null)
      this.problem('odd', start, 'bytes after the end of the tar mean nothing');
    else this.problem('more', start, 'more members follow the end of the tar; --ignore-zeros reads them');
  }

  private problem(kind: TarProblem['kind'], at: number, text: string): void {
    this.events.push({ type: 'problem', problem: { kind, at, text } });
  }
}
