import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SimilarRow } from 'hkfs';
import type { LocalReader } from '../../../src/archive/local-reader.js';
import type { HkfsEvent } from '../../../src/events/types.js';
import { ATTRIBUTES, hashOf } from '../../projections/records.js';
import { HEAVY, runs } from '../../projections/property.js';
import { oneCommit, started, withHistory } from '../made-history.js';
import { collect } from '../scratch.js';
import {
  areRelated,
  below,
  bytesOf,
  directoriesOf,
  forest,
  overlapsOf,
  tightest,
  type Forest,
  type TwinOverlap,
} from './forest.js';

const TIMEOUT = HEAVY ? 1_200_000 : 60_000;
const HASHES = ['1a', '2b', '3c', '4d', '5e', '6f', '70', '81'].map((digits) => hashOf(digits));
/** So many events that speak of no name make a log for which postings are looked up. */
const PADDING = 3000;
const share = fc.constantFrom(0, 0.25, 0.5, 1);

/** The forest as events from position 1 on, with an empty file and a removed copy beside it. */
function eventsOf(forest: Forest): HkfsEvent[] {
  const ids = new Map([['', 0]]);
  const events: HkfsEvent[] = [];
  const push = (event: HkfsEvent): number => events.push(event);
  for (const path of directoriesOf(forest).slice(1)) {
    const cut = path.lastIndexOf('/');
    const parent = ids.get(path.slice(0, Math.max(0, cut)))!;
    ids.set(
      path,
      push({ type: 'directory.added', parent, name: path.slice(cut + 1), attributes: ATTRIBUTES }),
    );
  }
  for (const [index, { directory, content }] of forest.files.entries())
    push(
      fileEvent(ids.get(directory)!, `file ${index}`, {
        hash: HASHES[content]!,
        size: forest.sizes[content]!,
      }),
    );
  push(fileEvent(0, 'empty', { hash: null, size: 0 }));
  const gone = push({ type: 'directory.added', parent: 0, name: 'gone', attributes: ATTRIBUTES });
  push(fileEvent(gone, 'copy', { hash: HASHES[0]!, size: forest.sizes[0]! }));
  push({ type: 'path.removed', parent: 0, name: 'gone' });
  return events;
}

function fileEvent(parent: number, name: string, content: { hash: string | null; size: number }): HkfsEvent {
  return { type: 'file.ingested', parent, name, ...content, attributes: ATTRIBUTES, source: null };
}

function rowOf(forest: Forest, wanted: readonly number[], overlap: TwinOverlap): SimilarRow {
  const held = below(forest, overlap.path).map(({ content }) => content);
  const bytes = bytesOf(forest, wanted);
  return {
    path: overlap.path,
    containment: overlap.bytes / bytes,
    sharedBytes: overlap.bytes,
    missingFiles: wanted.length - overlap.files,
    missingBytes: bytes - overlap.bytes,
    sharedFiles: overlap.files,
    fileContainment: overlap.files / wanted.length,
    reverseContainment: overlap.reverseBytes / bytesOf(forest, held),
    reverseFileContainment: overlap.reverseFiles / held.length,
  };
}

async function compare(reader: LocalReader, forest: Forest, min: number): Promise<void> {
  for (const path of directoriesOf(forest).slice(1)) {
    const wanted = below(forest, path).map(({ content }) => content);
    const overlaps = overlapsOf(forest, wanted, (other) => !areRelated(path, other));
    const rows = tightest(overlaps, bytesOf(forest, wanted), min).map((each) => rowOf(forest, wanted, each));
    const found = await collect(reader.similar({ is: 'path', path, min }));
    expect(new Set(found)).toEqual(new Set(rows));
    expect(found.map(({ containment }) => containment)).toEqual(
      rows.map(({ containment }) => containment).sort((a, b) => b - a),
    );
  }
}

describe('similar', () => {
  test.each([
    ['read in one pass', 0],
    ['looked up', PADDING],
  ])(
    'gives, %s, the directories that comparing all with a path gives',
    async (_title, padding) => {
      await fc.assert(
        fc.asyncProperty(forest, share, (given, min) => {
          const more = Array.from({ length: padding }, () => started(1));
          return withHistory(oneCommit([...eventsOf(given), ...more]), (reader) =>
            compare(reader, given, min),
          );
        }),
        runs(12),
      );
    },
    TIMEOUT,
  );

  test(
    'from outside gives the directories that hold the contents, and --missing the ones that are not there',
    async () => {
      await fc.assert(
        fc.asyncProperty(forest, share, (given, min) =>
          withHistory(oneCommit(eventsOf(given)), async (reader) => {
            const wanted = [0, 1, 1, 2];
            const contents = [...new Set(wanted)].map((content) => ({
              hash: HASHES[content]!,
              size: given.sizes[content]!,
              files: wanted.filter((each) => each === content).length,
            }));
            const overlaps = overlapsOf(given, wanted, () => true);
            const rows = tightest(overlaps, bytesOf(given, wanted), min).map((each) =>
              rowOf(given, wanted, each),
            );
            const found = await collect(reader.similar({ is: 'outside', contents, min, missing: true }));
            expect(new Set(found.map(({ missing: _missing, ...row }) => row))).toEqual(new Set(rows));
            for (const { path, missing } of found) {
              const held = new Set(below(given, path).map(({ content }) => HASHES[content]!));
              expect(new Set(missing!.map(({ hash }) => hash))).toEqual(
                new Set(contents.map(({ hash }) => hash).filter((hash) => !held.has(hash))),
              );
            }
          }),
        ),
        runs(15),
      );
    },
    TIMEOUT,
  );
});
