/** What is said of a log that is not what hkfs wrote. */
import { HkfsError } from '../errors.js';
import { WAY_OUT } from './level.js';
import type { CommitRecord, Position } from './types.js';

export function gap(position: Position): HkfsError {
  return new HkfsError('LOG_GAP', `the log has a gap: event ${position} is missing`, {
    hint: WAY_OUT.LOG_DAMAGED,
  });
}

export function notTheFingerprint({ first, count }: CommitRecord): HkfsError {
  return new HkfsError(
    'LOG_DAMAGED',
    `the commit of events ${first} to ${first + count - 1} does not have their fingerprint`,
    { hint: WAY_OUT.LOG_DAMAGED },
  );
}
