/** What the hash tree has no good copy of may be under a name of the tree: the same tasks once more, for these. */
import type { Hash } from '../../events/types.js';
import { hashToHex } from '../../fs/hash.js';
import type {
  DigestObjectsResult,
  DigestObjectsTask,
  EntryFailure,
  FillResult,
  SurveyObjectResult,
  SurveyObjectTask,
} from '../../fs/tasks.js';
import type { OpenArchive } from '../open-archive.js';
import { isObjectProblem, otherCopies, otherCopiesOf } from '../other-copies.js';
import type { Image } from './image.js';

export async function filledElsewhere(
  archive: OpenArchive,
  image: Image,
  filled: FillResult,
): Promise<FillResult> {
  if (filled.failures.size === 0) return filled;
  const hashOf = (content: number): Hash => hashToHex(image.hashAt(content));
  const others = await otherCopiesOf(archive, filled.failures, hashOf);
  if (others.size === 0) return filled;
  const { task, numbers } = image.retry(archive.layout.objects, others);
  return settledBy(filled, numbers, (await archive.pool.run(task)).failures);
}

export async function surveyedElsewhere(
  archive: OpenArchive,
  task: SurveyObjectTask,
  surveyed: SurveyObjectResult,
): Promise<SurveyObjectResult> {
  if (!('failure' in surveyed) || !isObjectProblem(surveyed.failure)) return surveyed;
  const others = await otherCopies(archive, task.hash);
  return others.length === 0 ? surveyed : archive.pool.run({ ...task, others });
}

export async function digestedElsewhere(
  archive: OpenArchive,
  task: DigestObjectsTask,
  read: DigestObjectsResult,
): Promise<DigestObjectsResult> {
  if (read.failures.size === 0) return read;
  const others = await otherCopiesOf(archive, read.failures, (content) => task.hashes[content]!);
  if (others.size === 0) return read;
  const numbers = [...others.keys()];
  const hashes = numbers.map((content) => task.hashes[content]!);
  const byNumber = new Map(numbers.map((content, at) => [at, others.get(content)!]));
  const again = await archive.pool.run({ ...task, hashes, others: byNumber });
  const digests = [...read.digests];
  for (const [at, content] of numbers.entries()) digests[content] = again.digests[at]!;
  return { digests, ...settledBy(read, numbers, again.failures) };
}

type Settled = Pick<FillResult, 'failures' | 'bad'>;

/** @param numbers of the contents that were tried again, in that order */
function settledBy(
  first: Settled,
  numbers: readonly number[],
  again: ReadonlyMap<number, EntryFailure>,
): Settled {
  const [failures, bad] = [new Map(first.failures), new Map(first.bad)];
  for (const [at, content] of numbers.entries()) {
    if (again.has(at)) continue;
    bad.set(content, failures.get(content)!);
    failures.delete(content);
  }
  return { failures, bad };
}
