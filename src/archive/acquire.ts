/** Getting hold of an archive, or of an answer from whoever holds it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HkfsError, isHkfsError } from '../errors.js';
import { askHolder } from './holder/ask.js';
import { readHolder } from './holder/holder-file.js';
import type { Layout } from './layout.js';
import { hasEnded } from './remote-reader.js';
import { OpenArchive, type OpenOptions } from './open-archive.js';
import { throwIfStopped } from './stopped.js';
import { isAwaited, Ticket } from './ticket.js';

/** Short queries come and go: a held archive is tried again for this long before it counts as held. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 10;
const WAIT_RETRY_MS = 100;
/** Whoever stands in the queue looks for itself now and then: the first of it may be stopped. */
const DISTRUST_MS = 5_000;
/** Queries let a writer that waits go first, which then answers them; many of them would leave it no turn. */
const YIELD_MS = 1_000;
const YIELD_RETRY_MS = 25;

export interface AcquireOptions extends OpenOptions {
  /** Wait for as long as it takes. */
  readonly wait?: boolean | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** @throws HkfsError INTERRUPTED, ARCHIVE_HELD that says by whom, and what OpenArchive.open throws */
export async function acquire(layout: Layout, options: AcquireOptions = {}): Promise<OpenArchive> {
  if (options.wait === true) return acquireInTurn(layout, options);
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const heldBy = await attempt(layout, options);
    if (!isHkfsError(heldBy)) return heldBy;
    if (isWritten(layout) || Date.now() > deadline) throw explain(layout, heldBy);
    await pause(RETRY_MS, options.signal);
  }
}

/** One after the other, as they came. */
async function acquireInTurn(layout: Layout, options: AcquireOptions): Promise<OpenArchive> {
  const { signal } = options;
  const ticket = await Ticket.take(layout);
  try {
    for (;;) {
      const isFirst = await ticket?.comesFirst(DISTRUST_MS, signal);
      throwIfStopped(signal);
      const heldBy = await attempt(layout, options);
      if (!isHkfsError(heldBy)) return heldBy;
      if (isFirst !== false) await pause(isFirst === true ? RETRY_MS : WAIT_RETRY_MS, signal);
    }
  } finally {
    ticket?.leave();
  }
}

/** The archive itself, or `answered` as soon as its holder answers on its socket. */
export async function acquireOrAsk(
  layout: Layout,
  options: AcquireOptions = {},
): Promise<OpenArchive | 'answered'> {
  const { wait = false, signal } = options;
  const deadline = Date.now() + PATIENCE_MS;
  if (await isAnsweredByNext(layout, signal)) return 'answered';
  for (;;) {
    throwIfStopped(signal);
    const heldBy = await attempt(layout, options);
    if (!isHkfsError(heldBy)) return heldBy;
    // A writer that does not answer is about to, or about to end.
    if ((await isAnswering(layout)) === 'answered') return 'answered';
    if (!wait && Date.now() > deadline) throw explain(layout, heldBy);
    await pause(wait && isWritten(layout) ? WAIT_RETRY_MS : RETRY_MS, signal);
  }
}

/** While somebody waits for the archive: whether whoever holds it, or comes next, answers. */
async function isAnsweredByNext(layout: Layout, signal: AbortSignal | undefined): Promise<boolean> {
  const end = Date.now() + YIELD_MS;
  while (Date.now() < end && (await isAwaited(layout))) {
    if ((await isAnswering(layout)) === 'answered') return true;
    await pause(YIELD_RETRY_MS, signal);
  }
  return false;
}

function isWritten(layout: Layout): boolean {
  return readHolder(layout)?.kind === 'writer';
}

/** Ends early when the signal says so, and leaves it to the caller to look at it. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => throwIfStopped(signal));
}

async function attempt(layout: Layout, options: OpenOptions): Promise<OpenArchive | HkfsError> {
  try {
    return await OpenArchive.open(layout.root, options);
  } catch (error) {
    if (isHkfsError(error, 'ARCHIVE_HELD')) return error;
    throw error;
  }
}

async function isAnswering(layout: Layout): Promise<'answered' | null> {
  try {
    for await (const _head of askHolder(layout, { method: 'head', args: [] })) return 'answered';
  } catch (error) {
    // Nobody listens yet, or no longer: the file is absent, stale, or its process just ended.
    if (!hasEnded(error)) throw error;
  }
  return null;
}

function explain(layout: Layout, cause: HkfsError): HkfsError {
  const holder = readHolder(layout);
  const who =
    holder === null ? 'another process' : `process ${holder.pid} (${holder.command}) since ${holder.since}`;
  return new HkfsError('ARCHIVE_HELD', `the archive ${layout.root} is held by ${who}`, {
    hint: 'wait for it with --wait',
    cause,
  });
}
