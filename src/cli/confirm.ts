/** Asking before something is removed or overwritten. */
import { createInterface } from 'node:readline/promises';
import { HkfsError } from '../errors.js';

/**
 * Prints the plan to stderr and asks on a terminal.
 * @throws HkfsError CONFIRMATION_NEEDED where there is no terminal and no --yes
 */
export async function confirm(plan: string, flags: { yes: boolean }): Promise<boolean> {
  process.stderr.write(plan.endsWith('\n') ? plan : `${plan}\n`);
  if (flags.yes) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new HkfsError('CONFIRMATION_NEEDED', 'this removes or overwrites, and there is nobody to ask', {
      hint: 'say --yes to go on, or --dry-run to see the plan only',
    });
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question('Go on? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}
