/** Changes of names: planned as values, shown by a dry run, executed as one operation. */
import type { HkfsEvent, Place } from '../../events/types.js';
import type { Entry } from '../../projections/namespace.js';
import type { ChangeResult, Confirm, Failure, Message } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { Operation } from '../operation.js';

/** What a command is about to append, in order, and how it is told to people. */
export interface ChangePlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly steps: readonly ChangeStep[];
}

export interface ChangeStep {
  readonly event: HkfsEvent;
  /** One line for people. */
  readonly text: string;
}

export interface ChangeOptions {
  readonly clock: () => number;
  readonly onStart: (operation: number) => void;
  readonly onMessage?: ((message: Message) => void) | undefined;
}

/** What was appended, and what the disk refused of it. */
export type Executed = Pick<ChangeResult, 'operation' | 'failed'>;

/** @returns with no operation when there was nothing to do */
export async function execute(
  archive: OpenArchive,
  plan: ChangePlan,
  options: ChangeOptions & { counts: Record<string, number> },
): Promise<Executed> {
  if (plan.steps.length === 0) return { operation: null };
  const { clock, onMessage = () => {}, counts } = options;
  const { command, args } = plan;
  const failed: Failure[] = [];
  const onFailed = (failure: Failure): void => void failed.push(failure);
  const request = { command, args, sources: [], clock, onMessage, onFailed };
  const operation = await Operation.start(archive, request);
  options.onStart(operation.number);
  try {
    await append(plan.steps, operation);
  } catch (error) {
    await operation.fail(error instanceof Error ? error.message : String(error), {});
    throw error;
  }
  await operation.complete(counts);
  return failed.length > 0 ? { operation: operation.number, failed } : { operation: operation.number };
}

/**
 * One commit, but for renames, each of which is a commit of its own: after a kill the tree's last
 * commit is applied again, and one rename applied twice is one rename, while a swap of two names
 * applied twice is none.
 */
async function append(steps: readonly ChangeStep[], { committer }: Operation): Promise<void> {
  for (const { event } of steps) {
    if (event.type === 'path.renamed') await committer.flush();
    committer.push(event);
    if (event.type === 'path.renamed') await committer.flush();
  }
  await committer.flush();
}

/** Shows a plan and asks, where there is somebody to ask. */
export async function isConfirmed(
  plan: ChangePlan,
  options: { dryRun?: boolean | undefined; confirm?: Confirm | undefined },
): Promise<boolean> {
  if (options.dryRun || plan.steps.length === 0 || options.confirm === undefined) return true;
  return options.confirm(textsOf(plan));
}

export function textsOf({ steps }: ChangePlan): string[] {
  return steps.map(({ text }) => text);
}

export function samePlace(a: Place, b: Place): boolean {
  return a.parent === b.parent && a.name === b.name;
}

export function placeOfEntry({ parent, name }: Entry): Place {
  return { parent, name };
}
