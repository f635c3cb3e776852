/** Counts what goes over, and tells it a few times a second. */
import type { Progress } from '../api.js';

const INTERVAL_MS = 100;

export class TransferMeter {
  files = 0;
  bytes = 0;
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(
    phase: string,
    totals: { readonly files: number; readonly bytes: number },
    onProgress: ((progress: Progress) => void) | undefined,
  ) {
    if (!onProgress) return;
    const tell = (): void => {
      const { files, bytes } = this;
      onProgress({ phase, files, bytes, totalFiles: totals.files, totalBytes: totals.bytes });
    };
    this.timer = setInterval(tell, INTERVAL_MS);
  }

  add(bytes: number): void {
    this.files += 1;
    this.bytes += bytes;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
