/** The hash tree against the log, and the bytes of objects against their names. */
import { errnoOf } from '../../errors.js';
import type { LevelPut } from '../../events/level.js';
import type { Hash } from '../../events/types.js';
import { hashToHex } from '../../fs/hash.js';
import { keptInodesOf } from '../../fs/keep-damaged.js';
import { isSettled, nowInNs } from '../../fs/settled.js';
import { sameContentStat, StatTable, type FileStat } from '../../fs/stats.js';
import { CHECK, type CheckResult, type EntryFailure, type HashResult, type Listing } from '../../fs/tasks.js';
import type { StoredObject } from '../../projections/contents.js';
import type { Progress } from '../api.js';
import type { InodeId } from '../../projections/keys.js';
import { ObjectIndex, sealRow, type Seal } from '../object-index.js';
import type { LogClock } from '../log-clock.js';
import type { OpenArchive } from '../open-archive.js';
import type { Findings } from './findings.js';
import { InodeTable } from '../inode-table.js';

const FAN_OUT = 256;
/** Files whose folders are being read while those before them are compared: few megabytes of results. */
const FILES_AHEAD = 8192;
const TASK_FILES = 256;
const TASK_BYTES = 32 << 20;

export interface ObjectCheckOptions {
  readonly quick: boolean;
  /** A catalogue: contents that are not here are not missing. */
  readonly mayLack: boolean;
  /** Milliseconds since 1970; Infinity: every object. */
  readonly olderThanMs: number;
  /** Milliseconds since 1970 at which no more is read. */
  readonly deadlineMs: number;
  readonly clock: () => number;
  readonly logClock: LogClock;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** A file of the hash tree that the log names. */
interface Candidate {
  readonly hash: Hash;
  readonly path: string;
  readonly size: number;
  readonly stat: FileStat;
  /**
   * The log knows no such inode of the object here: it came in place of one that is gone, or of none. In a
   * copy that is so for all, and a seal is enough.
   */
  readonly moved: { readonly from: InodeId | null; readonly isNew: boolean } | null;
}

/** A candidate of a run that does not read everything. */
interface Dated extends Candidate {
  /** When it was last verified, or else stored, milliseconds since 1970; 0: never verified here. */
  readonly verifiedMs: number;
  /** What our seal says of the inode: its bytes are those of the object. */
  readonly isSealed: boolean;
}

/** What reading a file gave: the hash of its bytes, or why it could not be read. */
type Reading = { readonly actual: Hash; readonly isSettled: boolean } | { readonly failure: EntryFailure };

interface ObjectFile {
  readonly name: string;
  readonly index: number;
  readonly stat: FileStat;
}

/** Takes a file that was found under its object's name. */
type TakeFile = (object: StoredObject, file: Candidate, at: ObjectFile) => Promise<void> | void;

interface KnownOfFolder {
  /** Milliseconds since 1970. */
  readonly verified: ReadonlyMap<Hash, number>;
  /** By file name. */
  readonly seals: ReadonlyMap<string, Seal | undefined>;
}

export class ObjectCheck {
  /** What is in the hash tree: a name in the tree that is one of these is a link to its object. */
  readonly placed = new InodeTable();
  private readonly archive: OpenArchive;
  private readonly findings: Findings;
  private readonly options: ObjectCheckOptions;
  private readonly index: ObjectIndex;
  private readonly inFlight: { files: Candidate[]; result: Promise<HashResult>; startedNs: bigint }[] = [];
  private waiting: Candidate[] = [];
  private waitingBytes = 0;
  private total: number | null = null;
  /** Objects that an earlier run found wrong. */
  private found: ReadonlyMap<Hash, string> = new Map();
  private seals: LevelPut[] = [];

  constructor(archive: OpenArchive, findings: Findings, options: ObjectCheckOptions) {
    this.archive = archive;
    this.findings = findings;
    this.options = options;
    this.index = new ObjectIndex(archive.views.level);
  }

  async run(): Promise<void> {
    const { quick, olderThanMs, deadlineMs } = this.options;
    this.found = await this.archive.contents().findings('');
    if (!quick && olderThanMs === Infinity && deadlineMs === Infinity) await this.readAll();
    else await this.readDue();
    await this.findings.flush();
  }

  /** Every object in the order of the hash tree: the threads read whole folders, some ahead of us. */
  private async readAll(): Promise<void> {
    const { pool, layout } = this.archive;
    const reading: { result: Promise<CheckResult>; startedNs: bigint }[] = [];
    // Hashes are spread evenly: one folder tells how many files the others have.
    let ahead = pool.size * 2;
    for (let at = 0; at < FAN_OUT && !this.options.signal?.aborted; at += 1) {
      while (reading.length < Math.min(FAN_OUT, at + ahead)) {
        const prefix = folderName(reading.length);
        const result = pool.run({ task: 'check', directory: `${layout.objects}/${prefix}`, prefix });
        result.catch(() => {}); // awaited when its turn comes
        reading.push({ result, startedNs: nowInNs() });
      }
      const files = await this.compareRead(folderName(at), reading[at]!);
      ahead = Math.max(pool.size * 2, Math.floor(FILES_AHEAD / Math.max(1, files)));
    }
  }

  /** @returns how many files the folder has */
  private async compareRead(
    folder: string,
    reading: { readonly result: Promise<CheckResult>; readonly startedNs: bigint },
  ): Promise<number> {
    let result: CheckResult;
    try {
      result = await reading.result;
    } catch (error) {
      if (errnoOf(error) !== 'ECANCELED') throw error;
      for await (const { inodes } of this.archive.contents().objects(folder))
        this.findings.remaining += inodes.length;
      return 0;
    }
    await this.compareFolder(folder, result, (object, file, { index }) => {
      const failure = result.failures.get(index);
      if (failure) return this.settle(file, { failure });
      if (result.status[index] !== CHECK.unread) {
        const actual = result.actual.get(index) ?? object.hash;
        const isSteady = result.steady[index] === 1;
        return this.settle(file, { actual, isSettled: isSteady && isSettled(file.stat, reading.startedNs) });
      }
      return this.settle(file, { failure: { code: 'EINVAL', message: 'it is no regular file' } });
    });
    await this.writeSeals();
    this.report();
    return result.names.length;
  }

  /** Without a budget in the order of the hash tree; else what was verified longest ago comes first. */
  private async readDue(): Promise<void> {
    const inOrder = this.options.deadlineMs === Infinity;
    const candidates: Dated[] = [];
    for (let at = 0; at < FAN_OUT && !this.options.signal?.aborted; at += 1) {
      const due = await this.dueOfFolder(folderName(at));
      if (!inOrder) for (const candidate of due) candidates.push(candidate);
      else for (const candidate of due) await this.read(candidate);
    }
    candidates.sort((a, b) => a.verifiedMs - b.verifiedMs || (a.hash < b.hash ? -1 : 1));
    this.total = inOrder ? null : candidates.length;
    for (const candidate of candidates) await this.read(candidate);
    await this.drain();
  }

  private async dueOfFolder(folder: string): Promise<Dated[]> {
    const directory = `${this.archive.layout.objects}/${folder}`;
    const listing = await this.archive.pool.run({ task: 'scan', directory, limit: Infinity, bare: true });
    const known = await this.knownOf(folder, listing);
    const candidates: Dated[] = [];
    await this.compareFolder(folder, listing, async (object, file, { name }) => {
      const seal = known.seals.get(name);
      const isSealed = this.index.judge(object.hash, file.stat, seal) === 'good';
      const isKnown = file.moved === null || isSealed;
      // What was verified elsewhere was not verified here.
      const verifiedMs = isKnown ? (known.verified.get(object.hash) ?? 0) : 0;
      const dated = { ...file, verifiedMs, isSealed };
      if (await this.isDue(object, dated)) candidates.push(dated);
    });
    return candidates;
  }

  /** One folder of the hash tree against what the log says is in it. */
  private async compareFolder(
    folder: string,
    listing: { readonly names: readonly string[]; readonly stats: BigInt64Array },
    take: TakeFile,
  ): Promise<void> {
    const directory = `${this.archive.layout.objects}/${folder}`;
    const files = filesByObject(listing);
    const contents = this.archive.contents();
    for await (const object of contents.objects(folder)) {
      const name = object.hash.slice(2);
      const present = files.get(name) ?? [];
      files.delete(name);
      const isAbsent = object.inodes.length > 0 && present[0]?.name !== name;
      if (isAbsent && !this.options.mayLack)
        await this.findings.bad(object.hash, 'missing', 'its file is not in the hash tree');
      const recorded = contents.inodesHere(object);
      const gone = recorded.filter((inode) => !present.some(({ stat }) => isInode(stat, inode)));
      const isNew = object.inodes.length === 0;
      for (const file of present) {
        const { stat } = file;
        const isRecorded = recorded.some((inode) => isInode(stat, inode));
        this.placed.add(stat, object.hash);
        const candidate: Candidate = {
          hash: object.hash,
          path: `${directory}/${file.name}`,
          size: Number(stat.size),
          stat,
          moved: isRecorded ? null : { from: gone.shift() ?? null, isNew },
        };
        const taken = take(object, candidate, file);
        // Most are done at once, and a turn of the event loop for each would be felt.
        if (taken) await taken;
      }
      if (present.length > 0) for (const inode of gone) await this.findings.inodeGone(object, inode);
    }
    for (const { name } of [...files.values()].flat())
      this.findings.untracked.push({
        path: `.hkfs/objects/${folder}/${name}`,
        reason: 'no event names this object',
      });
  }

  /** What is known of a folder's objects, in a few reads instead of some for each. */
  private async knownOf(folder: string, listing: Listing): Promise<KnownOfFolder> {
    const seals = new Map<string, Seal | undefined>();
    if (listing.names.length > 0) {
      const table = new StatTable(listing.stats);
      const inodes = listing.names.map((_name, index) => {
        const { dev: device, ino: inode } = table.get(index);
        return { device, inode };
      });
      const found = await this.index.seals(inodes);
      for (const [index, name] of listing.names.entries()) seals.set(name, found[index]);
    }
    const { logClock } = this.options;
    const timeOf = logClock.timeOf.bind(logClock);
    return { verified: await this.archive.contents().verifiedTimes(folder, timeOf), seals };
  }

  /** Whether this run reads a file: a quick one only where size, mtime or ctime moved since it was sealed. */
  private async isDue(object: StoredObject, file: Dated): Promise<boolean> {
    const { moved, isSealed } = file;
    if (moved !== null && (!isSealed || moved.from !== null || moved.isNew)) return true;
    if (this.options.quick && !this.found.has(file.hash)) {
      if (isSealed && file.stat.size === BigInt(object.size)) {
        this.findings.objects += 1;
        return false;
      }
    }
    if (this.options.olderThanMs === Infinity) return true;
    // Being stored is being hashed.
    if (file.verifiedMs > 0) return file.verifiedMs < this.options.olderThanMs;
    const { timeMs } = await this.archive.log.commitAt(object.firstStored);
    return this.options.logClock.timeOf(object.firstStored, timeMs) < this.options.olderThanMs;
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
    this.inFlight.push({ files, result, startedNs: nowInNs() });
  }

  private async settleOldest(): Promise<void> {
    const { files, result, startedNs } = this.inFlight.shift()!;
    const { hashes, failures, stats } = await result;
    const after = new StatTable(stats);
    for (const [index, file] of files.entries()) {
      const failure = failures.get(index);
      const actual = hashToHex(hashes.subarray(index * 32, index * 32 + 32));
      const isSteady = sameContentStat(file.stat, after.get(index)) && isSettled(file.stat, startedNs);
      if (failure?.code === 'ECANCELED') this.findings.remaining += 1;
      else await this.settle(file, failure ? { failure } : { actual, isSettled: isSteady });
    }
    await this.writeSeals();
    this.report();
  }

  /** A file that was read: good, or damaged. */
  private settle(file: Candidate, reading: Reading): Promise<void> | void {
    const { hash, size, stat, moved } = file;
    if (!('actual' in reading) || reading.actual !== hash) return this.settleBad(file, reading);
    const isFull = this.findings.good(hash, size);
    const { dev: device, ino: inode, mtimeNs, ctimeNs } = stat;
    if (reading.isSettled)
      this.seals.push(sealRow({ device, inode }, { hash, size: stat.size, mtimeNs, ctimeNs }));
    if (isFull || moved !== null || this.found.has(hash)) return this.settleChanged(file, isFull);
  }

  private settleBad({ hash, path }: Candidate, reading: Reading): Promise<void> {
    if ('failure' in reading)
      return this.findings.bad(hash, 'unreadable', `${path}: ${reading.failure.message}`);
    return this.findings.bad(
      hash,
      'content',
      `${path} has other bytes than its name says (${reading.actual})`,
    );
  }

  private async settleChanged({ hash, size, stat, moved }: Candidate, isFull: boolean): Promise<void> {
    const isFound = this.found.has(hash);
    // A heal that was killed may have replaced an inode that only we know, and kept it.
    const kept = isFound && moved?.from === null ? keptInodesOf(this.archive.layout.damaged, hash) : [];
    const from = moved?.from ?? kept.at(-1) ?? null;
    // In this order: names of the inode that it had become links to the one that it has.
    if (moved !== null && (from !== null || moved.isNew))
      await this.findings.inodeMoved({ hash, size }, from, stat);
    if (isFound) await this.findings.healed(hash);
    if (isFull) await this.findings.flush();
  }

  private async writeSeals(): Promise<void> {
    const { seals } = this;
    this.seals = [];
    const batch = this.archive.views.level.batch();
    for (const { key, value } of seals) batch.put(key, value);
    await batch.write();
  }

  private report(): void {
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

function folderName(at: number): string {
  return at.toString(16).padStart(2, '0');
}

/** The files of a folder by the 62 digits that their names begin with, the first inode's first. */
function filesByObject(listing: {
  readonly names: readonly string[];
  readonly stats: BigInt64Array;
}): Map<string, ObjectFile[]> {
  const table = new StatTable(listing.stats);
  const files = new Map<string, ObjectFile[]>();
  for (const [index, name] of listing.names.entries()) {
    const object = /^[0-9a-f]{62}\.\d+$/.test(name) ? name.slice(0, 62) : name;
    const file = { name, index, stat: table.get(index) };
    const others = files.get(object);
    if (others) others.push(file);
    else files.set(object, [file]);
  }
  return files;
}

function isInode(stat: FileStat, { device, inode }: InodeId): boolean {
  return stat.ino === inode && stat.dev === device;
}
