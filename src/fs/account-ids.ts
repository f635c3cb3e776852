/** Numbers of users and groups by their names, from the system's own tables. */
import { readFileSync } from 'node:fs';
import { errnoOf } from '../errors.js';

export interface AccountIds {
  user(name: string): number | null;
  group(name: string): number | null;
}

/** Read on first use; a table that cannot be read knows nobody. */
export function accountIds(): AccountIds {
  let users: Map<string, number> | undefined;
  let groups: Map<string, number> | undefined;
  return {
    user: (name) => (users ??= readTable('/etc/passwd')).get(name) ?? null,
    group: (name) => (groups ??= readTable('/etc/group')).get(name) ?? null,
  };
}

/** Both tables begin with `NAME:PASSWORD:NUMBER:`. */
function readTable(path: string): Map<string, number> {
  const ids = new Map<string, number>();
  for (const line of readText(path).split('\n')) {
    const [name, , id] = line.split(':');
    if (name && id && /^\d+$/.test(id)) ids.set(name, Number(id));
  }
  return ids;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'EACCES') throw error;
    return '';
  }
}
