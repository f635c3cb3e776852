/** What must hold between the state before a command and the state after it, whatever the command was. */
import { describe, type Case } from './case.js';
import { judgeLog } from './judge-log.js';
import { judgeReports } from './judge-reports.js';
import { contentsOf, goodObjects, type Picture, type Seen } from './picture.js';

/** @returns what is wrong, a line each */
export function judge(step: Case): string[] {
  return [
    ...judgeExit(step),
    ...judgeContents(step),
    ...judgeSources(step),
    ...judgeTree(step),
    ...judgeLog(step),
    ...judgeReports(step),
  ];
}

function judgeExit({ outcome: { ended, killed } }: Case): string[] {
  const isExpected = killed || (ended.status !== null && ended.status < 70);
  return isExpected ? [] : [`ended with ${ended.status ?? ended.signal}: ${ended.stderr.slice(0, 1000)}`];
}

/** No bytes that were anywhere are nowhere, and no good object is gone; but for what gc says that it removed. */
function judgeContents({ world, command, outcome, before, after, logBefore }: Case): string[] {
  const [good, goodAfter] = [goodObjects(before), goodObjects(after)];
  const named = new Set(logBefore.values());
  const collected = new Set(outcome.rows.map(({ hash }) => hash));
  const mayGo = (hash: string) =>
    command.verb === 'gc' && good.has(hash) && !named.has(hash) && (outcome.killed || collected.has(hash));
  const remaining = contentsOf(after);
  const lost = [...contentsOf(before)].filter((hash) => !remaining.has(hash) && !mayGo(hash));
  const gone = [...good].filter((hash) => !goodAfter.has(hash) && !mayGo(hash));
  return [
    ...lost.map((hash) => `the content ${describe(world, hash)} is nowhere any more`),
    ...gone.map((hash) => `the good object of ${describe(world, hash)} is gone`),
  ];
}

/** Files outside keep their bytes; only a move may remove those that it was given, and has them then. */
function judgeSources({ world, command, before, after }: Case): string[] {
  const good = goodObjects(after);
  const wrong: string[] = [];
  for (const [path, seen] of before.outside) {
    const now = after.outside.get(path);
    if (now !== undefined && now.hash === seen.hash) continue;
    const own = `${world.disk.at}/${path}`;
    const isGiven = command.mode === 'move' && `${own}/`.startsWith(`${command.source}/`);
    if (now !== undefined) wrong.push(`${own} has other bytes`);
    else if (!isGiven) wrong.push(`${own} is gone`);
    else if (seen.hash !== null && !good.has(seen.hash) && !isSameInode(seen, after))
      wrong.push(`${own} was moved, and there is no good object of ${describe(world, seen.hash)}`);
  }
  return wrong;
}

/** A file that was an object's inode already took its bytes with it. */
function isSameInode({ inode, hash }: Seen, { objects }: Picture): boolean {
  return [...objects.values()].some((object) => object.inode === inode && object.hash === hash);
}

/**
 * A name in the tree keeps its bytes, unless this command or a killed one before it gave it another content
 * in the log, or it was a link to an object that was damaged and is mended.
 */
function judgeTree(step: Case): string[] {
  const { world, before, after, logAfter } = step;
  const wrong: string[] = [];
  for (const [path, seen] of before.tree) {
    const now = after.tree.get(path);
    if (now?.hash === seen.hash && now !== undefined) continue;
    const isTold = isChangedInLog(step, path);
    if (now === undefined && ((isTold && !logAfter.has(path)) || isCarried(step, seen, after))) continue;
    if (now !== undefined && now.hash === logAfter.get(path) && (isTold || isOfObject(step, path, seen)))
      continue;
    if (now !== undefined && isTold && isCarried(step, now, before)) continue;
    if (now !== undefined && now.hash === logAfter.get(path) && isKept(seen, now, after)) continue;
    // It became a link to the object that the log says, whose bytes may have been wrong before.
    if (now !== undefined && isTold && isOfObject(step, path, now)) continue;
    const what = now === undefined ? 'is gone' : `has the bytes of ${describe(world, now.hash)}`;
    wrong.push(`${path} in the tree ${what}, and had those of ${describe(world, seen.hash)}`);
  }
  for (const [path, seen] of after.tree)
    if (!before.tree.has(path) && !(logAfter.has(path) && logAfter.get(path) === seen.hash))
      if (!isCarried(step, seen, before) && !isOfObject(step, path, seen))
        wrong.push(`${path} is new in the tree, and the log knows nothing of its bytes`);
  return wrong;
}

/** What was damage of the content that the name has now was told as such, and is kept aside. */
function isKept(seen: Seen, now: Seen, { damaged }: Picture): boolean {
  return [...damaged].some(([name, { hash }]) => hash === seen.hash && name.startsWith(now.hash ?? '-'));
}

/** A renamed name or directory takes along what a person put there. */
function isCarried({ world, command }: Case, { inode, hash }: Seen, { tree }: Picture): boolean {
  const mayRename = ['mv', 'undo'].includes(command.verb) || world.pending.size > 0;
  return mayRename && [...tree.values()].some((other) => other.inode === inode && other.hash === hash);
}

function isChangedInLog({ world, logBefore, logAfter }: Case, path: string): boolean {
  if (world.pending.has(path)) return true;
  return logBefore.has(path) !== logAfter.has(path) || logBefore.get(path) !== logAfter.get(path);
}

/** Its inode is or was an object's, of the content that the path has in the log, with right bytes or wrong ones. */
function isOfObject({ world, logAfter }: Case, path: string, seen: Seen): boolean {
  const hash = logAfter.get(path);
  return typeof hash === 'string' && (world.wasObject.get(seen.inode)?.has(hash) ?? false);
}
