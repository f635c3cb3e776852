/** Many files through the threads that copy and hash them, a few batches at a time. */
import type { WorkerPool } from '../../fs/pool.js';
import type { CarryItem, CarryResult } from '../../fs/tasks.js';
import { together } from '../../fs/together.js';

const BATCH_FILES = 128;
const BATCH_BYTES = 8 << 20;

export interface CarryOptions {
  /** See CarryTask. */
  readonly named?: boolean;
  /** Called before a batch is handed over. */
  readonly before: () => Promise<void>;
  /** Called in the order of the batches. */
  readonly after: (items: readonly CarryItem[], result: CarryResult) => Promise<void>;
}

/** @throws errors of the file system that is written to */
export async function carryBatches(
  pool: WorkerPool,
  items: Iterable<CarryItem>,
  { before, after, named = false }: CarryOptions,
): Promise<void> {
  const inFlight: { batch: CarryItem[]; result: Promise<CarryResult> }[] = [];
  const settleOldest = async (): Promise<void> => {
    const { batch, result } = inFlight.shift()!;
    await after(batch, await result);
  };
  try {
    for (const batch of batches(items)) {
      try {
        await before();
      } catch (error) {
        // What is under way is taken: a stop throws nothing away.
        while (inFlight.length > 0) await settleOldest();
        throw error;
      }
      const result = pool.run({ task: 'carry', items: batch, named });
      result.catch(() => {}); // awaited in settleOldest
      inFlight.push({ batch, result });
      if (inFlight.length > pool.size * 2) await settleOldest();
    }
    while (inFlight.length > 0) await settleOldest();
  } finally {
    // After a failure no thread writes on behind whoever closes the store.
    await Promise.allSettled(inFlight.map(({ result }) => result));
  }
}

function* batches(items: Iterable<CarryItem>): Generator<CarryItem[]> {
  let batch: CarryItem[] = [];
  let bytes = 0;
  for (const item of items) {
    batch.push(item);
    bytes += item.size;
    if (batch.length < BATCH_FILES && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

const NAMED_AT_ONCE = 512;

/** Gives staged files their names, replacing none. @returns the indexes of those whose names were taken */
export async function nameByThreads(
  pool: WorkerPool,
  items: readonly { from: string; to: string }[],
): Promise<number[]> {
  const starts = Array.from(
    { length: Math.ceil(items.length / NAMED_AT_ONCE) },
    (_, at) => at * NAMED_AT_ONCE,
  );
  const taken: number[] = [];
  const name = async (start: number): Promise<void> => {
    const chunk = items.slice(start, start + NAMED_AT_ONCE).map((item) => ({ ...item, replace: false }));
    const { failures } = await pool.run({ task: 'name', items: chunk });
    for (const [index, { code, message }] of failures) {
      if (code !== 'EEXIST') throw Object.assign(new Error(message), { code, path: chunk[index]!.to });
      taken.push(start + index);
    }
  };
  await together(starts.map(name));
  return taken;
}
