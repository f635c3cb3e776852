import { EXIT } from '../errors.js';

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

/** The first Ctrl-C or SIGTERM asks for a clean stop, the second leaves at once. */
export function listenForInterrupt(source: SignalSource, say: (line: string) => void): Interruption {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) return source.exit(EXIT.interrupted);
    say('hkfs: stopping cleanly; again to stop at once');
    controller.abort();
  };
  source.on('SIGINT', onSignal);
  source.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    stop() {
      source.off('SIGINT', onSignal);
      source.off('SIGTERM', onSignal);
    },
  };
}
