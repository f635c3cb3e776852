/** Whether what a command says of itself is true: that it has something, that all is well, that nothing is left. */
import { describe, type Case } from './case.js';
import { sourcesOf } from './judge-log.js';
import { badObjects, goodObjects, nameOfObject } from './picture.js';

interface Row {
  readonly hash: string;
  readonly paths: readonly string[];
  readonly healedFrom?: string;
}

interface Summary {
  readonly damaged?: readonly Row[];
  readonly missing?: readonly Row[];
  readonly lost?: readonly Row[];
  readonly failed?: readonly { path: string }[];
}

export function judgeReports(step: Case): string[] {
  noteTold(step);
  const { killed, raced, ended } = step.outcome;
  if (killed || raced || ended.status === null) return [];
  if (step.command.verb === 'ingest' && ended.status === 0) return judgeAcknowledged(step);
  if (step.command.verb === 'verify' && !step.command.args.includes('--quick')) return judgeVerify(step);
  if (step.command.verb === 'sync') return judgeSync(step);
  return [];
}

function noteTold({ world: { told }, outcome, after }: Case): void {
  const { damaged = [], missing = [], lost = [] } = (outcome.rows.at(-1) ?? {}) as Summary;
  for (const { hash } of [...damaged, ...missing, ...lost]) told.add(hash);
  const bad = badObjects(after);
  for (const hash of goodObjects(after)) if (!bad.has(hash)) told.delete(hash);
}

/**
 * Exit 0 says that the archive has it: the source may be thrown away. A source that is as it was when it was taken
 * in is not read again, so an object that was damaged by then is for `verify` to find, unless the sources go.
 */
function judgeAcknowledged(step: Case): string[] {
  const { world, command, before, after, logBefore, logAfter } = step;
  const good = goodObjects(after);
  const readsAll = command.mode === 'move' || command.mode === 'assimilate';
  const wasBad = badObjects(before);
  const mayBeUnread = (path: string, hash: string): boolean =>
    !readsAll && !command.args.includes('--checksum') && logBefore.get(path) === hash && wasBad.has(hash);
  const wrong: string[] = [];
  for (const [path, { hash }] of sourcesOf(step, before.outside)) {
    if (logAfter.get(path) !== hash)
      wrong.push(`acknowledged ${path} as ${describe(world, logAfter.get(path))}: it is another content`);
    if (hash !== null && !good.has(hash) && !mayBeUnread(path, hash))
      wrong.push(`acknowledged ${path}, and there is no good object of ${describe(world, hash)}`);
  }
  return wrong;
}

function judgeVerify({ world, outcome, after, logAfter }: Case): string[] {
  const { damaged = [], missing = [] } = (outcome.rows.at(-1) ?? {}) as Summary;
  const lost = (rows: readonly Row[]) => rows.filter(({ healedFrom }) => healedFrom === undefined);
  const told = new Set(lost([...damaged, ...missing]).map(({ hash }) => hash));
  const [bad, good] = [badObjects(after), goodObjects(after)];
  const there = new Set([...after.objects.keys()].map(nameOfObject));
  const named = [...logAfter.values()].filter((hash) => hash !== null);
  const untold = [
    ...[...bad].filter((hash) => world.named.has(hash)),
    ...named.filter((hash) => !there.has(hash)),
  ].filter((hash) => !told.has(hash));
  const untrue = [...told].filter((hash) => good.has(hash) && !bad.has(hash));
  return [
    ...[...new Set(untold)].map((hash) => `verify did not tell that ${describe(world, hash)} is damaged`),
    ...untrue.map((hash) => `verify told ${describe(world, hash)} as damaged, and it is good`),
    ...(untold.length + told.size > 0 && outcome.ended.status === 0 ? ['verify left with 0'] : []),
  ];
}

/** The log is what is on the disk, but for what is told. */
function judgeSync(step: Case): string[] {
  const { world, outcome, before, after, logAfter } = step;
  const { status } = outcome.ended;
  if (status !== 0 && status !== 3 && status !== 4) return [];
  const { damaged = [], failed = [] } = (outcome.rows.at(-1) ?? {}) as Summary;
  const told = new Set([...world.told, ...damaged.map(({ hash }) => hash)]);
  const excused = failed.map(({ path }) => path);
  const there = new Set([...before.objects.keys()].map(nameOfObject));
  const saysMissing = outcome.ended.stderr.includes('[OBJECT_MISSING]');
  const wrong: string[] = [];
  for (const path of new Set([...logAfter.keys(), ...after.tree.keys()])) {
    const [seen, hash] = [after.tree.get(path), logAfter.get(path)];
    if (excused.some((failure) => failure.endsWith(path))) continue;
    if (seen !== undefined && logAfter.has(path) && seen.hash === hash) continue;
    if (seen !== undefined && typeof hash === 'string' && told.has(hash)) continue;
    if (seen === undefined && typeof hash === 'string' && !there.has(hash) && saysMissing) continue;
    const disk = seen === undefined ? 'is not there' : `is ${describe(world, seen.hash)}`;
    const log = logAfter.has(path) ? `says ${describe(world, hash)}` : 'does not have it';
    wrong.push(`after sync ${path} ${disk}, the log ${log}, and nobody was told`);
  }
  return [...wrong, ...adoptedDamage(step)];
}

/** Bytes that came through a link to a stored content are never a new version, as long as nobody stored them. */
function adoptedDamage({ world, before: { objects }, after, logBefore, logAfter }: Case): string[] {
  const wrong: string[] = [];
  for (const [path, before] of logBefore) {
    const [seen, now] = [after.tree.get(path), logAfter.get(path)];
    if (seen === undefined || typeof before !== 'string' || now === before || typeof now !== 'string')
      continue;
    // Without a time of birth a number that came again cannot be told from the inode that had it before.
    if (seen.inode.endsWith(':0')) continue;
    const was = world.wasObject.get(seen.inode);
    const isStored = [...objects.values()].some(({ inode }) => inode === seen.inode);
    if (was?.has(before) && !isStored) wrong.push(`sync adopted damage as a new version of ${path}`);
  }
  return wrong;
}
