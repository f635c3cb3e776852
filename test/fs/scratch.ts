import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, test } from '@jest/globals';

/** A directory of its own for the tests of one file or describe block; gone afterwards. */
export function scratchDirectory(): { readonly path: string } {
  const scratch = { path: '' };
  beforeAll(() => {
    scratch.path = mkdtempSync(join(tmpdir(), 'hkfs-fs-'));
  });
  afterAll(() => {
    chmodSync(scratch.path, 0o700);
    rmSync(scratch.path, { recursive: true, force: true });
  });
  return scratch;
}

/** `test` where the condition holds; elsewhere a skipped test, with the reason printed. */
export function testWhen(condition: boolean, reason: string): typeof test | typeof test.skip {
  if (condition) return test;
  process.stderr.write(`skipped in test/fs: ${reason}\n`);
  return test.skip;
}

export function hasTool(name: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v "${name}"`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const isRoot = process.geteuid?.() === 0;

/** How many files this process has open. */
export function openFds(): number {
  return readdirSync('/proc/self/fd').length;
}

/** The errno name of what `call` throws; undefined when it does not throw. */
export function codeThrownBy(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}
