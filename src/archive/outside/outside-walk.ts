/** Directories of the outside world, walked and hashed by all threads at once. */
import { joinPath } from '../../fs/names.js';
import type { WorkerPool } from '../../fs/pool.js';
import { OUTSIDE, type OutsideFound, type OutsideUnit } from '../../fs/tasks.js';
import type { Message } from '../api.js';
import type { OwnPlaces } from '../own-places.js';
import type { KnownFiles } from './known-files.js';
import { OutsideFiles } from './outside-files.js';

/** Directories in one task at most. */
const MAX_UNITS = 16;
/** Names of a large directory in one task; as many as a thread looks at in one go. */
const UNIT_NAMES = 2048;
/** Bytes of large files in one task. */
const UNIT_BYTES = 32 << 20;

/** The directories from an operand down, by inode: a loop of bind mounts meets itself. */
interface Ancestors {
  readonly device: bigint;
  readonly inode: bigint;
  readonly above: Ancestors | null;
}

interface Unit {
  readonly directory: string;
  readonly names: readonly string[] | null;
  readonly chain: Ancestors;
}

export interface OutsideDirectory {
  readonly path: string;
  readonly device: bigint;
  readonly inode: bigint;
}

export interface WalkParts {
  readonly pool: WorkerPool;
  readonly known: KnownFiles;
  readonly own: OwnPlaces;
  readonly onMessage: (message: Message) => void;
  readonly signal: AbortSignal | undefined;
}

export class OutsideWalk {
  readonly files = new OutsideFiles();
  /** Called after each task. */
  onStep: () => void = () => {};
  private readonly parts: WalkParts;
  private readonly units: Unit[] = [];

  constructor(parts: WalkParts) {
    this.parts = parts;
  }

  addDirectory({ path, device, inode }: OutsideDirectory): void {
    this.units.push({ directory: path, names: null, chain: { device, inode, above: null } });
  }

  /** Files of one directory, which itself is not walked. */
  addFiles(directory: OutsideDirectory, names: readonly string[]): void {
    const chain = { device: directory.device, inode: directory.inode, above: null };
    for (let from = 0; from < names.length; from += UNIT_NAMES)
      this.units.push({ directory: directory.path, names: names.slice(from, from + UNIT_NAMES), chain });
  }

  /** Everything that was added, and what is below. */
  async run(): Promise<OutsideFiles> {
    const running = new Set<Promise<void>>();
    const limit = this.parts.pool.size * 2 + 1;
    try {
      for (;;) {
        while (this.units.length > 0 && running.size < limit && !this.parts.signal?.aborted) {
          const step: Promise<void> = this.step().finally(() => running.delete(step));
          step.catch(() => {}); // the race below reports it
          running.add(step);
        }
        if (running.size === 0) break;
        await Promise.race(running);
      }
    } finally {
      await Promise.allSettled(running);
    }
    this.files.sort();
    return this.files;
  }

  private async step(): Promise<void> {
    const share = Math.ceil(this.units.length / (this.parts.pool.size * 2));
    const units = this.units.splice(-Math.min(MAX_UNITS, share));
    const task = { task: 'outside' as const, units: units.map((unit) => this.request(unit)) };
    const result = await this.parts.pool.run(task);
    for (const [index, found] of result.units.entries()) this.take(units[index]!, found);
    this.onStep();
  }

  private request({ directory, names, chain }: Unit): OutsideUnit {
    const { device } = chain;
    return { directory, names, known: this.parts.known.table(device, directory), device };
  }

  private take(unit: Unit, found: OutsideFound): void {
    const { directory, chain } = unit;
    this.parts.known.add(chain.device, found.records);
    this.files.others += found.others;
    for (const [name, { code, message }] of found.failures)
      this.files.failed.push({ path: name === '' ? directory : joinPath(directory, name), code, message });
    this.files.add({ directory, ...this.withoutPostponed(unit, found) });
    this.addFilesOf(unit, found.rest);
    for (const [index, name] of found.directories.entries())
      this.child(unit, name, { device: found.places[index * 2]!, inode: found.places[index * 2 + 1]! });
  }

  /** What was postponed goes into tasks of about equal bytes. */
  private withoutPostponed(
    unit: Unit,
    found: OutsideFound,
  ): { names: readonly string[]; sizes: Float64Array; hashes: Uint8Array } {
    if (!found.status.includes(OUTSIDE.postponed)) return found;
    const indexes = [...found.names.keys()];
    let postponed: string[] = [];
    let bytes = 0;
    for (const index of indexes) {
      if (found.status[index] !== OUTSIDE.postponed) continue;
      postponed.push(found.names[index]!);
      bytes += found.sizes[index]!;
      if (bytes < UNIT_BYTES) continue;
      this.addFilesOf(unit, postponed);
      postponed = [];
      bytes = 0;
    }
    this.addFilesOf(unit, postponed);
    const done = indexes.filter((index) => found.status[index] !== OUTSIDE.postponed);
    const hashes = new Uint8Array(done.length * 32);
    for (const [to, from] of done.entries())
      hashes.set(found.hashes.subarray(from * 32, from * 32 + 32), to * 32);
    return {
      names: done.map((index) => found.names[index]!),
      sizes: Float64Array.from(done, (index) => found.sizes[index]!),
      hashes,
    };
  }

  private addFilesOf({ directory, chain }: Unit, names: readonly string[]): void {
    for (let from = 0; from < names.length; from += UNIT_NAMES)
      this.units.push({ directory, names: names.slice(from, from + UNIT_NAMES), chain });
  }

  private child(unit: Unit, name: string, place: { device: bigint; inode: bigint }): void {
    const path = joinPath(unit.directory, name);
    const own = this.parts.own.describe({ dev: place.device, ino: place.inode });
    if (own !== null) return this.note('ARCHIVE_SKIPPED', path, `${own}: skipped`);
    for (let at: Ancestors | null = unit.chain; at !== null; at = at.above)
      if (isSame(place, at))
        return this.note('LOOP_SKIPPED', path, 'a directory that contains itself (a bind mount?): skipped');
    this.units.push({ directory: path, names: null, chain: { ...place, above: unit.chain } });
  }

  private note(code: string, path: string, text: string): void {
    this.parts.onMessage({ level: 'note', code, path, text });
  }
}

function isSame(a: { device: bigint; inode: bigint }, b: { device: bigint; inode: bigint }): boolean {
  return a.device === b.device && a.inode === b.inode;
}
