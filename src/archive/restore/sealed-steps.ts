/**
 * Which objects need not be read before they are linked to or share their blocks: those that are as their seals
 * say. The threads compare once more, when they have the object open. What is copied is hashed in any case.
 */
import { StatTable } from '../../fs/stats.js';
import type { RestoreStep, TrustedStat } from '../../fs/tasks.js';
import { trustedOf } from '../../store/hash-tree/copy-object.js';
import type { ObjectIndex } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';

/** Smaller files are read and written in less time than sharing takes. */
const REFLINK_MIN_BYTES = 4096;

type ContentStep = Extract<RestoreStep, { content: unknown }>;

export class SealedSteps {
  private readonly archive: OpenArchive;
  private readonly index: ObjectIndex;

  constructor(archive: OpenArchive, index: ObjectIndex) {
    this.archive = archive;
    this.index = index;
  }

  /** The same steps, with what their objects have to be like to be trusted; in one look-up for all. */
  async trusted(steps: readonly RestoreStep[], reflink: boolean): Promise<readonly RestoreStep[]> {
    const asked = steps.filter((step) => isAsked(step, reflink));
    if (asked.length === 0) return steps;
    const files = asked.map(({ content }) => content.object!);
    const { stats } = await this.archive.pool.run({ task: 'stat-objects', files });
    const table = new StatTable(stats);
    const inodes = asked.map((_step, at) => ({ device: table.get(at).dev, inode: table.get(at).ino }));
    const seals = await this.index.seals(inodes);
    const trusted = new Map<RestoreStep, TrustedStat>();
    for (const [at, step] of asked.entries())
      if (this.index.judge(step.content.hash!, table.get(at), seals[at]) === 'good')
        trusted.set(step, trustedOf(table.get(at)));
    return steps.map((step) => (trusted.has(step) ? withTrust(step, trusted.get(step)!) : step));
  }
}

/** What takes the place of a file is read: bytes that rotted under an inode that nobody touched may be its last. */
function isAsked(step: RestoreStep, reflink: boolean): step is ContentStep {
  if ('replace' in step && step.replace) return false;
  if (step.op === 'object') return true;
  return step.op === 'file' && reflink && step.content.size >= REFLINK_MIN_BYTES && !step.content.others;
}

function withTrust(step: RestoreStep, trusted: TrustedStat): RestoreStep {
  return 'content' in step ? { ...step, content: { ...step.content, trusted } } : step;
}
