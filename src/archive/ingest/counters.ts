/** What an ingest did so far: the numbers of its summary and of its progress. */
import type { Failure, IngestSummary, Message } from '../api.js';

export class Counters {
  files = 0;
  bytes = 0;
  directories = 0;
  symlinks = 0;
  specials = 0;
  newObjects = 0;
  newBytes = 0;
  duplicateFiles = 0;
  duplicateBytes = 0;
  unchangedFiles = 0;
  removed = 0;
  /** Bytes of tars as they are stored, read so far; contents of `bytes` that came out of them. */
  tarRead = 0;
  tarBytes = 0;
  readonly failed: Failure[] = [];
  private readonly unreadBy = new Map<string, { first: string; count: number }>();

  /** Failures kept for the summary; more are counted and reported one by one as messages. */
  static readonly MAX_FAILURES = 100_000;

  readonly onMessage: (message: Message) => void;

  constructor(onMessage: (message: Message) => void) {
    this.onMessage = onMessage;
  }

  file(size: number): void {
    this.files += 1;
    this.bytes += size;
  }

  /** @param text what is said of it at once, where it is no single entry that was left out */
  fail(path: string, code: string, message: string, text = `not ingested: ${message}`): void {
    if (this.failed.length < Counters.MAX_FAILURES) this.failed.push({ path, code, message });
    this.onMessage({ level: 'warning', code, path, text });
  }

  /** An entry whose content is kept and whose extended attributes and ACLs are not known. */
  unread(path: string, { code }: { code: string }): void {
    const known = this.unreadBy.get(code);
    if (known) known.count += 1;
    else this.unreadBy.set(code, { first: path, count: 1 });
  }

  /** Once for each reason. */
  tellUnread(): void {
    for (const [code, { first, count }] of this.unreadBy) {
      const more = count === 1 ? '' : `; of ${count - 1} more likewise`;
      const text = `its extended attributes and ACLs cannot be read (${code})${more}: what is known of them stays`;
      this.onMessage({ level: 'warning', code: 'ATTRIBUTES_UNREAD', path: first, text });
    }
    this.unreadBy.clear();
  }

  /** The numbers alone, as the operation's closing event keeps them. */
  counts(): Record<string, number> {
    const { files, bytes, directories, symlinks, specials, newObjects, newBytes } = this;
    const { duplicateFiles, duplicateBytes, unchangedFiles, removed } = this;
    return {
      files,
      bytes,
      directories,
      symlinks,
      specials,
      newObjects,
      newBytes,
      duplicateFiles,
      duplicateBytes,
      unchangedFiles,
      removed,
      failed: this.failed.length,
    };
  }

  summary(operation: number | null, seconds: number): IngestSummary {
    const { failed: _count, ...counts } = this.counts();
    const numbers = counts as unknown as Omit<IngestSummary, 'operation' | 'failed' | 'seconds'>;
    const dry = operation === null ? { dryRun: true as const } : {};
    return { operation, ...numbers, failed: this.failed, seconds, ...dry };
  }
}
