/**
 * What a power cut leaves of a disk: everything up to the last flush before it, and of what was written
 * after that flush nothing, all, a part, or a part of whose writes only some sectors arrived.
 */
import { closeSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { below, type Random } from '../random.js';
import { run } from './log-disk.js';

const HEADER = 32;
const SECTOR = 512;
const ZEROS = Buffer.alloc(1 << 20);

export const LOSSES = ['nothing', 'all', 'some', 'torn'] as const;
/** What is there of the writes after the last flush. */
export type Loss = (typeof LOSSES)[number];

export interface LoggedWrite {
  readonly kind: 'write' | 'flush' | 'discard';
  readonly ns: bigint;
  readonly offset: number;
  readonly length: number;
  /** Where the bytes of a write are in the log. */
  readonly at: number;
}

const KINDS = [undefined, 'write', 'flush', 'discard'] as const;

export function readWriteLog(path: string): LoggedWrite[] {
  const fd = openSync(path, 'r');
  const { size } = statSync(path);
  const header = Buffer.alloc(HEADER);
  const writes: LoggedWrite[] = [];
  try {
    for (let at = 0; at + HEADER <= size;) {
      readSync(fd, header, 0, HEADER, at);
      const [ns, offset, length, kind] = [0, 8, 16, 24].map((field) => header.readBigUInt64LE(field)) as [
        bigint,
        bigint,
        bigint,
        bigint,
      ];
      const write = { kind: KINDS[Number(kind)]!, ns, offset: Number(offset), length: Number(length) };
      writes.push({ ...write, at: at + HEADER });
      at += HEADER + (write.kind === 'write' ? write.length : 0);
    }
  } finally {
    closeSync(fd);
  }
  return writes;
}

/** Disks after cuts at moments that only go forwards: what is flushed is written once. */
export class CutDisk {
  private readonly log: number;
  private readonly writes: readonly LoggedWrite[];
  private readonly flushed: string;
  private done = 0;

  /** @param base the disk before the log began; it is copied */
  constructor(files: { base: string; log: string; flushed: string }, writes: readonly LoggedWrite[]) {
    this.writes = writes;
    this.flushed = files.flushed;
    this.log = openSync(files.log, 'r');
    copySparse(files.base, files.flushed);
  }

  /** Makes the disk of a cut. @returns how many writes were not flushed by then */
  cut(ns: bigint, image: string, { loss, random }: { loss: Loss; random: Random }): number {
    const end = this.firstAfter(ns);
    const flush = this.writes.slice(0, end).findLastIndex(({ kind }) => kind === 'flush');
    if (flush + 1 < this.done) throw new Error('cuts come in order');
    this.writeTo(this.flushed, this.writes.slice(this.done, flush + 1), (write) => this.bytesOf(write));
    this.done = Math.max(this.done, flush + 1);
    copySparse(this.flushed, image);
    const volatile = this.writes.slice(flush + 1, end);
    this.writeTo(image, volatile, (write) => arrived(this.bytesOf(write), loss, random));
    return volatile.length;
  }

  close(): void {
    closeSync(this.log);
    rmSync(this.flushed, { force: true });
  }

  private firstAfter(ns: bigint): number {
    const index = this.writes.findIndex((write) => write.ns > ns);
    return index === -1 ? this.writes.length : index;
  }

  private writeTo(
    image: string,
    writes: readonly LoggedWrite[],
    bytesOf: (write: LoggedWrite) => readonly (Buffer | null)[],
  ): void {
    const fd = openSync(image, 'r+');
    try {
      for (const write of writes.filter(({ kind }) => kind !== 'flush')) {
        let { offset } = write;
        for (const piece of bytesOf(write)) {
          if (piece) writeSync(fd, piece, 0, piece.length, offset);
          offset += piece?.length ?? SECTOR;
        }
      }
    } finally {
      closeSync(fd);
    }
  }

  private bytesOf({ kind, at, length }: LoggedWrite): Buffer[] {
    if (kind === 'discard')
      return Array.from({ length: Math.ceil(length / ZEROS.length) }, (_none, index) =>
        ZEROS.subarray(0, Math.min(ZEROS.length, length - index * ZEROS.length)),
      );
    const bytes = Buffer.alloc(length);
    readSync(this.log, bytes, 0, length, at);
    return [bytes];
  }
}

/** Null stands for a sector that did not arrive. */
function arrived(pieces: readonly Buffer[], loss: Loss, random: Random): (Buffer | null)[] {
  if (loss === 'all') return [...pieces];
  if (loss === 'nothing' || random() < 0.5) return [];
  if (loss === 'some' || random() < 0.5) return [...pieces];
  const [bytes] = pieces;
  const sectors: (Buffer | null)[] = [];
  for (let at = 0; at < bytes!.length; at += SECTOR)
    sectors.push(below(random, 2) === 0 ? null : bytes!.subarray(at, at + SECTOR));
  return pieces.length === 1 ? sectors : [...pieces];
}

/** Disks are mostly holes. */
function copySparse(from: string, to: string): void {
  rmSync(to, { force: true });
  run('cp', '--sparse=always', from, to);
}
