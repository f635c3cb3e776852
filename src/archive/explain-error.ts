import { errnoOf, isHkfsError } from '../errors.js';
import { explainLevelError, isLevelError } from '../events/level.js';
import { describeFsError } from '../fs/errors.js';
import type { Layout } from './layout.js';

/**
 * What the file system of an archive refused, to us or to LevelDB, in words; any other error as it is. What
 * the log cannot read it says itself: LevelDB's own words come from the views.
 */
export function explainError(error: unknown, layout: Layout): unknown {
  if (isHkfsError(error)) return error;
  if (errnoOf(error) !== undefined) return describeFsError(error, layout.root);
  return isLevelError(error) ? explainLevelError(error, layout.views, 'VIEWS_DAMAGED') : error;
}

/** @throws what `act` throws, in words */
export async function explaining<T>(layout: Layout, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw explainError(error, layout);
  }
}
