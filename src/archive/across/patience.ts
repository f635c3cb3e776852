/** Two processes may ask about the same remote: one at a time has a catalogue open, and the other waits. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HkfsError, isHkfsError } from '../../errors.js';
import { throwIfStopped } from '../stopped.js';

const PATIENCE_MS = 10_000;
const RETRY_MS = 20;

export interface Patience {
  /** As long as it takes. */
  readonly wait?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws HkfsError ARCHIVE_HELD where another process keeps it, INTERRUPTED, and what `act` throws */
export async function patiently<T>(
  what: string,
  { wait = false, signal }: Patience,
  act: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!isHkfsError(error, 'ARCHIVE_HELD')) throw error;
      if (!wait && Date.now() > deadline)
        throw new HkfsError('ARCHIVE_HELD', `${what} is in use by another process`, {
          hint: 'wait for it with --wait',
          cause: error,
        });
    }
    throwIfStopped(signal);
    await sleep(RETRY_MS);
  }
}
