/** Bytes a second, kept on average: who takes more waits longer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Throttle } from '../../store/remote/throttle.js';

/** So much a step at most, and no more than goes in a quarter of a second. */
const MAX_STEP = 256 << 10;
const STEPS_A_SECOND = 4;
/** A transfer that gets less than this a second is taken for one that stands still. */
const BYTES_A_TRANSFER = 16 << 10;

export class RateLimiter implements Throttle {
  readonly stepBytes: number;
  private readonly bytesPerSecond: number;
  private readonly now: () => number;
  private readonly wait: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  /** When all that was taken so far is paid for. */
  private paidAtMs = 0;

  /** @param bytesPerSecond Infinity: no limit */
  constructor(
    bytesPerSecond: number,
    {
      now = () => performance.now(),
      wait = (ms: number, signal?: AbortSignal): Promise<unknown> =>
        sleep(ms, undefined, signal === undefined ? {} : { signal }),
    } = {},
  ) {
    this.bytesPerSecond = bytesPerSecond;
    this.stepBytes = Math.max(1, Math.min(MAX_STEP, Math.floor(bytesPerSecond / STEPS_A_SECOND)));
    this.now = now;
    this.wait = wait;
  }

  /** Undefined where there is no limit: then nothing passes through here. */
  get throttle(): Throttle | undefined {
    return this.bytesPerSecond === Infinity ? undefined : this;
  }

  /** How many transfers may share the limit. */
  widthOf(concurrency: number): number {
    return Math.max(1, Math.min(concurrency, Math.floor(this.bytesPerSecond / BYTES_A_TRANSFER)));
  }

  /** Resolves when these bytes may go. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    if (this.bytesPerSecond === Infinity) return;
    const now = this.now();
    const start = Math.max(now, this.paidAtMs);
    this.paidAtMs = start + (bytes / this.bytesPerSecond) * 1000;
    if (start > now) await this.wait(start - now, signal);
  }
}
