/** An operation: opened by one event, closed by another, whatever happens in between. */
import { hostname, userInfo } from 'node:os';
import { errnoOf, isHkfsError } from '../errors.js';
import type { HkfsEvent } from '../events/types.js';
import { settling } from '../fs/settling.js';
import { Committer } from './committer.js';
import type { Failure, Message } from './api.js';
import { clockAsRead } from './log-clock.js';
import type { OpenArchive } from './open-archive.js';
import { lastOperation } from './queries/operations.js';

export interface OperationRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly sources: readonly string[];
  readonly clock: () => number;
  readonly onMessage: (message: Message) => void;
  /** The events tell what is on the disk already. */
  readonly adopts?: boolean;
  /** Instead of `onMessage`, for names that are not in the tree as they should be. */
  readonly onRefused?: (failure: Failure) => void;
  /** As well as `onMessage`, for whatever the disk refused of the tree. */
  readonly onFailed?: (failure: Failure) => void;
}

export class Operation {
  readonly number: number;
  readonly committer: Committer;

  /** Asked when an event is made: what the clock says where the log is ahead of it. */
  private readonly asRead: () => { clockMs?: number };

  private constructor(number: number, committer: Committer, asRead: () => { clockMs?: number }) {
    this.number = number;
    this.committer = committer;
    this.asRead = asRead;
  }

  /** The opening event is durable before anything else is done. */
  static async start(archive: OpenArchive, request: OperationRequest): Promise<Operation> {
    const number = (await lastOperation(archive)) + 1;
    const { command, args, sources, clock } = request;
    const committer = new Committer(archive, { ...request, operation: number });
    const { user, host } = whoAmI();
    const started = { operation: number, command, args, user, host, sources };
    const asRead = (): { clockMs?: number } => clockAsRead(archive, clock());
    committer.push({ type: 'operation.started', ...started, ...asRead() });
    await committer.flush();
    return new Operation(number, committer, asRead);
  }

  /** A whole operation as one commit: there wholly or not at all. @returns its number */
  static async record(
    archive: OpenArchive,
    request: OperationRequest,
    { events, counts }: { events: readonly HkfsEvent[]; counts: Record<string, number> },
  ): Promise<number> {
    const number = (await lastOperation(archive)) + 1;
    const { command, args, sources, clock, onMessage } = request;
    const committer = new Committer(archive, { operation: number, clock, onMessage });
    const { user, host } = whoAmI();
    const asRead = clockAsRead(archive, clock());
    const started = { operation: number, command, args, user, host, sources };
    committer.push({ type: 'operation.started', ...started, ...asRead });
    for (const event of events) committer.push(event);
    committer.push({ type: 'operation.completed', operation: number, counts, ...asRead });
    await committer.flush();
    return number;
  }

  /** The end is told when the tree is on the disk: of a closed operation nothing has to be applied again. */
  complete(counts: Record<string, number>): Promise<void> {
    return settling(() => this.close(counts));
  }

  private async close(counts: Record<string, number>): Promise<void> {
    await this.committer.settle();
    this.committer.push({ type: 'operation.completed', operation: this.number, counts, ...this.asRead() });
    await this.committer.flush();
    this.committer.tellBeyondTimes();
  }

  /** Best effort: where even this cannot be written, `ops` shows the operation as interrupted. */
  fail(reason: string, counts: Record<string, number>): Promise<void> {
    return settling(() => this.tryToFail(reason, counts));
  }

  private async tryToFail(reason: string, counts: Record<string, number>): Promise<void> {
    try {
      await this.committer.settle();
      this.committer.push({
        type: 'operation.failed',
        operation: this.number,
        reason,
        counts,
        ...this.asRead(),
      });
      await this.committer.flush();
      this.committer.tellBeyondTimes();
    } catch (error) {
      if (!isHkfsError(error) && errnoOf(error) === undefined) throw error;
    }
  }
}

function whoAmI(): { user: string; host: string } {
  const host = hostname();
  try {
    return { user: userInfo().username, host };
  } catch (error) {
    // A uid without an entry in the password file.
    if ((error as { code?: unknown }).code !== 'ERR_SYSTEM_ERROR') throw error;
    return { user: String(process.getuid?.() ?? ''), host };
  }
}
