/** One command line under the signals that stop it. */
import { type Interruption, listenForInterrupt, stopped } from './interrupt.js';
import { stopTools } from './open-archive.js';
import { asksForJson, renderError } from './render-error.js';
import { settledStatus } from './settle.js';

/** Runs it; once it was told to stop and has ended, nothing that it left behind keeps the process. */
export async function stoppably(
  argv: readonly string[],
  run: (interruption: Interruption) => Promise<void>,
): Promise<void> {
  let exit = (status: number): void => process.exit(status);
  let isSettling = (): boolean => false;
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const giveUp = (): void =>
    void process.stderr.write(renderError(stopped(), { json: asksForJson(argv) }).text);
  const source = {
    on: process.on.bind(process),
    off: process.off.bind(process),
    exit: (status: number) => exit(status),
  };
  const interruption = listenForInterrupt(source, { say, giveUp, isSettling: () => isSettling() });
  interruption.signal.addEventListener('abort', () => {
    void stopTools().then((tools) => ({ exitNow: exit, isSettling } = tools));
  });
  try {
    await run(interruption);
  } finally {
    interruption.stop();
  }
  if (interruption.signal.aborted) exit(settledStatus());
}
