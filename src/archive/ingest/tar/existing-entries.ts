/** What stood below a directory before this operation, read a directory at a time. */
import type { DirectoryId, Place } from '../../../events/types.js';
import type { Entry, Namespace } from '../../../projections/namespace.js';

/** Entries kept at once; of a larger directory each entry is looked up by itself. */
const MAX_ENTRIES = 50_000;

export class ExistingEntries {
  private readonly namespace: Namespace;
  /** Null for a directory with too many entries. Oldest first. */
  private readonly directories = new Map<DirectoryId, ReadonlyMap<string, Entry> | null>();
  private kept = 0;

  constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  async get(place: Place): Promise<Entry | undefined> {
    let entries = this.directories.get(place.parent);
    if (entries === undefined) entries = await this.load(place.parent);
    return entries === null ? this.namespace.entryAt(place) : entries.get(place.name);
  }

  private async load(directory: DirectoryId): Promise<ReadonlyMap<string, Entry> | null> {
    const entries = new Map<string, Entry>();
    let isTooLarge = false;
    for await (const batch of this.namespace.list(directory)) {
      for (const entry of batch) entries.set(entry.name, entry);
      isTooLarge = entries.size > MAX_ENTRIES;
      if (isTooLarge) break;
    }
    const kept = isTooLarge ? null : entries;
    this.directories.set(directory, kept);
    this.kept += kept?.size ?? 0;
    this.forgetOldest(directory);
    return kept;
  }

  private forgetOldest(newest: DirectoryId): void {
    for (const [directory, entries] of this.directories) {
      if (this.kept <= MAX_ENTRIES || directory === newest) return;
      this.directories.delete(directory);
      this.kept -= entries?.size ?? 0;
    }
  }
}
