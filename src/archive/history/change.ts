/** Changes of names: planned as values, shown by a dry run, executed as one operation. */
import type { HkfsEvent, Place } from '../../events/types.js';
import type { Entry } from '../../projections/namespace.js';
import type { Message } from '../api.js';
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
  /** What stands at the event's place before; null: nothing. */
  readonly previous?: Entry | null;
  /** One line for people. */
  readonly text: string;
}

export interface ChangeOptions {
  readonly clock: () => number;
  readonly onStart: (operation: number) => void;
  readonly onMessage: (message: Message) => void;
}

/** @returns the operation's number; null when there was nothing to do */
export async function execute(
  archive: OpenArchive,
  plan: ChangePlan,
  options: ChangeOptions & { counts: Record<string, number> },
): Promise<number | null> {
  if (plan.steps.length === 0) return null;
  const { clock, onMessage, counts } = options;
  const { command, args } = plan;
  const operation = await Operation.start(archive, { command, args, sources: [], clock, onMessage });
  options.onStart(operation.number);
  for (const { event, previous } of plan.steps) operation.committer.push(event, previous);
  await operation.complete(counts);
  return operation.number;
}

export function samePlace(a: Place, b: Place): boolean {
  return a.parent === b.parent && a.name === b.name;
}
