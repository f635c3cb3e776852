import { errnoOf, isHkfsError } from '../errors.js';
import { explainLevelError } from '../events/level.js';
import { describeFsError } from '../fs/errors.js';
import type { Layout } from './layout.js';

/** What the file system of an archive refused, to us or to LevelDB, in words; any other error as it is. */
export function explainError(error: unknown, layout: Layout): unknown {
  if (isHkfsError(error)) return error;
  if (errnoOf(error) !== undefined) return describeFsError(error, layout.root);
  return isLevelError(error) ? explainLevelError(error, layout.hkfs) : error;
}

/** @throws what `act` throws, in words */
export async function explaining<T>(layout: Layout, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw explainError(error, layout);
  }
}

function isLevelError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('LEVEL_');
}
