/**
 * Work that goes on side by side. `Promise.all` gives up at the first failure while the rest goes on behind
 * it, on stores, logs and threads that its caller then closes: what waits for those waits for ever. Here all
 * have ended before anybody hears of a failure.
 */

/** @throws the failure that came first, when all have ended */
export async function together<const T extends readonly unknown[]>(
  work: T,
  /** Called at the first failure: whatever else goes on may end early. */
  onFailure: () => void = () => {},
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const failures: unknown[] = [];
  const noted = work.map(async (one) => {
    try {
      return await one;
    } catch (error) {
      if (failures.push(error) === 1) onFailure();
      return undefined;
    }
  });
  const results = await Promise.all(noted);
  if (failures.length > 0) throw failures[0];
  return results as { -readonly [K in keyof T]: Awaited<T[K]> };
}

/**
 * Does something with each item, `width` of them at once. After a failure no other item is begun.
 *
 * @throws the failure that came first, when all that was under way has ended
 */
export async function eachAtOnce<T>(
  items: Iterable<T>,
  width: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const pending = items[Symbol.iterator]();
  let hasFailed = false;
  const work = async (): Promise<void> => {
    for (let next = pending.next(); next.done !== true; next = pending.next()) {
      await act(next.value);
      if (hasFailed) return;
    }
  };
  await together(Array.from({ length: width }, work), () => (hasFailed = true));
}
