/** The contents that commits name, gathered while they are imported. */
import { decodeEvent } from '../../events/codec.js';
import { peekType, RawEvent } from '../../events/raw-event.js';
import type { StoredCommit } from '../../events/segment.js';
import { ObjectList } from './object-list.js';

export class NamedObjects {
  readonly list = new ObjectList();
  /** None of the list went again; else only the views know what is left. */
  isComplete = true;
  private readonly seen = new Set<string>();
  private readonly raw = new RawEvent();

  add(commits: readonly StoredCommit[]): void {
    for (const { events } of commits) for (const bytes of events) this.addEvent(bytes);
  }

  private addEvent(bytes: Buffer): void {
    const type = peekType(bytes);
    if (type === 'object.removed') this.isComplete = false;
    if (type !== 'object.stored') return;
    if (this.raw.read(bytes) === 'object.stored') return this.addObject(this.raw.hash!, this.raw.size);
    // The first of a commit carries a link, which the short way does not read.
    const event = decodeEvent(bytes, 0);
    if (event.type === 'object.stored') this.addObject(Buffer.from(event.hash, 'hex'), event.size);
  }

  private addObject(hash: Buffer, size: number): void {
    const text = hash.toString('latin1');
    if (this.seen.has(text)) return;
    this.seen.add(text);
    this.list.add(hash, size);
  }
}
