/**
 * Members in order to an output. Heads are made here, contents are read and checked in the worker threads,
 * which put them where they belong in shared memory: an image is a stretch of the tar, written in one call.
 * While one is written, the next ones are read, and those after them begun.
 */
import { open } from 'node:fs/promises';
import type { Hash } from '../../events/types.js';
import { hexToHash } from '../../fs/hash.js';
import type { FillResult, SurveyObjectResult, SurveyObjectTask } from '../../fs/tasks.js';
import type { Entry } from '../../projections/namespace.js';
import { endOfTar, paddingOf } from '../../tar/write-block.js';
import {
  encodeMember,
  LOSSES,
  REFUSALS,
  type Loss,
  type Member,
  type TarFormat,
} from '../../tar/write-member.js';
import type { DataRange } from '../../tar/write-sparse.js';
import { groupKey } from '../restore/link-groups.js';
import { Image, IMAGE_BYTES, USUAL_CAPACITY, type ImagePart, type Part } from './image.js';
import { copyContent } from './large-content.js';
import { filledElsewhere, surveyedElsewhere } from './elsewhere.js';
import { memberOf } from './member-of.js';
import { report, stopWhereAsked, tellBad, type ExportParts } from './parts.js';
import { UsualFiles } from './usual-files.js';

const MAX_IN_FLIGHT = 8;
const NOTHING_TO_FILL: Promise<FillResult> = Promise.resolve({ failures: new Map(), bad: new Map() });

interface ImageJob {
  readonly image: Image;
  readonly filled: Promise<FillResult>;
}

interface LargeJob {
  readonly part: Part;
  readonly member: Member;
  readonly task: SurveyObjectTask;
  readonly surveyed: Promise<SurveyObjectResult>;
}

export class TarStream {
  private readonly parts: ExportParts;
  private readonly format: TarFormat;
  /** Of each job that is under way: settles once it, and all before it, are at the output. Oldest first. */
  private readonly writing: Promise<void>[] = [];
  /** What threads work at. */
  private readonly reading = new Set<Promise<unknown>>();
  private readonly spare: SharedArrayBuffer[] = [];
  private readonly usual = new UsualFiles();
  /** The member path of the first name of each link group. */
  private readonly firstNames = new Map<string, string>();
  /** Groups whose first name could not be written: its links would lead nowhere. */
  private readonly lostGroups = new Map<string, { code: string; message: string }>();
  private readonly inFlight: number;
  private image: Image | null = null;
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
    if (this.format === 'pax' && this.placeUsual(name, path, entry)) return this.handOn();
    const { event, kind } = entry;
    const group = groupKey(entry);
    const link = group === null ? null : (this.firstNames.get(group) ?? null);
    if (group !== null && link === null) this.firstNames.set(group, name);
    const member = memberOf(name, event, link);
    const isLink = link !== null;
    const part = { path, kind, size: member?.size ?? 0, group, isLink };
    if (member === null) return this.refuse(part, `tars hold no ${kind}s`);
    if (event.type !== 'file.ingested' || event.hash === null || isLink)
      return this.place(part, member, null);
    const sparse = event.attributes.sparse === true && this.holdsHoles(path);
    if (sparse || event.size > IMAGE_BYTES) return this.addLarge(part, member, { hash: event.hash, sparse });
    return this.place(part, member, event.hash);
  }

  async finish(): Promise<void> {
    this.submit();
    await this.writing.at(-1);
    await this.write(endOfTar(this.written));
  }

  /** Once no thread is at work any more and nothing is being written, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.reading, ...this.writing]);
  }

  private holdsHoles(path: string): boolean {
    if (this.format !== 'ustar') return true;
    this.parts.tally.lose(path, lossText('ustar', 'holes'));
    return false;
  }

  /** @returns false where it is no usual file, and nothing was done */
  private placeUsual(name: string, path: string, entry: Entry): boolean {
    const file = this.usual.read(entry);
    if (file === null || file.size > IMAGE_BYTES) return false;
    const image = this.imageFor(0);
    const head = this.usual.writeHead(image.bytes, image.length, { name, entry });
    if (head === 0) return false;
    image.add({ path, kind: 'file', size: file.size, group: null, isLink: false }, head, file.hash);
    return true;
  }

  private place(part: Part, member: Member, hash: Hash | null): Promise<void> | undefined {
    const encoded = encodeMember(member, this.format);
    if ('refused' in encoded) return this.refuseMember(part, REFUSALS[encoded.refused]);
    this.lose(part, encoded.losses);
    const { head } = encoded;
    const image = this.imageFor(head.length + member.size + paddingOf(member.size));
    head.copy(image.bytes, image.length);
    image.add(part, head.length, hash === null ? null : hexToHash(hash));
    return this.handOn();
  }

  /** By itself: too large for an image, or with holes that have to be looked for first. */
  private addLarge(
    part: Part,
    member: Member,
    content: { hash: Hash; sparse: boolean },
  ): Promise<void> | undefined {
    // Neither what is refused nor what is lost depends on where the data is.
    const encoded = encodeMember(member, this.format);
    if ('refused' in encoded) return this.refuseMember(part, REFUSALS[encoded.refused]);
    this.lose(part, encoded.losses);
    this.submit();
    const { archive } = this.parts;
    const { size } = member;
    const task = { task: 'survey-object', objects: archive.layout.objects, size, ...content } as const;
    const surveyed = this.read(archive.pool.run(task));
    this.begin((before) => this.writeLarge(before, { part, member, task, surveyed }));
    return this.keepPace();
  }

  private refuseMember(part: Part, what: string): Promise<void> | undefined {
    const { group, isLink } = part;
    // Another name of its inode may be held, and be the first.
    if (group !== null && !isLink) this.firstNames.delete(group);
    return this.refuse(part, `${this.format} tars hold no ${what}`);
  }

  private refuse(part: Part, why: string): Promise<void> | undefined {
    this.imageFor(0).addRefused(part, why);
    return this.handOn();
  }

  private lose({ path }: Part, losses: readonly Loss[]): void {
    for (const loss of losses) this.parts.tally.lose(path, lossText(this.format, loss));
  }

  /** The image that is being gathered, or another where so many bytes more are too much for it. */
  private imageFor(bytes: number): Image {
    if (this.image !== null && !this.image.hasRoom(bytes)) this.submit();
    return (this.image ??= new Image(this.memory(bytes)));
  }

  private memory(bytes: number): SharedArrayBuffer {
    const spare = bytes <= USUAL_CAPACITY ? this.spare.pop() : undefined;
    return spare ?? new SharedArrayBuffer(Math.max(bytes, USUAL_CAPACITY));
  }

  private handOn(): Promise<void> | undefined {
    if (!this.image!.isFull) return undefined;
    this.submit();
    return this.keepPace();
  }

  /** What was gathered goes to a thread. */
  private submit(): void {
    const { image } = this;
    if (image === null) return;
    this.image = null;
    const { archive } = this.parts;
    const task = image.task(archive.layout.objects);
    const filled = task === null ? NOTHING_TO_FILL : this.read(archive.pool.run(task));
    this.begin((before) => this.writeImage(before, { image, filled }));
  }

  private read<T>(result: Promise<T>): Promise<T> {
    this.reading.add(result);
    const forget = (): void => void this.reading.delete(result);
    result.then(forget, forget); // the rejection is told by who writes it
    return result;
  }

  /** @param write writes after all that was begun before it */
  private begin(write: (before: Promise<void> | undefined) => Promise<void>): void {
    const done = write(this.writing.at(-1));
    done.catch(() => {}); // awaited in keepPace, or at the end
    this.writing.push(done);
  }

  private async keepPace(): Promise<void> {
    while (this.writing.length > this.inFlight) {
      await this.writing[0];
      void this.writing.shift();
    }
  }

  /** In as few calls as there are gaps: where nothing failed, in one. */
  private async writeImage(before: Promise<void> | undefined, { image, filled }: ImageJob): Promise<void> {
    await before;
    const { failures, bad } = await filledElsewhere(this.parts.archive, image, await filled);
    let from = 0;
    for (const part of image.parts) {
      tellBad(this.parts, part.path, bad.get(part.content));
      if (this.isWritten(part, failures.get(part.content))) continue;
      await this.write(image.bytes.subarray(from, part.start));
      from = part.end;
    }
    await this.write(image.bytes.subarray(from, image.length));
    const spare = image.spare();
    if (spare !== null) this.spare.push(spare);
    this.tell();
  }

  private isWritten(
    part: Part & Partial<Pick<ImagePart, 'refused'>>,
    failure: { code: string; message: string } | undefined,
  ): boolean {
    const { tally } = this.parts;
    const { path, group, isLink, refused = null } = part;
    if (refused !== null) {
      tally.refuse(path, refused);
      return false;
    }
    const lost = failure ?? (group === null ? undefined : this.lostGroups.get(group));
    if (lost === undefined) {
      tally.count(part.kind, part.size);
      if (isLink) tally.links += 1;
      return true;
    }
    if (group !== null) this.lostGroups.set(group, lost);
    tally.fail(path, lost);
    return false;
  }

  private async writeLarge(before: Promise<void> | undefined, job: LargeJob): Promise<void> {
    await before;
    const { part, member } = job;
    const surveyed = await surveyedElsewhere(this.parts.archive, job.task, await job.surveyed);
    if (!('failure' in surveyed)) tellBad(this.parts, part.path, surveyed.bad);
    if ('failure' in surveyed) this.isWritten(part, surveyed.failure);
    else {
      const { path, stretches, dataHash } = surveyed;
      const ranges = stretches === null ? null : rangesOf(stretches);
      const encoded = encodeMember({ ...member, ranges }, this.format);
      if ('refused' in encoded) throw new Error(`refused only now: ${encoded.refused}`);
      const content = { path, ranges: ranges ?? [[0, member.size] as const], dataHash };
      await this.copy(encoded.head, content);
      this.isWritten(part, undefined);
    }
    this.tell();
  }

  private async copy(head: Buffer, content: Parameters<typeof copyContent>[1]): Promise<void> {
    const file = await open(content.path);
    try {
      await this.write(head);
      this.insideMember = true;
      await copyContent(file, content, (bytes) => {
        stopWhereAsked(this.parts);
        return this.write(bytes);
      });
    } finally {
      await file.close();
    }
    this.insideMember = false;
  }

  private tell(): void {
    stopWhereAsked(this.parts);
    report(this.parts);
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

function rangesOf(stretches: Float64Array): DataRange[] {
  const ranges: DataRange[] = [];
  for (let at = 0; at < stretches.length; at += 2)
    ranges.push([stretches[at]!, stretches[at + 1]! - stretches[at]!]);
  return ranges;
}
