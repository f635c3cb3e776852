/** Files as most are, straight from the bytes of their events: no event is decoded, and no member made of it. */
import { RawEvent } from '../../events/raw-event.js';
import type { Entry } from '../../projections/namespace.js';
import { UsualHeads } from '../../tar/write-usual.js';
import { memberOf } from './member-of.js';

/** Owners whose heads are remembered: some KiB each. */
const MAX_OWNERS = 1000;
const NO_OWNER = Buffer.alloc(0);

export interface UsualFile {
  readonly size: number;
  /** 32 bytes that hold until the next one is read; null for an empty file. */
  readonly hash: Buffer | null;
}

export class UsualFiles {
  private readonly raw = new RawEvent();
  private readonly known = new Map<string, UsualHeads | null>();
  private owner: Buffer = NO_OWNER;
  private heads: UsualHeads | null = null;

  /** Null where it is none: something else than a file, or one with rare attributes. */
  read({ bytes }: Entry): UsualFile | null {
    if (bytes === undefined || this.raw.read(bytes) !== 'file.ingested') return null;
    const { hash, size } = this.raw;
    return hash === null && size > 0 ? null : this.raw;
  }

  /**
   * Of the file that was read last, under a name in the tar.
   * @returns the bytes that were written; 0 where it needs more than a usual head
   */
  writeHead(target: Buffer, at: number, { name, entry }: { name: string; entry: Entry }): number {
    const { raw } = this;
    const owner = entry.bytes!.subarray(raw.ownerAt, raw.ownerEnd);
    if (!owner.equals(this.owner)) this.turnTo(owner, entry);
    const mtimeNs = raw.numbers.readBigInt64BE(0);
    return this.heads?.write(target, at, { path: name, size: raw.size, mtimeNs }) ?? 0;
  }

  private turnTo(owner: Buffer, entry: Entry): void {
    const key = owner.toString('latin1');
    let heads = this.known.get(key);
    if (heads === undefined) {
      const member = memberOf('x', entry.event, null);
      heads = member && UsualHeads.of(member);
      if (this.known.size >= MAX_OWNERS) this.known.clear();
      this.known.set(key, heads);
    }
    this.heads = heads;
    this.owner = Buffer.from(owner);
  }
}
