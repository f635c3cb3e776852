/** A remote's log into ours: nothing is believed until the root that a checkpoint signs was computed from it. */
import { commitHeadAt } from '../../events/commit-head.js';
import type { EventLog } from '../../events/log.js';
import { recordsIn } from '../../events/log-read.js';
import type { StoredCommit } from '../../events/segment.js';
import type { CommitHead } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import type { LogJudge } from '../../projections/judge/log-judge.js';
import type { Progress } from '../api.js';
import { refuseGap } from './bundle-gap.js';
import { throwIfStopped } from '../stopped.js';
import { checkpointName } from './names.js';
import { tellingParted } from './parting.js';
import type { RemoteArchive } from './remote-archive.js';
import { SegmentReader } from './segment-reader.js';
import type { VerifierKey } from '../../events/signed-note.js';

export interface ImportOptions {
  /** What a checkpoint of the remote signs. */
  readonly to: CommitHead;
  readonly key: VerifierKey;
  /** Where the log is not folded by a judge before anything else is done by it. */
  readonly judge?: LogJudge | undefined;
  /** Sees all that is taken. */
  readonly onCommits?: ((commits: readonly StoredCommit[]) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * Appends what ours lacks. What it has must be the beginning of the remote's.
 * @throws HkfsError REMOTE_DAMAGED naming the segment, REMOTE_DIVERGED, LOG_DAMAGED naming the event, INTERRUPTED
 */
export function importLog(log: EventLog, remote: RemoteArchive, options: ImportOptions): Promise<void> {
  const { key, to } = options;
  return tellingParted(remote, log, { key, size: to.size, act: () => adoptAll(log, remote, options) });
}

async function adoptAll(
  log: EventLog,
  remote: RemoteArchive,
  { to, signal, onProgress, onCommits, judge }: ImportOptions,
): Promise<void> {
  const judged = judge && ((all: readonly StoredCommit[]) => judge.judge(all.flatMap(recordsIn)));
  const segments = await remote.listSegments();
  refuseGap(remote, { first: segments[0]?.first ?? 0, size: log.size });
  const reader = new SegmentReader(remote, segments);
  while (log.size < to.size) {
    throwIfStopped(signal);
    const { segment, commits } = await reader.read(log.size, to.size);
    const isNext = commits[0]!.commit.first === log.size;
    const taken = isNext ? await log.adopt(commits, judged) : 0;
    onCommits?.(commits.slice(0, taken));
    failpoint('clone.segment');
    if (taken < commits.length) reader.reject(segment);
    onProgress?.({
      phase: 'log',
      files: log.size,
      bytes: 0,
      totalFiles: to.size,
      totalBytes: null,
    });
  }
  if (log.head().root !== to.root)
    throw remote.damaged(
      checkpointName(remote.id, to.size),
      'the log segments do not have the root that it signs',
    );
  await requireSignedRecord(log, remote, to);
}

/** What came ended in the commit record that was signed. @throws HkfsError REMOTE_DAMAGED */
async function requireSignedRecord(log: EventLog, remote: RemoteArchive, to: CommitHead): Promise<void> {
  const { commit } = await commitHeadAt(log, to.size);
  if (to.commit !== undefined && commit !== to.commit)
    throw remote.damaged(
      checkpointName(remote.id, to.size),
      'the log segments do not end in the commit record that it signs',
    );
}
