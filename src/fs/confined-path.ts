/**
 * Paths that are made of recorded names: a second wall behind the judge of logs. What would be joined to a root and
 * lead out of it, or into `.hkfs`, is refused here, whoever asks.
 */
import { HkfsError } from '../errors.js';
import { isValidName, joinPath } from './names.js';

const RESERVED = '.hkfs';
/** An empty name, `.` or `..` anywhere in a path, or a NUL; one slash at the end means a directory. */
const LEADS_AWAY = /(?:^|\/)\.{0,2}\/|(?:^|\/)\.{1,2}$|\0/;

/** Where a path of an archive's tree is on the disk; '' is the root. @throws HkfsError LOG_DAMAGED */
export function treePath(root: string, path: string): string {
  if (path === '') return root;
  if (LEADS_AWAY.test(path) || path === RESERVED || path.startsWith(`${RESERVED}/`)) throw leadsAway(path);
  return joinPath(root, path);
}

/** An entry's path from that of its directory. @throws HkfsError LOG_DAMAGED */
export function childPath(directory: string, name: string): string {
  if (!isValidName(name)) throw leadsAway(name);
  return joinPath(directory, name);
}

/** Of a path that was joined already. @throws HkfsError LOG_DAMAGED */
export function requireBelow(root: string, path: string): void {
  if (path === root) return;
  const top = root.endsWith('/') ? root : `${root}/`;
  if (!path.startsWith(top) || LEADS_AWAY.test(path.slice(top.length))) throw leadsAway(path);
}

function leadsAway(path: string): HkfsError {
  return new HkfsError('LOG_DAMAGED', `the log has the name ${JSON.stringify(path)}, which leads elsewhere`, {
    hint: 'hkfs writes no such name: `hkfs verify` says which event has it',
  });
}
