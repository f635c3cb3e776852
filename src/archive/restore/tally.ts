/** What a restore did or would do. */
import type { EntryKind } from '../../events/types.js';
import type { Failure, RestorePlan, RestoreSummary } from '../api.js';

/** Losses told by name in a question; of a dry run all are. */
const LOSSES_IN_QUESTION = 20;

export class Tally {
  files = 0;
  bytes = 0;
  directories = 0;
  symlinks = 0;
  specials = 0;
  links = 0;
  /** What was to be a link to an object and became a file of its own. */
  copied = 0;
  skipped = 0;
  differing = 0;
  overwritten = 0;
  deleted = 0;
  readonly failed: Failure[] = [];
  private readonly losses: { change: 'overwrite' | 'delete'; path: string }[] = [];
  private readonly unset = new Map<string, { path: string; count: number }>();
  private readonly keepsAll: boolean;

  constructor(keepsAll: boolean) {
    this.keepsAll = keepsAll;
  }

  count(kind: EntryKind): void {
    if (kind === 'file') this.files += 1;
    else if (kind === 'directory') this.directories += 1;
    else if (kind === 'symlink') this.symlinks += 1;
    else this.specials += 1;
  }

  lose(change: 'overwrite' | 'delete', path: string): void {
    if (change === 'overwrite') this.overwritten += 1;
    else this.deleted += 1;
    if (this.keepsAll || this.losses.length < LOSSES_IN_QUESTION) this.losses.push({ change, path });
  }

  /** Once for each reason, however many entries it is true of. */
  noteUnset(reason: string, path: string, count: number): void {
    const known = this.unset.get(reason);
    if (known) known.count += count;
    else this.unset.set(reason, { path, count });
  }

  plan(): RestorePlan {
    const { overwritten, deleted, losses } = this;
    return { overwritten, deleted, losses };
  }

  summary(seconds: number, dryRun: boolean): RestoreSummary {
    const { files, bytes, directories, symlinks, specials, links } = this;
    const { skipped, differing, overwritten, deleted } = this;
    const failed = [...this.failed, ...[...this.unset].map(unsetFailure)];
    const made = { files, bytes, directories, symlinks, specials, links };
    const others = { skipped, differing, overwritten, deleted };
    return {
      ...made,
      ...others,
      ...(this.copied > 0 ? { copied: this.copied } : {}),
      failed,
      seconds,
      ...(dryRun ? { plan: this.losses, dryRun: true as const } : {}),
    };
  }
}

function unsetFailure([reason, { path, count }]: [string, { path: string; count: number }]): Failure {
  const [what, code] = reason.split(': ') as [string, string];
  const others = count === 1 ? '' : `, here and in ${count - 1} more`;
  const why = code === 'EPERM' && process.geteuid?.() !== 0 ? ' (only root may)' : '';
  return { path, code, message: `${what} could not be set${others}${why}` };
}
