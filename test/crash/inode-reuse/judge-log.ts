/** What the log may say after a command of what it said before. */
import { describe, type Case } from './case.js';
import type { Seen } from './picture.js';

/** What a path may be after the command; undefined stands for a path that is not there. */
type Allowed = (path: string, before: string | null | undefined) => readonly (string | null | undefined)[];

export function judgeLog(step: Case): string[] {
  const { world, logBefore, logAfter, command } = step;
  const allowed = allowedBy(step);
  const wrong: string[] = [];
  for (const path of new Set([...logBefore.keys(), ...logAfter.keys()])) {
    const [before, after] = [logBefore.get(path), logAfter.get(path)];
    if (before === after && logBefore.has(path) === logAfter.has(path)) continue;
    if (allowed(path, before).includes(after)) continue;
    const said = logBefore.has(path) ? `, and was ${describe(world, before)}` : '';
    const says = logAfter.has(path) ? `is ${describe(world, after)}` : 'is gone';
    wrong.push(`${command.verb}: ${path} in the log ${says}${said}`);
  }
  return wrong;
}

function allowedBy(step: Case): Allowed {
  const rules: Readonly<Record<string, (step: Case) => Allowed>> = {
    ...{ ingest: byIngest, sync: bySync, undo: byUndo, mv: byMove, rm: byRemoval, prune: byRemoval },
  };
  return rules[step.command.verb]?.(step) ?? (() => []);
}

/** The source's bytes, as they were before or became meanwhile. */
function byIngest(step: Case): Allowed {
  const { command, earlier, before, after } = step;
  const sources = [...earlier, before, after].map(({ outside }) => sourcesOf(step, outside));
  return (path) => {
    const given = sources.flatMap((files) => (files.has(path) ? [files.get(path)!.hash] : []));
    const isMirrored = command.mirror && `${path}/`.startsWith(`${command.to}/`);
    // A folder may replace a file, and a file a folder.
    const isReplaced = given.length === 0 && isAboveOrBelow(path, command.to!);
    return isMirrored || isReplaced ? [...given, undefined] : given;
  };
}

function isAboveOrBelow(path: string, to: string): boolean {
  return `${path}/`.startsWith(`${to}/`) || `${to}/`.startsWith(`${path}/`);
}

/** The files that an ingest was given, by the paths that they get. */
export function sourcesOf(
  { world, command }: Pick<Case, 'world' | 'command'>,
  files: ReadonlyMap<string, Seen>,
): Map<string, Seen> {
  const found = new Map<string, Seen>();
  for (const [path, seen] of files) {
    const own = `${world.disk.at}/${path}`;
    if (`${own}/`.startsWith(`${command.source}/`))
      found.set(`${command.to}${own.slice(command.source!.length)}`, seen);
  }
  return found;
}

/**
 * What is on the disk, or was when it was looked at: what a person does after that is for the next one. Of a
 * file that is told as damage, what the log had of it, here or where it was.
 */
function bySync({ earlier, before, after, world }: Case): Allowed {
  return (path) => {
    const seenBefore = [...earlier, before].map(({ tree }) => tree.get(path)?.hash);
    const seen = after.tree.get(path);
    const wasObject = seen === undefined ? undefined : world.wasObject.get(seen.inode);
    const damage = [...(wasObject ?? [])].filter((hash) => world.named.has(hash));
    return [...(seen === undefined ? [undefined] : [seen.hash, ...damage]), ...seenBefore];
  };
}

function byUndo({ world }: Case): Allowed {
  return (path) => [undefined, ...(world.history.get(path) ?? [])];
}

function byRemoval({ command }: Case): Allowed {
  return (path) => (`${path}/`.startsWith(`${command.from}/`) ? [undefined] : []);
}

/** TO may be a directory that FROM goes into, which then is named as FROM was. */
function byMove({ command, logBefore }: Case): Allowed {
  const [from, to] = [command.from!, command.to!];
  const targets = [to, `${to}/${from.slice(from.lastIndexOf('/') + 1)}`];
  return (path) => {
    if (`${path}/`.startsWith(`${from}/`) && !logBefore.has(to)) return [undefined];
    const origins = targets.flatMap((target) =>
      `${path}/`.startsWith(`${target}/`) ? [`${from}${path.slice(target.length)}`] : [],
    );
    return [
      ...(`${path}/`.startsWith(`${from}/`) ? [undefined] : []),
      ...origins.map((origin) => logBefore.get(origin)),
    ];
  };
}
