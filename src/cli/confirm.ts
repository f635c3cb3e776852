/** Asking before something is removed or overwritten. */
import { createInterface } from 'node:readline';
import { HkfsError } from '../errors.js';
import { visibleLines } from './visible-name.js';

/**
 * Prints the plan to stderr and asks on a terminal; Ctrl-C and Ctrl-D are a no.
 * @throws HkfsError CONFIRMATION_NEEDED where there is no terminal and no --yes
 */
export async function confirm(plan: string, flags: { yes: boolean }): Promise<boolean> {
  process.stderr.write(visibleLines(plan.endsWith('\n') ? plan : `${plan}\n`));
  if (flags.yes) return true;
  if (!canAsk())
    throw new HkfsError('CONFIRMATION_NEEDED', 'this removes or overwrites, and there is nobody to ask', {
      hint: 'say --yes to go on, or --dry-run to see the plan only',
    });
  return /^y(es)?$/i.test((await ask('Go on? [y/N] ')).trim());
}

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise<string>((resolve) => {
    terminal.once('SIGINT', () => terminal.close());
    terminal.once('close', () => resolve(''));
    terminal.question(question, resolve);
  }).finally(() => terminal.close());
}
