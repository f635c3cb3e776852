/** The use case: contents against their names, tree against hash tree, views against the log. */
import { isHkfsError } from '../../errors.js';
import { levelProblem } from '../../events/level-files.js';
import type { EventRecord } from '../../events/types.js';
import { together } from '../../fs/together.js';
import { LogJudge } from '../../projections/judge/log-judge.js';
import type { Message, VerifyOptions, VerifySummary } from '../api.js';
import { keyProblem } from '../keys.js';
import { LogClock } from '../log-clock.js';
import type { OpenArchive } from '../open-archive.js';
import type { Committer } from '../committer.js';
import { Operation } from '../operation.js';
import { ObjectCheck } from './check-objects.js';
import { checkTree } from './check-tree.js';
import { isPureClone, readOrigin } from '../remote/origin.js';
import { Findings, type EventSink } from './findings.js';

/**
 * A clone that has only followed stays the same history, and an archive that cannot be written to stays as it is:
 * what is found there is told, and not recorded.
 */
const NOWHERE: EventSink = { push: () => 0, maybeCommit: () => Promise.resolve() };

/** What is found becomes events of an operation of its own; a quick run that finds nothing has none. */
export async function verify(
  archive: OpenArchive,
  options: VerifyOptions,
  clock: () => number,
): Promise<VerifySummary> {
  const started = clock();
  const { quick = false, olderThanMs = Infinity, budgetSeconds = Infinity, signal, onProgress } = options;
  let operation: Operation | null = null;
  if (options.heal) archive.refuseAside();
  const isFollower = isPureClone(archive) || archive.isReadOnly;
  const begin = async (): Promise<EventSink> => {
    if (isFollower) return NOWHERE;
    operation ??= await Operation.start(archive, {
      command: 'verify',
      args: describe(options),
      sources: [],
      clock,
      onMessage: options.onMessage ?? ((_message: Message) => {}),
    });
    return operation.committer;
  };
  const findings = new Findings(archive, begin);
  signal?.addEventListener('abort', () => archive.pool.cancel(), { once: true });
  const deadlineMs = started + budgetSeconds * 1000;
  const isCatalogue = readOrigin(archive.layout)?.state === 'catalogue';
  const check = new ObjectCheck(archive, findings, {
    quick,
    mayLack: isCatalogue,
    olderThanMs,
    deadlineMs,
    clock,
    logClock: await LogClock.read(archive, started),
    signal,
    onProgress,
  });
  const audited = quick ? Promise.resolve() : auditLog(archive, findings);
  const checked = async (): Promise<void> => {
    await check.run();
    // What became of inodes has to be in the views before the tree is judged by them.
    await operation?.committer.flush();
    if (!isCatalogue) await checkTree(archive, findings, { placed: check.placed, signal });
  };
  await together([checked(), audited]);
  if (!quick) await begin();
  if (options.heal && !signal?.aborted) {
    const started = async (): Promise<Committer | null> => {
      await begin();
      return operation?.committer ?? null;
    };
    await healFound(archive, findings, { options, begin: started });
  }
  await close(operation, findings, signal);
  const { number } = (operation as Operation | null) ?? { number: null };
  return findings.summary(number, (clock() - started) / 1000);
}

/** What was found comes back from where there is a good copy; the rows of what did say so. */
async function healFound(
  archive: OpenArchive,
  findings: Findings,
  { options, begin }: { options: VerifyOptions; begin: () => Promise<Committer | null> },
): Promise<void> {
  const wrong = [...findings.damaged, ...findings.missing].map(({ hash }) => hash);
  if (wrong.length === 0) return;
  const { Healer } = await import('../heal/healer.js');
  const { env, onMessage, signal } = options;
  const healer = new Healer(archive, { env, onMessage, signal }, begin);
  await healer.heal(wrong);
  findings.healedFrom(new Map(healer.healed.map(({ hash, healedFrom }) => [hash, healedFrom!])));
  findings.linkedAgain(healer.linkedNames());
}

async function close(
  operation: Operation | null,
  findings: Findings,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) await operation?.fail('interrupted', findings.counts());
  else await operation?.complete(findings.counts());
}

/** Each commit's Merkle range must follow from its events, and the views must have seen them all. */
async function auditLog(archive: OpenArchive, findings: Findings): Promise<void> {
  const { size } = archive.log;
  if (archive.views.position !== size)
    findings.views.push(`the views stand at ${archive.views.position}, the log at ${size}`);
  for (const location of [archive.layout.log, archive.layout.views]) {
    const problem = levelProblem(location, { all: true });
    if (problem !== null) findings.views.push(`a file of ${location} is damaged: ${problem}`);
  }
  let judge: LogJudge | null = new LogJudge(archive.views.level);
  const key = keyProblem(archive);
  if (key !== null) findings.views.push(key);
  try {
    for await (const records of archive.log.read({ to: size, audit: true, lazy: true }))
      judge = await judged(judge, records, findings);
  } catch (error) {
    if (!isHkfsError(error)) throw error;
    findings.views.push(error.message);
  }
}

/** The first event that this hkfs would not have written is told; what follows is only compared with its fingerprint. */
async function judged(
  judge: LogJudge | null,
  records: readonly EventRecord[],
  findings: Findings,
): Promise<LogJudge | null> {
  try {
    await judge?.judge(records);
    judge?.forget(records.at(-1)!.position + 1);
    return judge;
  } catch (error) {
    if (!isHkfsError(error)) throw error;
    findings.views.push(error.message);
    return null;
  }
}

function describe(options: VerifyOptions): string[] {
  const { quick, heal, olderThanMs, budgetSeconds } = options;
  return [
    ...(quick ? ['--quick'] : []),
    ...(heal ? ['--heal'] : []),
    ...(olderThanMs === undefined ? [] : ['--older-than', new Date(olderThanMs).toISOString()]),
    ...(budgetSeconds === undefined ? [] : ['--budget', `${budgetSeconds}s`]),
  ];
}
