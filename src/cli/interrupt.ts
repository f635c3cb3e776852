import { EXIT, HkfsError } from '../errors.js';

/** The parts of `process` that an interruption needs. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): void;
}

export interface Interruption {
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  stop(): void;
}

export interface InterruptHooks {
  readonly say: (line: string) => void;
  /** Whether something is being made durable that should get to its end. */
  readonly isSettling: () => boolean;
  /** Told that the time for a clean stop is over, before the exit. */
  readonly giveUp: () => void;
}

/** A stop takes less than a second, whoever is waited for: a network, a pipe, a person. */
const GRACE_MS = 750;
/** What is being made durable gets more, and once it is, as much again for what ends behind it. */
const SETTLING_MS = 10_000;
const TICK_MS = 50;

/**
 * The first Ctrl-C or SIGTERM asks for a clean stop, and gets another one when that takes too long: every
 * step of hkfs stands a kill. The second leaves at once.
 */
export function listenForInterrupt(source: SignalSource, hooks: InterruptHooks): Interruption {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onSignal = (): void => {
    if (controller.signal.aborted) return source.exit(EXIT.interrupted);
    hooks.say('hkfs: stopping cleanly; again to stop at once');
    timer = limitStop(hooks, () => source.exit(EXIT.interrupted));
    controller.abort();
  };
  source.on('SIGINT', onSignal);
  source.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    stop() {
      clearInterval(timer);
      source.off('SIGINT', onSignal);
      source.off('SIGTERM', onSignal);
    },
  };
}

function limitStop({ isSettling, giveUp }: InterruptHooks, leave: () => void): NodeJS.Timeout {
  let grace = GRACE_MS;
  let settling = SETTLING_MS;
  const tick = (): void => {
    if (isSettling() && settling > 0) {
      settling -= TICK_MS;
      grace = GRACE_MS;
      return;
    }
    grace -= TICK_MS;
    if (grace > 0) return;
    clearInterval(timer);
    giveUp();
    leave();
  };
  const timer = setInterval(tick, TICK_MS);
  // What has ended by itself is not kept.
  return timer.unref();
}

export function stopped(): HkfsError {
  return new HkfsError('INTERRUPTED', 'stopped', { hint: 'run the same command again' });
}

/** What `act` answers, or INTERRUPTED as soon as the signal says so; `act` is left to itself then. */
export async function unlessStopped<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  let onAbort = (): void => {};
  const stop = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(stopped());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([act(), stop]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
