/** The hash tree against the log, and the bytes of objects against their names. */
import type { Hash } from '../../events/types.js';
import { hashToHex } from '../../fs/hash.js';
import { StatTable, type FileStat } from '../../fs/stats.js';
import type { HashResult, Listing } from '../../fs/tasks.js';
import type { StoredObject } from '../../projections/contents.js';
import type { Progress } from '../api.js';
import type { InodeId } from '../../projections/keys.js';
import { ObjectIndex, sealRow, type Seal } from '../object-index.js';
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
  /** An earlier run found it wrong. */
  readonly wasFound: boolean;
  readonly stat: FileStat;
  /** The log knows no such inode of the object: it came in place of one that is gone, or of none. */
  readonly moved: { readonly from: InodeId | null } | null;
}

interface ObjectFile {
  readonly name: string;
  readonly stat: FileStat;
}

interface KnownOfFolder {
  /** Milliseconds since 1970. */
  readonly verified: ReadonlyMap<Hash, number>;
  readonly found: ReadonlyMap<Hash, string>;
  /** By file name; of a quick run only. */
  readonly seals: ReadonlyMap<string, Seal | undefined>;
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
    const files = filesByObject(listing);
    const known = await this.knownOf(folder, files);
    const candidates: Candidate[] = [];
    for await (const object of this.archive.contents().objects(folder)) {
      const name = object.hash.slice(2);
      const present = files.get(name) ?? [];
      files.delete(name);
      if (object.inodes.length > 0 && present[0]?.name !== name)
        await this.findings.bad(object.hash, 'missing', 'its file is not in the hash tree');
      const gone = object.inodes.filter((inode) => !present.some(({ stat }) => isInode(stat, inode)));
      for (const { name: fileName, stat } of present) {
        const isRecorded = object.inodes.some((inode) => isInode(stat, inode));
        const candidate: Candidate = {
          hash: object.hash,
          path: `${directory}/${fileName}`,
          size: Number(stat.size),
          verifiedMs: known.verified.get(object.hash) ?? 0,
          wasFound: known.found.has(object.hash),
          stat,
          moved: isRecorded ? null : { from: gone.shift() ?? null },
        };
        if (await this.isDue(object, candidate, known.seals.get(fileName))) candidates.push(candidate);
      }
      if (present.length > 0) for (const inode of gone) await this.findings.inodeGone(object, inode);
    }
    for (const { name } of [...files.values()].flat())
      this.findings.untracked.push({
        path: `.hkfs/objects/${folder}/${name}`,
        reason: 'no event names this object',
      });
    return candidates;
  }

  /** What is known of a folder's objects, in a few reads instead of some for each. */
  private async knownOf(
    folder: string,
    files: ReadonlyMap<string, readonly ObjectFile[]>,
  ): Promise<KnownOfFolder> {
    const contents = this.archive.contents();
    const seals = new Map<string, Seal | undefined>();
    if (this.options.quick) {
      const all = [...files.values()].flat();
      const inodes = all.map(({ stat }) => ({ device: stat.dev, inode: stat.ino }));
      const found = inodes.length === 0 ? [] : await this.index.seals(inodes);
      for (const [index, { name }] of all.entries()) seals.set(name, found[index]);
    }
    return { verified: await contents.verifiedTimes(folder), found: await contents.findings(folder), seals };
  }

  /** Whether this run reads a file: a quick one only where size, mtime or ctime moved since it was sealed. */
  private async isDue(object: StoredObject, file: Candidate, seal: Seal | undefined): Promise<boolean> {
    if (file.moved !== null) return true;
    if (this.options.quick && !file.wasFound) {
      const isSealed = this.index.judge(object.hash, file.stat, seal) === 'good';
      if (isSealed && file.stat.size === BigInt(object.size)) {
        this.findings.objects += 1;
        return false;
      }
    }
    if (this.options.olderThanMs === Infinity) return true;
    // Being stored is being hashed.
    const storedMs = file.verifiedMs || (await this.archive.log.commitAt(object.firstStored)).timeMs;
    return storedMs < this.options.olderThanMs;
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
    for (const [index, { hash, path, size, stat, wasFound, moved }] of files.entries()) {
      const failure = failures.get(index);
      const actual = hashToHex(hashes.subarray(index * 32, index * 32 + 32));
      if (failure?.code === 'ECANCELED') this.findings.remaining += 1;
      else if (failure) await this.findings.bad(hash, 'unreadable', `${path}: ${failure.message}`);
      else if (actual !== hash)
        await this.findings.bad(hash, 'content', `${path} has other bytes than its name says (${actual})`);
      else {
        await this.findings.good(hash, size, wasFound);
        if (moved !== null) await this.findings.inodeMoved({ hash, size }, moved.from, stat);
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

/** The files of a folder by the 62 digits that their names begin with, the first inode's first. */
function filesByObject(listing: Listing): Map<string, ObjectFile[]> {
  const table = new StatTable(listing.stats);
  const files = new Map<string, ObjectFile[]>();
  for (const [index, name] of listing.names.entries()) {
    const object = /^[0-9a-f]{62}(\.\d+)?$/.test(name) ? name.slice(0, 62) : name;
    const file = { name, stat: table.get(index) };
    const others = files.get(object);
    if (others) others.push(file);
    else files.set(object, [file]);
  }
  return files;
}

function isInode(stat: FileStat, { device, inode }: InodeId): boolean {
  return stat.ino === inode && stat.dev === device;
}
