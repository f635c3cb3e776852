/** Getting hold of an archive, or of an answer from whoever holds it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HkfsError, isHkfsError } from '../errors.js';
import { askHolder, readHolder } from './holder.js';
import type { Layout } from './layout.js';
import { hasEnded } from './remote-reader.js';
import { OpenArchive, type OpenOptions } from './open-archive.js';
import { throwIfStopped } from './stopped.js';

/** Short queries come and go: a held archive is tried again for this long before it counts as held. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 10;
const WAIT_RETRY_MS = 100;

export interface AcquireOptions extends OpenOptions {
  /** Wait for as long as it takes. */
  readonly wait?: boolean | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** @throws HkfsError INTERRUPTED, ARCHIVE_HELD that says by whom, and what OpenArchive.open throws */
export async function acquire(layout: Layout, options: AcquireOptions = {}): Promise<OpenArchive> {
  const opened = await tryUntil(layout, options, async () => null);
  return opened as OpenArchive;
}

/** The archive itself, or `answered` as soon as its holder answers on its socket. */
export async function acquireOrAsk(
  layout: Layout,
  options: AcquireOptions = {},
): Promise<OpenArchive | 'answered'> {
  return tryUntil(layout, options, () => isAnswering(layout));
}

async function tryUntil(
  layout: Layout,
  options: AcquireOptions,
  alternative: () => Promise<'answered' | null>,
): Promise<OpenArchive | 'answered'> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    throwIfStopped(options.signal);
    const heldBy = await attempt(layout, options);
    if (!isHkfsError(heldBy)) return heldBy;
    const answer = await alternative();
    if (answer !== null) return answer;
    const isWriter = readHolder(layout)?.kind === 'writer';
    if (!options.wait && (isWriter || Date.now() > deadline)) throw explain(layout, heldBy);
    await pause(options.wait && isWriter ? WAIT_RETRY_MS : RETRY_MS, options.signal);
  }
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
