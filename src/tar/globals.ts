/** Records that hold for all members after them: kept once, shared by all, and bounded. */
import { readXattrs, type ReadXattrs } from './pax-xattrs.js';
import { isMeant, keepsEmpty, type PaxRecord } from './pax.js';

/** Every member may repeat them in the archive's log. */
const MAX_BYTES = 256 << 10;

export class Globals {
  private readonly values = new Map<string, Buffer>();
  private bytes = 0;
  private read: ReadXattrs | null = null;

  get(key: string): Buffer | undefined {
    return this.values.get(key);
  }

  /** An empty value takes a record away. @returns false where there is no room for it */
  set({ key, value }: PaxRecord): boolean {
    if (!isMeant(key)) return true;
    this.read = null;
    this.bytes -= sizeOf(key, this.values.get(key));
    this.values.delete(key);
    if (value.length === 0 && !keepsEmpty(key)) return true;
    if (this.bytes + sizeOf(key, value) > MAX_BYTES) return false;
    this.values.set(key, Buffer.from(value));
    this.bytes += sizeOf(key, value);
    return true;
  }

  xattrs(): ReadXattrs {
    return (this.read ??= readXattrs(this.values));
  }
}

function sizeOf(key: string, value: Buffer | undefined): number {
  return value === undefined ? 0 : key.length + value.length;
}
