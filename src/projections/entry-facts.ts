/** What digests and lists of files need of an entry's row, without a decoded event where one can do without. */
import { decodeEvent } from '../events/codec.js';
import { RawEvent } from '../events/raw-event.js';
import type { DirectoryId, EntryKind, FileIngested, HkfsEvent, Position } from '../events/types.js';
import { readPosition } from './keys.js';

export class EntryFacts {
  kind: EntryKind = 'file';
  /** Of directories; else 0. */
  directoryId: DirectoryId = 0;
  /** 32 bytes; null for everything but files that are not empty. */
  hash: Buffer | null = null;
  size = 0;
  /** `device:inode` that the names of one source inode share. */
  linkGroup: string | null = null;
  /** Of symlinks; else empty. */
  target = '';
  /** Of devices; else 0. */
  major = 0;
  minor = 0;
  private readonly raw = new RawEvent();

  /** The fields hold until the next `read`. @param position of the row, to say where it is damaged */
  read(value: Buffer, position: Position): void {
    this.hash = null;
    this.linkGroup = null;
    this.size = 0;
    if (value[0] === 0) {
      this.kind = 'directory';
      this.directoryId = readPosition(value, 0);
    } else if (this.raw.read(value) === 'file.ingested') {
      this.kind = 'file';
      this.hash = this.raw.hash;
      this.size = this.raw.size;
    } else this.readEvent(decodeEvent(value, position), position);
  }

  private readEvent(event: HkfsEvent, position: Position): void {
    switch (event.type) {
      case 'file.ingested':
        return this.readFile(event);
      case 'symlink.added':
        this.kind = 'symlink';
        this.target = event.target;
        return;
      case 'special.added':
        this.kind = event.kind;
        this.major = event.major;
        this.minor = event.minor;
        return;
      default:
        throw new Error(`the entry row of position ${position} holds ${event.type}`);
    }
  }

  private readFile({ hash, size, attributes }: FileIngested): void {
    this.kind = 'file';
    this.hash = hash === null ? null : Buffer.from(hash, 'hex');
    this.size = size;
    this.linkGroup = attributes.linkGroup?.join(':') ?? null;
  }
}
