import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LocalReader } from '../../src/archive/local-reader.js';
import { compareNames } from '../../src/fs/names.js';
import { HASHES, history, type History } from '../projections/histories.js';
import { entriesBelow, pathsOf, type Snapshot } from '../projections/model.js';
import { HEAVY, runs } from '../projections/property.js';
import { START, withHistory } from './made-history.js';
import { collect } from './scratch.js';

const TIMEOUT = HEAVY ? 1_200_000 : 60_000;
/** From so many events on, one hash is looked up and not searched for in one pass over everything. */
const LONG = 80;

interface Asked {
  readonly reader: LocalReader;
  readonly at: string;
  readonly past: Snapshot;
  readonly now: Snapshot;
}

async function ask(
  { records, snapshots }: History,
  pick: number,
  compare: (asked: Asked) => Promise<void>,
): Promise<void> {
  const events = records.slice(1).map(({ event }) => event);
  const commits = events.length === 0 ? [] : [{ timeMs: START, operation: 1, events }];
  const at = pick % records.length;
  await withHistory(commits, (reader) =>
    compare({ reader, at: `@${at}`, past: snapshots[at]!, now: snapshots.at(-1)! }),
  );
}

/** Where the content is named at the moment; null where its bytes are not known to be there now. */
function expected({ past, now }: Asked, hash: string): { hash: string; paths: string[] } | null {
  const paths = pathsOf(past, hash).sort(compareNames);
  const isGone = past.position < now.position && (now.objects.get(hash)?.inodes.length ?? 0) === 0;
  return paths.length === 0 || isGone || now.findings.has(hash) ? null : { hash, paths };
}

test(
  'contents at any moment are found, all at once and one by one, where the entries that name them are',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(history(60), history(LONG * 2)), fc.nat(10_000), (given, pick) =>
        ask(given, pick, async (asked) => {
          const { reader, at } = asked;
          const all = HASHES.map((hash) => expected(asked, hash)).filter((row) => row !== null);
          const unsaid = all.map(({ hash }) => ({ hash, paths: [] }));
          expect(await collect(reader.lookUp(HASHES, { at, paths: true }))).toEqual(all);
          expect(new Set(await collect(reader.lookUp(HASHES, { at })))).toEqual(new Set(unsaid));
          for (const hash of HASHES)
            expect(await collect(reader.lookUp([hash], { at, paths: true }))).toEqual(
              all.filter((row) => row.hash === hash),
            );
        }),
      ),
      runs(20),
    );
  },
  TIMEOUT,
);

test(
  'the contents at any moment are those of the entries, each once',
  async () => {
    await fc.assert(
      fc.asyncProperty(history(60), fc.nat(10_000), (given, pick) =>
        ask(given, pick, async ({ reader, at, past }) => {
          const hashes = [...entriesBelow(past.root)].map(({ entry: { event } }) =>
            event.type === 'file.ingested' ? event.hash : null,
          );
          const found = (await collect(reader.contents({ at }))).map(({ hash }) => hash);
          expect(found.sort()).toEqual([...new Set(hashes.filter((hash) => hash !== null))].sort());
        }),
      ),
      runs(15),
    );
  },
  TIMEOUT,
);
