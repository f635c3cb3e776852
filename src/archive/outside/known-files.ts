/**
 * The memory of what outside files hashed to: `.hkfs/outside`, a file a device. It lies outside of the
 * views, so that it can be read and written while another process holds the archive.
 */
import { statfsSync } from 'node:fs';
import { errnoOf } from '../../errors.js';
import { mergeKnown, RECORD_BYTES, shareKnown } from '../../fs/known-table.js';
import { toFsPath } from '../../fs/names.js';
import type { Layout } from '../layout.js';
import { readChecked, writeChecked } from './checked-file.js';

/** Files of one device that are remembered: 512 MiB of records. */
const MAX_RECORDS = 8 << 20;
/** FAT and exFAT: inode numbers are given anew with each mount, and times are coarse. */
const UNSTABLE_FILESYSTEMS: ReadonlySet<number> = new Set([0x4d44, 0x2011bab0]);

interface Device {
  readonly before: Uint8Array;
  readonly table: SharedArrayBuffer | null;
  readonly fresh: Uint8Array[];
}

export class KnownFiles {
  private readonly layout: Layout;
  private readonly ignore: boolean;
  /** Null: nothing of it may be remembered. */
  private readonly devices = new Map<bigint, Device | null>();

  /** @param ignore read everything (`--checksum`), and remember it all the same */
  constructor(layout: Layout, ignore: boolean) {
    this.layout = layout;
    this.ignore = ignore;
  }

  /** The table of a device for the threads. @param path anything on it */
  table(device: bigint, path: string): SharedArrayBuffer | null {
    let known = this.devices.get(device);
    if (known === undefined) {
      known = isStable(path) ? this.load(device) : null;
      this.devices.set(device, known);
    }
    return known?.table ?? null;
  }

  add(device: bigint, records: Uint8Array): void {
    if (records.length > 0) this.devices.get(device)?.fresh.push(records);
  }

  /** Another run may have written meanwhile: the last one wins, and the other's files are read again. */
  save(): void {
    for (const [device, known] of this.devices)
      if (known !== null && known.fresh.length > 0) this.write(device, known);
  }

  private load(device: bigint): Device {
    const before = readChecked(this.path(device));
    const isUsable = before.length > 0 && before.length % RECORD_BYTES === 0;
    const table = this.ignore || !isUsable ? null : shareKnown(before);
    return { before: isUsable ? before : new Uint8Array(0), table, fresh: [] };
  }

  private write(device: bigint, { before, fresh }: Device): void {
    const newer = new Uint8Array(Buffer.concat(fresh));
    const isTooMuch = (before.length + newer.length) / RECORD_BYTES > MAX_RECORDS;
    const records = mergeKnown(isTooMuch ? new Uint8Array(0) : before, newer);
    writeChecked(this.layout, this.path(device), records);
  }

  private path(device: bigint): string {
    return `${this.layout.outside}/device-${device}`;
  }
}

function isStable(path: string): boolean {
  try {
    return !UNSTABLE_FILESYSTEMS.has(statfsSync(toFsPath(path === '' ? '.' : path)).type);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false; // the path is gone, or too long: read everything
  }
}
