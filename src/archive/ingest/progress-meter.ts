/** Turns the counters of a run into progress values, a few times a second. */
import { WorkerPool } from '../../fs/pool.js';
import type { IngestOptions } from '../api.js';
import type { Counters } from './counters.js';
import { STDIN } from './sources.js';

const INTERVAL_MS = 100;

export class ProgressMeter {
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly counting: Promise<void> | undefined;
  private readonly counter: WorkerPool | undefined;
  private totals: { files: number; bytes: number } | null = null;
  private read = 0;

  constructor(pool: WorkerPool, counters: Counters, options: IngestOptions, paths: readonly string[]) {
    const { onProgress, estimate } = options;
    if (!onProgress) return;
    pool.onBytes = (bytes) => (this.read += bytes);
    // What comes through a pipe has no size.
    if (estimate && !paths.includes(STDIN)) {
      this.counter = new WorkerPool(1);
      this.counter.borrow(pool);
      this.counting = this.counter
        .run({ task: 'count', paths })
        .then((totals) => void (this.totals = totals));
      this.counting.catch(() => {}); // an estimate that fails is no estimate
    }
    this.timer = setInterval(() => {
      const { files, tarRead } = counters;
      const bytes = counters.bytes - counters.tarBytes;
      // Bytes of a large file under way are known before the file is counted.
      const large = tarRead > 0 ? 0 : Math.min(this.read, this.totals?.bytes ?? this.read);
      // A tar is as far as its own bytes are read, whatever they unpack to.
      const reached = tarRead + Math.max(bytes, large);
      const totals = { totalFiles: this.totals?.files ?? null, totalBytes: this.totals?.bytes ?? null };
      onProgress({ phase: 'ingesting', files, bytes: reached, ...totals });
    }, INTERVAL_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.counter?.close();
  }
}
