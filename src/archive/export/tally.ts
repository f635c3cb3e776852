/** What an export did, and what could not be held. */
import type { EntryKind } from '../../events/types.js';
import type { ExportSummary, Failure } from '../api.js';

export class ExportTally {
  files = 0;
  bytes = 0;
  directories = 0;
  symlinks = 0;
  specials = 0;
  links = 0;
  readonly failed: Failure[] = [];
  private readonly losses = new Map<string, { path: string; count: number }>();

  count(kind: EntryKind, size: number): void {
    this.bytes += size;
    if (kind === 'file') this.files += 1;
    else if (kind === 'directory') this.directories += 1;
    else if (kind === 'symlink') this.symlinks += 1;
    else this.specials += 1;
  }

  fail(path: string, { code, message }: { code: string; message: string }): void {
    this.failed.push({ path, code, message });
  }

  /** The format has no way to hold the entry. */
  refuse(path: string, message: string): void {
    this.fail(path, { code: 'NOT_HELD', message });
  }

  /** Once for each reason, however many entries it is true of. */
  lose(path: string, message: string): void {
    const known = this.losses.get(message);
    if (known) known.count += 1;
    else this.losses.set(message, { path, count: 1 });
  }

  summary(seconds: number, output: string | null): ExportSummary {
    const { files, bytes, directories, symlinks, specials, links } = this;
    const lost = [...this.losses].map(([message, { path, count }]) => ({
      path,
      code: 'NOT_HELD',
      message: count === 1 ? message : `${message}, here and in ${count - 1} more`,
    }));
    const failed = [...this.failed, ...lost];
    return { files, bytes, directories, symlinks, specials, links, output, failed, seconds };
  }
}
