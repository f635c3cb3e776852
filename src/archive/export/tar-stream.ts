/**
 * Members in order to an output. Heads are made here, contents are read and checked in the worker threads,
 * which put them where they belong in shared memory: an image is a stretch of the tar, written in one call.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { HkfsError } from '../../errors.js';
import type { EntryKind, Hash } from '../../events/types.js';
import { createHasher } from '../../fs/hash.js';
import type { FillResult, SurveyObjectResult } from '../../fs/tasks.js';
import type { Entry } from '../../projections/namespace.js';
import type { DataRange } from '../../tar/write-sparse.js';
import { endOfTar, paddingOf } from '../../tar/write-block.js';
import {
  encodeMember,
  LOSSES,
  REFUSALS,
  type Loss,
  type Member,
  type TarFormat,
} from '../../tar/write-member.js';
import { groupKey } from '../restore/link-groups.js';
import { memberOf } from './member-of.js';
import { report, stopWhereAsked, type ExportParts } from './parts.js';

/** An image is handed on when it has so many bytes or members; larger contents go by themselves. */
const IMAGE_BYTES = 4 << 20;
const IMAGE_MEMBERS = 512;
/** Heads are small and contents at most as large as an image: what begins within one ends within this. */
const USUAL_CAPACITY = 2 * IMAGE_BYTES + (1 << 20);
const MAX_IN_FLIGHT = 8;
const CHUNK = 1 << 20;
const NO_BYTES = Buffer.alloc(0);
const NOTHING_TO_FILL: Promise<FillResult> = Promise.resolve({ failures: new Map() });

/** A member on its way. */
interface Part {
  /** In the archive, for messages. */
  readonly path: string;
  readonly kind: EntryKind;
  readonly size: number;
  /** Of the group of which it is the first name, or a further one. */
  readonly group: string | null;
  readonly isLink: boolean;
}

interface ImagePart extends Part {
  readonly start: number;
  readonly end: number;
  /** Its content's number in the image; -1: none. */
  readonly content: number;
}

interface ImageJob {
  readonly image: Buffer;
  readonly parts: readonly ImagePart[];
  readonly length: number;
  readonly filled: Promise<FillResult>;
}

interface LargeJob {
  readonly part: Part;
  readonly member: Member;
  readonly surveyed: Promise<SurveyObjectResult>;
}

interface Draft {
  readonly heads: { readonly at: number; readonly bytes: Buffer }[];
  readonly parts: ImagePart[];
  readonly hashes: Hash[];
  readonly places: number[];
  length: number;
}

export class TarStream {
  private readonly parts: ExportParts;
  private readonly format: TarFormat;
  private readonly jobs: (ImageJob | LargeJob)[] = [];
  private readonly spare: SharedArrayBuffer[] = [];
  /** The member path of the first name of each link group. */
  private readonly firstNames = new Map<string, string>();
  /** Groups whose first name could not be written: its links would lead nowhere. */
  private readonly lostGroups = new Map<string, { code: string; message: string }>();
  private readonly inFlight: number;
  private draft = newDraft();
  private written = 0;
  private insideMember = false;

  constructor(parts: ExportParts, format: TarFormat) {
    this.parts = parts;
    this.format = format;
    this.inFlight = Math.min(MAX_IN_FLIGHT, parts.archive.pool.size * 2);
  }

  /** True where the output ends in the middle of a member, which every reader notices by itself. */
  get isInsideMember(): boolean {
    return this.insideMember;
  }

  /** @param path in the archive; `name` in the tar */
  add(name: string, path: string, entry: Entry): Promise<void> | undefined {
    const { event, kind } = entry;
    const group = groupKey(entry);
    const link = group === null ? null : (this.firstNames.get(group) ?? null);
    if (group !== null && link === null) this.firstNames.set(group, name);
    const member = memberOf(name, event, link);
    const isLink = link !== null;
    const part = { path, kind, size: member?.size ?? 0, group, isLink };
    if (member === null) {
      this.parts.tally.refuse(path, `tars hold no ${kind}s`);
      return undefined;
    }
    if (event.type !== 'file.ingested' || event.hash === null || isLink)
      return this.place(part, member, null);
    const sparse = event.attributes.sparse === true && this.holdsHoles(path);
    if (sparse || event.size > IMAGE_BYTES) return this.addLarge(part, member, { hash: event.hash, sparse });
    return this.place(part, member, event.hash);
  }

  async finish(): Promise<void> {
    this.submit();
    while (this.jobs.length > 0) await this.settleOldest();
    await this.write(endOfTar(this.written));
  }

  /** Once no thread is at work any more, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.jobs.map((job) => ('parts' in job ? job.filled : job.surveyed)));
  }

  private holdsHoles(path: string): boolean {
    if (this.format !== 'ustar') return true;
    this.parts.tally.lose(path, lossText('ustar', 'holes'));
    return false;
  }

  private place(part: Part, member: Member, hash: Hash | null): Promise<void> | undefined {
    const head = this.encode(part, member);
    if (head === null) return undefined;
    const { draft } = this;
    const start = draft.length;
    const end = start + head.length + member.size + paddingOf(member.size);
    draft.heads.push({ at: start, bytes: head });
    draft.parts.push({ ...part, start, end, content: hash === null ? -1 : draft.hashes.length });
    if (hash !== null) {
      draft.hashes.push(hash);
      draft.places.push(start + head.length, member.size);
    }
    draft.length = end;
    if (end < IMAGE_BYTES && draft.parts.length < IMAGE_MEMBERS) return undefined;
    this.submit();
    return this.keepPace();
  }

  /** By itself: too large for an image, or with holes that have to be looked for first. */
  private addLarge(
    part: Part,
    member: Member,
    content: { hash: Hash; sparse: boolean },
  ): Promise<void> | undefined {
    const isRefused = 'refused' in encodeMember(member, this.format);
    if (isRefused) return void this.encode(part, member);
    this.submit();
    const { archive } = this.parts;
    const { size } = member;
    const task = { task: 'survey-object', objects: archive.layout.objects, size, ...content } as const;
    const surveyed = archive.pool.run(task);
    surveyed.catch(() => {}); // awaited in settleOldest
    this.jobs.push({ part, member, surveyed });
    return this.keepPace();
  }

  /** Null where the format cannot hold the member, which is told. */
  private encode({ path, group, isLink }: Part, member: Member): Buffer | null {
    const encoded = encodeMember(member, this.format);
    const { tally } = this.parts;
    if ('refused' in encoded) {
      tally.refuse(path, `${this.format} tars hold no ${REFUSALS[encoded.refused]}`);
      // Another name of its inode may be held, and be the first.
      if (group !== null && !isLink) this.firstNames.delete(group);
      return null;
    }
    for (const loss of encoded.losses) tally.lose(path, lossText(this.format, loss));
    return encoded.head;
  }

  /** What was gathered goes to a thread. */
  private submit(): void {
    const { draft } = this;
    if (draft.parts.length === 0) return;
    this.draft = newDraft();
    const memory = this.memory(draft.length);
    const image = Buffer.from(memory, 0, draft.length);
    for (const { at, bytes } of draft.heads) bytes.copy(image, at);
    for (let index = 0; index < draft.hashes.length; index += 1) {
      const end = draft.places[2 * index]! + draft.places[2 * index + 1]!;
      image.fill(0, end, end + paddingOf(draft.places[2 * index + 1]!));
    }
    const { archive } = this.parts;
    const { hashes } = draft;
    const places = Float64Array.from(draft.places);
    const task = { task: 'fill', objects: archive.layout.objects, image: memory, hashes, places } as const;
    const filled = hashes.length > 0 ? archive.pool.run(task) : NOTHING_TO_FILL;
    filled.catch(() => {}); // awaited in settleOldest
    this.jobs.push({ image, parts: draft.parts, length: draft.length, filled });
  }

  private memory(length: number): SharedArrayBuffer {
    const spare = length <= USUAL_CAPACITY ? this.spare.pop() : undefined;
    return spare ?? new SharedArrayBuffer(Math.max(length, USUAL_CAPACITY));
  }

  private async keepPace(): Promise<void> {
    while (this.jobs.length > this.inFlight) await this.settleOldest();
  }

  private async settleOldest(): Promise<void> {
    const job = this.jobs[0]!;
    if ('parts' in job) await this.writeImage(job, await job.filled);
    else await this.writeLarge(job, await job.surveyed);
    this.jobs.shift();
    stopWhereAsked(this.parts);
    report(this.parts);
  }

  /** In as few calls as there are gaps: where nothing failed, in one. */
  private async writeImage({ image, parts, length }: ImageJob, { failures }: FillResult): Promise<void> {
    let from = 0;
    for (const part of parts) {
      if (this.isWritten(part, failures.get(part.content))) continue;
      await this.write(image.subarray(from, part.start));
      from = part.end;
    }
    await this.write(image.subarray(from, length));
    if (image.buffer.byteLength === USUAL_CAPACITY) this.spare.push(image.buffer as SharedArrayBuffer);
  }

  private isWritten(part: Part, failure: { code: string; message: string } | undefined): boolean {
    const { tally } = this.parts;
    const { group, isLink } = part;
    const lost = failure ?? (group === null ? undefined : this.lostGroups.get(group));
    if (lost === undefined) {
      tally.count(part.kind, part.size);
      if (isLink) tally.links += 1;
      return true;
    }
    if (group !== null) this.lostGroups.set(group, lost);
    tally.fail(part.path, lost);
    return false;
  }

  private async writeLarge({ part, member }: LargeJob, surveyed: SurveyObjectResult): Promise<void> {
    if ('failure' in surveyed) {
      this.isWritten(part, surveyed.failure);
      return;
    }
    const ranges = surveyed.stretches === null ? null : rangesOf(surveyed.stretches);
    const head = this.encode(part, { ...member, ranges });
    if (head === null) return;
    const file = await open(surveyed.path);
    try {
      await this.write(head);
      this.insideMember = true;
      await this.copy(file, ranges ?? [[0, member.size]], surveyed);
    } finally {
      await file.close();
    }
    this.insideMember = false;
    this.isWritten(part, undefined);
  }

  /**
   * Read again, and hashed again: it is out of our hands between. The last piece is held back until the
   * hash is right, so that wrong bytes never make a whole member.
   */
  private async copy(
    file: FileHandle,
    ranges: readonly DataRange[],
    { path, dataHash }: { path: string; dataHash: string },
  ): Promise<void> {
    const hasher = createHasher();
    let held: Buffer = NO_BYTES;
    let length = 0;
    for await (const bytes of readRanges(file, ranges)) {
      stopWhereAsked(this.parts);
      await this.write(held);
      hasher.update(bytes);
      length += bytes.length;
      held = bytes;
    }
    if (hasher.digest().toString('hex') !== dataHash) throw changed(path);
    await this.write(held);
    await this.write(Buffer.alloc(paddingOf(length)));
  }

  private async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    await this.parts.output.write(bytes);
    this.written += bytes.length;
  }
}

function lossText(format: TarFormat, loss: Loss): string {
  return `${format} tars do not hold ${LOSSES[loss]}`;
}

function newDraft(): Draft {
  return { heads: [], parts: [], hashes: [], places: [], length: 0 };
}

function rangesOf(stretches: Float64Array): DataRange[] {
  const ranges: DataRange[] = [];
  for (let at = 0; at < stretches.length; at += 2)
    ranges.push([stretches[at]!, stretches[at + 1]! - stretches[at]!]);
  return ranges;
}

async function* readRanges(file: FileHandle, ranges: readonly DataRange[]): AsyncGenerator<Buffer> {
  for (const [start, length] of ranges)
    for (let at = start; at < start + length;) {
      const bytes = Buffer.allocUnsafe(Math.min(CHUNK, start + length - at));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
      if (bytesRead === 0) return; // the hash will show it
      yield bytes.subarray(0, bytesRead);
      at += bytesRead;
    }
}

function changed(path: string): HkfsError {
  return new HkfsError('OBJECT_DAMAGED', `${path} changed while it was exported; the output is broken off`, {
    hint: 'run `hkfs verify`, and the command again',
  });
}
