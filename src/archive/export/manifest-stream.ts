/** Lines about entries to an output; contents are read for those digests that the log does not know. */
import { createHash } from 'node:crypto';
import type { Hash } from '../../events/types.js';
import { hashBytes } from '../../fs/hash.js';
import type { DigestObjectsResult, DigestObjectsTask } from '../../fs/tasks.js';
import type { Entry } from '../../projections/namespace.js';
import { toBuffer, type ByteString } from '../../tar/write-bytes.js';
import {
  MANIFEST_FORMS,
  type Digests,
  type ManifestForm,
  type ManifestFormat,
} from '../../tar/write-manifest.js';
import type { Member } from '../../tar/write-member.js';
import { digestedElsewhere } from './elsewhere.js';
import { memberOf } from './member-of.js';
import { report, stopWhereAsked, tellBad, type ExportParts } from './parts.js';

/** What one thread is given at once. */
const BATCH_LINES = 256;
const BATCH_BYTES = 32 << 20;

interface Line {
  readonly path: string;
  readonly entry: Entry;
  readonly member: Member;
  readonly hash: Hash | null;
  /** Its content's number in the batch; -1: not to be read. */
  readonly content: number;
}

interface Batch {
  readonly lines: Line[];
  readonly hashes: Hash[];
  bytes: number;
}

interface Job {
  readonly lines: readonly Line[];
  readonly task: DigestObjectsTask;
  readonly read: Promise<DigestObjectsResult>;
}

const EMPTY = Buffer.alloc(0);
const NOTHING_TO_READ: Promise<DigestObjectsResult> = Promise.resolve({
  digests: [],
  failures: new Map(),
  bad: new Map(),
});

export class ManifestStream {
  private readonly parts: ExportParts;
  private readonly name: ManifestFormat;
  private readonly form: ManifestForm;
  private readonly jobs: Job[] = [];
  private batch: Batch = { lines: [], hashes: [], bytes: 0 };
  private begun = false;

  constructor(parts: ExportParts, format: ManifestFormat) {
    this.parts = parts;
    this.name = format;
    this.form = MANIFEST_FORMS[format];
  }

  /** @param path in the archive; `name` in the manifest */
  add(name: string, path: string, entry: Entry): Promise<void> | undefined {
    const { event } = entry;
    if (this.form.filesOnly && event.type !== 'file.ingested') return undefined;
    const member = memberOf(name, event, null);
    if (member === null) {
      this.parts.tally.refuse(path, `manifests hold no ${entry.kind}s`);
      return undefined;
    }
    const hash = event.type === 'file.ingested' ? event.hash : null;
    const { batch } = this;
    const isRead = hash !== null && this.form.digests.length > 0;
    batch.lines.push({ path, entry, member, hash, content: isRead ? batch.hashes.length : -1 });
    if (isRead) {
      batch.hashes.push(hash);
      batch.bytes += member.size;
    }
    if (batch.lines.length < BATCH_LINES && batch.bytes < BATCH_BYTES) return undefined;
    return this.submit();
  }

  async finish(): Promise<void> {
    await this.submit();
    while (this.jobs.length > 0) await this.settleOldest();
    if (!this.begun) await this.begin();
  }

  /** Once no thread is at work any more, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.jobs.map(({ read }) => read));
  }

  private async submit(): Promise<void> {
    const { lines, hashes } = this.batch;
    this.batch = { lines: [], hashes: [], bytes: 0 };
    const { archive } = this.parts;
    const algorithms = this.form.digests;
    const task = { task: 'digest-objects', objects: archive.layout.objects, hashes, algorithms } as const;
    const read = hashes.length > 0 ? archive.pool.run(task) : NOTHING_TO_READ;
    read.catch(() => {}); // awaited in settleOldest
    this.jobs.push({ lines, task, read });
    const inFlight = algorithms.length > 0 ? archive.pool.size * 2 : 0;
    while (this.jobs.length > inFlight) await this.settleOldest();
  }

  private async settleOldest(): Promise<void> {
    const { lines, task, read } = this.jobs[0]!;
    const { digests, failures, bad } = await digestedElsewhere(this.parts.archive, task, await read);
    if (!this.begun) await this.begin();
    const text = lines.map((line) => {
      const failure = failures.get(line.content);
      tellBad(this.parts, line.path, bad.get(line.content));
      if (failure === undefined) return this.text(line, digests[line.content]);
      this.parts.tally.fail(line.path, failure);
      return '';
    });
    await this.parts.output.write(toBuffer(text.join('')));
    this.jobs.shift();
    stopWhereAsked(this.parts);
    report(this.parts);
  }

  private text({ path, entry, member, hash }: Line, read: readonly string[] | undefined): ByteString {
    const { tally } = this.parts;
    const line = this.form.line(member, member.kind === 'file' ? this.digests(hash, read) : null);
    if (line === null) {
      tally.refuse(path, `${this.name} has no way to write this name`);
      return '';
    }
    tally.count(entry.kind, member.size);
    return line;
  }

  private digests(hash: Hash | null, read: readonly string[] | undefined): Digests {
    const of = (algorithm: 'md5' | 'sha256'): string => {
      if (hash === null) return createHash(algorithm).digest('hex');
      return read?.[this.form.digests.indexOf(algorithm)] ?? '';
    };
    return { blake3: hash ?? hashBytes(EMPTY).toString('hex'), md5: of('md5'), sha256: of('sha256') };
  }

  private async begin(): Promise<void> {
    this.begun = true;
    await this.parts.output.write(toBuffer(this.form.head));
  }
}
