/** Bytes a second, kept on average: who takes more waits longer. */
import { setTimeout as sleep } from 'node:timers/promises';

export class RateLimiter {
  private readonly bytesPerSecond: number;
  private readonly now: () => number;
  private readonly wait: (ms: number) => Promise<unknown>;
  /** When all that was taken so far is paid for. */
  private paidAtMs = 0;

  /** @param bytesPerSecond Infinity: no limit */
  constructor(
    bytesPerSecond: number,
    { now = () => performance.now(), wait = (ms: number) => sleep(ms) } = {},
  ) {
    this.bytesPerSecond = bytesPerSecond;
    this.now = now;
    this.wait = wait;
  }

  /** Resolves when these bytes may go. */
  async take(bytes: number): Promise<void> {
    if (this.bytesPerSecond === Infinity) return;
    const now = this.now();
    const start = Math.max(now, this.paidAtMs);
    this.paidAtMs = start + (bytes / this.bytesPerSecond) * 1000;
    if (start > now) await this.wait(start - now);
  }
}
