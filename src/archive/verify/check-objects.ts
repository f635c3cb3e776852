/** The hash tree against the log, and the bytes of objects against their names. */
import type { Hash } from '../../events/types.js';
import { hashToHex } from '../../fs/hash.js';
import { StatTable, type FileStat } from '../../fs/stats.js';
import type { HashResult } from '../../fs/tasks.js';
import type { StoredObject } from '../../projections/contents.js';
import type { Progress } from '../api.js';
import { ObjectIndex, sealRow } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';
import type { Findings } from './findings.js';

const FAN_OUT = 256;
const TASK_FILES = 256;
const TASK_BYTES = 32 << 20;

export interface ObjectCheckOptions {
  readonly quick: boolean;
  /** Milliseconds since 1970; Infinity: every object. */
  readonly olderThanMs: number;
  /** Milliseconds since 1970 at which no more is read. */
  readonly deadlineMs: number;
  readonly clock: () => number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** A file of the hash tree that is to be read. */
interface Candidate {
  readonly hash: Hash;
  readonly path: string;
  readonly size: number;
  /** When it was last verified, or else stored, milliseconds since 1970; 0: never verified. */
  readonly verifiedMs: number;
  readonly wasFound: boolean;
  readonly stat: FileStat;
}

interface FileOfObject {
  readonly path: string;
  readonly stat: FileStat;
  readonly verifiedMs: number | null;
  /** An earlier run found it wrong. */
  readonly wasFound: boolean;
}

export class ObjectCheck {
  private readonly archive: OpenArchive;
  private readonly findings: Findings;
  private readonly options: ObjectCheckOptions;
  private readonly index: ObjectIndex;
  private readonly inFlight: { files: Candidate[]; result: Promise<HashResult> }[] = [];
  private waiting: Candidate[] = [];
  private waitingBytes = 0;
  private total: number | null = null;

  constructor(archive: OpenArchive, findings: Findings, options: ObjectCheckOptions) {
    this.archive = archive;
    this.findings = findings;
    this.options = options;
    this.index = new ObjectIndex(archive.views.level);
  }

  /** Without a bound on time every object is read in the order of the hash tree; else oldest first. */
  async run(): Promise<void> {
    const inOrder = this.options.deadlineMs === Infinity;
    const candidates: Candidate[] = [];
    for (let at = 0; at < FAN_OUT && !this.options.signal?.aborted; at += 1) {
      const found = await this.compareFolder(at.toString(16).padStart(2, '0'));
      if (!inOrder) for (const candidate of found) candidates.push(candidate);
      else for (const candidate of found) await this.read(candidate);
    }
    candidates.sort((a, b) => a.verifiedMs - b.verifiedMs || (a.hash < b.hash ? -1 : 1));
    this.total = inOrder ? null : candidates.length;
    for (const candidate of candidates) await this.read(candidate);
    await this.drain();
    await this.findings.flush();
  }

  /** One folder of the hash tree against what the log says is in it. @returns what is to be read */
  private async compareFolder(folder: string): Promise<Candidate[]> {
    const directory = `${this.archive.layout.objects}/${folder}`;
    const listing = await this.archive.pool.run({ task: 'scan', directory, limit: Infinity, bare: true });
    const table = new StatTable(listing.stats);
    const files = new Map(listing.names.map((name, index) => [name, table.get(index)]));
    const candidates: Candidate[] = [];
    const contents = this.archive.contents();
    const known = { verified: await contents.verifiedTimes(folder), found: await contents.findings(folder) };
    for await (const object of contents.objects(folder)) {
      const names = [object.hash.slice(2), ...twinNames(object)];
      const present = names.filter((name) => files.has(name));
      if (object.inodes.length > 0 && !present.includes(names[0]!))
        await this.findings.bad(object.hash, 'missing', 'its file is not in the hash tree');
      for (const name of present) {
        const stat = files.get(name)!;
        files.delete(name);
        const verifiedMs = known.verified.get(object.hash) ?? null;
        const wasFound = known.found.has(object.hash);
        const file = { path: `${directory}/${name}`, stat, verifiedMs, wasFound };
        if (await this.isDue(object, file))
          candidates.push({
            ...file,
            hash: object.hash,
            size: Number(stat.size),
            verifiedMs: verifiedMs ?? 0,
          });
      }
    }
    for (const name of files.keys())
      this.findings.untracked.push({
        path: `.hkfs/objects/${folder}/${name}`,
        reason: 'no event names this object',
      });
    return candidates;
  }

  /** Whether this run reads a file: a quick one only where size, mtime or ctime moved since it was sealed. */
  private async isDue(object: StoredObject, file: FileOfObject): Promise<boolean> {
    const { hash, size } = object;
    const { stat, verifiedMs, wasFound } = file;
    if (this.options.quick && !wasFound) {
      const [seal] = await this.index.seals([{ device: stat.dev, inode: stat.ino }]);
      if (stat.size === BigInt(size) && this.index.judge(hash, stat, seal) === 'good') {
        this.findings.objects += 1;
        return false;
      }
    }
    if (this.options.olderThanMs === Infinity) return true;
    // Being stored is being hashed.
    const lastGood = verifiedMs ?? (await this.archive.log.commitAt(object.firstStored)).timeMs;
    return lastGood < this.options.olderThanMs;
  }

  private async read(candidate: Candidate): Promise<void> {
    if (this.options.signal?.aborted || this.options.clock() >= this.options.deadlineMs) {
      this.findings.remaining += 1;
      return;
    }
    this.waiting.push(candidate);
    this.waitingBytes += candidate.size;
    if (this.waiting.length < TASK_FILES && this.waitingBytes < TASK_BYTES) return;
    this.submit();
    while (this.inFlight.length > this.archive.pool.size * 2) await this.settleOldest();
  }

  private async drain(): Promise<void> {
    this.submit();
    while (this.inFlight.length > 0) await this.settleOldest();
  }

  private submit(): void {
    if (this.waiting.length === 0) return;
    const files = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    const result = this.archive.pool.run({ task: 'hash', files: files.map(({ path }) => path) });
    result.catch(() => {}); // awaited in settleOldest
    this.inFlight.push({ files, result });
  }

  private async settleOldest(): Promise<void> {
    const { files, result } = this.inFlight.shift()!;
    const { hashes, failures } = await result;
    const seals = [];
    for (const [index, { hash, path, size, stat, wasFound }] of files.entries()) {
      const failure = failures.get(index);
      const actual = hashToHex(hashes.subarray(index * 32, index * 32 + 32));
      if (failure?.code === 'ECANCELED') this.findings.remaining += 1;
      else if (failure) await this.findings.bad(hash, 'unreadable', `${path}: ${failure.message}`);
      else if (actual !== hash)
        await this.findings.bad(hash, 'content', `${path} has other bytes than its name says (${actual})`);
      else {
        await this.findings.good(hash, size, wasFound);
        const { dev: device, ino: inode, mtimeNs, ctimeNs } = stat;
        seals.push(sealRow({ device, inode }, { hash, size: BigInt(size), mtimeNs, ctimeNs }));
      }
    }
    if (seals.length > 0) await this.archive.views.level.batch(seals);
    const { objects, bytes } = this.findings;
    this.options.onProgress?.({
      phase: 'verifying',
      files: objects,
      bytes,
      totalFiles: this.total,
      totalBytes: null,
    });
  }
}

function twinNames(object: StoredObject): string[] {
  return object.inodes.slice(1).map((_, twin) => `${object.hash.slice(2)}.${twin + 1}`);
}
