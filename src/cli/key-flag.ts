/** A public key as a flag: a file that has it, or the key itself. */
import { existsSync, readFileSync } from 'node:fs';

export function readKeyFlag(value: string): string {
  return existsSync(value) ? readFileSync(value, 'utf8') : value;
}
