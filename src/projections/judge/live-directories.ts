/** Directories that are known to hang in the tree, so that not each event walks up to the root. */
import type { DirectoryId } from '../../events/types.js';

const MAX_KNOWN = 50_000;

export class LiveDirectories {
  private readonly byId = new Map<DirectoryId, string>();
  private readonly byPlace = new Map<string, DirectoryId>();

  has(id: DirectoryId): boolean {
    return id === 0 || this.byId.has(id);
  }

  add(id: DirectoryId, place: string): void {
    if (this.byId.size >= MAX_KNOWN) this.clear();
    this.byId.set(id, place);
    this.byPlace.set(place, id);
  }

  /** Something else is at the place now: whatever was below a directory there has to be looked up again. */
  changed(place: string): void {
    if (this.byPlace.has(place)) this.clear();
  }

  private clear(): void {
    this.byId.clear();
    this.byPlace.clear();
  }
}
