/** The contents that commits name, gathered while they are imported. */
import { peekType, RawEvent } from '../../events/raw-event.js';
import type { StoredCommit } from '../../events/segment.js';
import { ObjectList } from './object-list.js';

export class NamedObjects {
  readonly list = new ObjectList();
  /** Some of the list went again, or could not be read here: only the views know what is left. */
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
    if (this.raw.read(bytes) !== 'object.stored') {
      this.isComplete = false;
      return;
    }
    const text = this.raw.hash!.toString('latin1');
    if (this.seen.has(text)) return;
    this.seen.add(text);
    this.list.add(this.raw.hash!, this.raw.size);
  }
}
