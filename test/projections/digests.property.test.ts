import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { EventLog } from '../../src/events/log.js';
import { operationOf } from '../events/log-fixture.js';
import { nameToBytes } from '../../src/events/names.js';
import { hashBytes } from '../../src/fs/hash.js';
import { DirectoryPatch } from '../../src/projections/directory-digest.js';
import { Digests } from '../../src/projections/digests.js';
import type { DirectoryTree } from '../../src/projections/directory-tree.js';
import type { Views } from '../../src/projections/views.js';
import { history, play, step, type History } from './histories.js';
import { byBytes, directoriesOf, entriesBelow, type ModelEntry, type Snapshot } from './model.js';
import { HEAVY, runs } from './property.js';
import { openViews, timeOf, withLocation } from './records.js';

const TIMEOUT = HEAVY ? 1_200_000 : 120_000;
const LETTERS = {
  ...{ file: 'f', directory: 'd', symlink: 'l', fifo: 'p', socket: 's', chardev: 'c', blockdev: 'b' },
} as const;

/** The definition, bottom-up and without any memory. */
function digestOf(directory: ModelEntry): Buffer {
  const parts: Uint8Array[] = [];
  for (const name of [...directory.children.keys()].sort(byBytes)) {
    const child = directory.children.get(name)!;
    parts.push(Buffer.from(LETTERS[child.kind]), nameToBytes(name), Buffer.of(0), payloadOf(child));
  }
  return hashBytes(Buffer.concat(parts));
}

function payloadOf(entry: ModelEntry): Uint8Array {
  const { event } = entry;
  if (event.type === 'directory.added') return digestOf(entry);
  if (event.type === 'file.ingested') return Buffer.from(event.hash ?? '0'.repeat(64), 'hex');
  if (event.type === 'symlink.added') return Buffer.concat([nameToBytes(event.target), Buffer.of(0)]);
  if (event.kind === 'fifo' || event.kind === 'socket') return Buffer.alloc(0);
  const number = Buffer.alloc(16);
  number.writeBigUInt64BE(BigInt(event.major), 0);
  number.writeBigUInt64BE(BigInt(event.minor), 8);
  return number;
}

function expectedNodes(snapshot: Snapshot): unknown[] {
  return directoriesOf(snapshot).map(({ path, entry }) => {
    const below = [...entriesBelow(entry)].map((located) => located.entry);
    const files = below.map(({ event }) => event).filter((event) => event.type === 'file.ingested');
    return {
      ...{ path, id: entry.id, digest: digestOf(entry).toString('hex'), files: files.length },
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      entries: below.length,
      directories: below.filter(({ kind }) => kind === 'directory').length,
      linked: files.filter(({ attributes }) => attributes.linkGroup !== undefined).length,
    };
  });
}

function actualNodes(tree: DirectoryTree): unknown[] {
  return tree.nodes.map(({ path, id, summary: { digest, ...numbers } }) => ({
    ...{ path, id, digest: digest.toString('hex') },
    ...numbers,
  }));
}

const ROOT = { id: 0, path: '' };

/** Digests of an archive's log that grows by these batches; `use` is called after each. */
async function growing(
  { records }: History,
  cuts: readonly number[],
  use: (digests: Digests, now: number, views: Views) => Promise<void>,
): Promise<void> {
  const ends = [...new Set([...cuts.map((cut) => cut % records.length), records.length])].sort(
    (a, b) => a - b,
  );
  await withLocation(async (location) => {
    const log = await EventLog.open(`${location}-log`, { createIfMissing: true });
    const views = await openViews(location);
    try {
      for (const [at, end] of ends.entries()) {
        const batch = records.slice(ends[at - 1] ?? 0, end);
        if (batch.length === 0) continue;
        const events = batch.map(({ event }) => event);
        const appended = await log.append(events, {
          ...{ timeMs: timeOf(batch[0]!.position), operation: operationOf(log, events) },
        });
        await views.apply(appended.records);
        await use(new Digests(views.level, log), end - 1, views);
      }
    } finally {
      await Promise.all([log.close(), views.close()]);
    }
  });
}

const cuts = fc.array(fc.nat(10_000), { maxLength: 12 });

/** Many directories, in each other and beside each other, before anything happens in them. */
const manyDirectories: fc.Arbitrary<History> = fc
  .tuple(
    fc.array(
      step.map((step) => ({ ...step, action: 'directory' as const })),
      { minLength: 8, maxLength: 24, size: 'max' },
    ),
    fc.array(step, { minLength: 4, maxLength: 40, size: 'max' }),
  )
  .map(([directories, steps]) => play([...directories, ...steps]));

describe('digests and sums of all directories', () => {
  test(
    'summed up from the rows of before, above a few changes each time, equal those made afresh',
    async () => {
      const patched = jest.spyOn(DirectoryPatch.prototype, 'finish');
      const everyFew = fc.array(fc.nat(10_000), { minLength: 10, maxLength: 30, size: 'max' });
      let trees = 0;
      await fc.assert(
        fc.asyncProperty(manyDirectories, everyFew, async (given, cuts) => {
          await growing(given, cuts, async (digests, now) => {
            trees += 1;
            const tree = await digests.tree(ROOT, { at: now, remember: true });
            expect(actualNodes(tree)).toEqual(expectedNodes(given.snapshots[now]!));
            expect(await digests.differences()).toEqual([]);
            const at = Math.max(0, now - 5);
            const past = await digests.tree(ROOT, { at, remember: false });
            expect(actualNodes(past)).toEqual(expectedNodes(given.snapshots[at]!));
          });
        }),
        runs(20),
      );
      expect(patched.mock.calls.length).toBeGreaterThan(trees / 2);
      patched.mockRestore();
    },
    TIMEOUT,
  );

  test(
    'kept up to date from one moment to the next equal those made afresh, of any history',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(60), cuts, async (given, cuts) => {
          await growing(given, cuts, async (digests, now) => {
            const tree = await digests.tree(ROOT, { at: now, remember: true });
            expect(actualNodes(tree)).toEqual(expectedNodes(given.snapshots[now]!));
            expect(await digests.differences()).toEqual([]);
          });
        }),
        runs(40),
      );
    },
    TIMEOUT,
  );

  test(
    'hold at any moment, before or after the one as of which they are remembered',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(60), cuts, fc.nat(10_000), async (given, cuts, which) => {
          await growing(given, cuts, async (digests, now) => {
            if ((now + which) % 3 > 0) await digests.tree(ROOT, { at: now, remember: true });
            const at = which % (now + 1);
            const tree = await digests.tree(ROOT, { at, remember: false });
            expect(actualNodes(tree)).toEqual(expectedNodes(given.snapshots[at]!));
          });
        }),
        runs(40),
      );
    },
    TIMEOUT,
  );

  test(
    'below any directory are those that it has as part of the whole',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(60), fc.nat(10_000), async (given, which) => {
          await growing(given, [], async (digests, now) => {
            const whole = await digests.tree(ROOT, { at: now, remember: true });
            const { id, path, index, end } = whole.nodes[which % whole.nodes.length]!;
            const part = await digests.tree({ id, path }, { at: now, remember: true });
            expect(actualNodes(part)).toEqual(actualNodes(whole).slice(index, end));
          });
        }),
        runs(20),
      );
    },
    TIMEOUT,
  );
});

test(
  'digests asked for by several at once, while the log grows, are right for each',
  async () => {
    await fc.assert(
      fc.asyncProperty(history(60), cuts, async (given, cuts) => {
        const asked: Promise<void>[] = [];
        await growing(given, cuts, async (digests, now) => {
          for (const at of [now, now >> 1, now]) {
            const remember = at === now;
            const expectRight = async (): Promise<void> => {
              const tree = await digests.tree(ROOT, { at, remember });
              expect(actualNodes(tree)).toEqual(expectedNodes(given.snapshots[at]!));
            };
            asked.push(expectRight());
          }
          if (now === given.records.length - 1) await Promise.all(asked);
        });
      }),
      runs(15),
    );
  },
  TIMEOUT,
);
