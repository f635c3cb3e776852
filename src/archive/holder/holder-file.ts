/** `holder.json`: who holds the archive. For people and for error messages; the lock of the log decides. */
import { readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { errnoOf } from '../../errors.js';
import { toFsPath } from '../../fs/names.js';
import type { Layout } from '../layout.js';
import { count, fields, maybe, only, text } from './judges.js';

export interface Holder {
  readonly pid: number;
  /** In which the number means this process; absent where the system does not tell. */
  readonly namespace?: string | undefined;
  /** The words of the command, and no argument: one may be a secret. */
  readonly command: string;
  /** ISO time. */
  readonly since: string;
  readonly kind: 'reader' | 'writer';
}

const HOLDER = fields({
  ...{ pid: count, namespace: maybe(text), command: text, since: text, kind: only('reader', 'writer') },
});

/** Written beside and renamed, so that nobody reads half of it; for its owner alone. */
export function writeHolder({ holder: path }: Layout, holder: Holder): void {
  // One process at a time gets here, so what is there was left by a kill.
  const staged = toFsPath(`${path}.new`);
  rmSync(staged, { force: true });
  try {
    writeFileSync(staged, `${JSON.stringify(holder)}\n`, { flag: 'wx', mode: 0o600 });
    renameSync(staged, toFsPath(path));
  } catch (error) {
    rmSync(staged, { force: true });
    throw error;
  }
}

/** Who says to hold the archive; null when nobody does, who did was killed, or this user may not know. */
export function readHolder(layout: Layout): Holder | null {
  try {
    const holder: unknown = JSON.parse(readFileSync(toFsPath(layout.holder), 'utf8'));
    if (!isHolder(holder)) return null;
    // A number of another namespace tells nothing: the lock of the log says that somebody is there.
    return holder.namespace !== ownNamespace() || isAlive(holder.pid) ? holder : null;
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'EACCES'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

/** Whatever else a later version may have written beside. */
function isHolder(value: unknown): value is Holder {
  const { pid, namespace, command, since, kind } = (value ?? {}) as Partial<Record<keyof Holder, unknown>>;
  return HOLDER({ pid, namespace, command, since, kind });
}

/** Signal 0 to the number 0 would ask for the own group of processes. */
function isAlive(pid: number): boolean {
  if (pid === 0 || pid > 2 ** 31 - 1) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** Of process ids. */
export function ownNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}
