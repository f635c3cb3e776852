/** Bytes of a transfer that go no faster than a limit says. */

export interface Throttle {
  /** No more go at once: small enough that the limit holds from one second to the next. */
  readonly stepBytes: number;
  /** Resolves when these bytes may go. @throws once the signal says to stop */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** The same bytes in steps, each when it may go. */
export async function* throttled(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  throttle: Throttle,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const bytes of source)
    for (let at = 0; at < bytes.length; at += throttle.stepBytes) {
      const step = bytes.subarray(at, at + throttle.stepBytes);
      await throttle.take(step.length, signal);
      yield step;
    }
}
