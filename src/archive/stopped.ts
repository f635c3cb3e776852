import { HkfsError } from '../errors.js';

/** @throws HkfsError INTERRUPTED once the signal says so */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new HkfsError('INTERRUPTED', 'stopped; what was done stays', {
    hint: 'run the same command again to go on',
  });
}
