/** An end that waits for nobody. */
import { isatty } from 'node:tty';
import { loadLibc } from './libc.js';

/**
 * `process.exit` joins Node's threads, and one that reads from a dead disk or writes to a stalled file does
 * not come. `_exit` ends them; a terminal that a question made raw is given back before.
 */
export function exitNow(status: number): void {
  if (isatty(0) && process.stdin.isRaw) process.stdin.setRawMode(false);
  loadLibc()?._exit(status);
  process.exit(status);
}
