/** Plans of undo, over logs written by hand: histories that one command alone does not make. */
import { describe, expect, test } from '@jest/globals';
import { planUndo } from '../../src/archive/history/undo.js';
import type { HkfsEvent } from '../../src/events/types.js';
import {
  ATTRIBUTES,
  directory,
  file,
  hashOf,
  removal,
  rename,
  restoration,
  stored,
} from '../projections/records.js';
import { completed, START, started, withOpened, type Commit } from './made-history.js';

const A = stored(hashOf('aa'), 1n);
const OTHER = { hash: hashOf('bb') };
const B = stored(hashOf('bb'), 2n);

/**
 * Operations in order, from position 1 on. Each has its opening before and its end after its events:
 * the first event of the first operation is at 2.
 */
function operations(...each: readonly (readonly HkfsEvent[])[]): Commit[] {
  return each.map((events, index) => ({
    timeMs: START + 1000 * index,
    operation: index + 1,
    events: [started(index + 1), ...events, completed(index + 1)],
  }));
}

/** What undoing an operation would do, in words. */
function planned(
  commits: readonly Commit[],
  operation?: number,
): Promise<{ would: string[]; skipped: string[] }> {
  return withOpened(commits, async (archive) => {
    const { steps, skipped } = await planUndo(archive, operation, () => true);
    return {
      would: steps.map(({ text }) => text),
      skipped: skipped.map(({ path, reason }) => `${path}: ${reason}`),
    };
  });
}

/** Positions: 2 to 6. */
const GIVEN = [A, directory(0, 'd'), file(3, 'f'), directory(0, 'e'), file(0, 'x')];
/** The first event of the second operation. */
const SECOND = 9;

describe('given one operation, when it is undone and nothing came after', () => {
  test('what it added goes, a new directory by one event', async () => {
    expect(await planned(operations(GIVEN))).toEqual({
      would: ['remove x', 'remove e/ and everything below', 'remove d/ and everything below'],
      skipped: [],
    });
  });

  test('new files of a directory that was there go one by one', async () => {
    const when = [file(3, 'g'), file(3, 'h')];
    expect((await planned(operations(GIVEN, when))).would).toEqual(['remove d/h', 'remove d/g']);
  });

  test('a new version makes room for the one before', async () => {
    const when = [B, file(0, 'x', OTHER)];
    expect((await planned(operations(GIVEN, when))).would).toEqual(['restore x as it was at @6']);
  });

  test('a chain of renames comes apart from its end', async () => {
    const when = [rename([0, 'd'], [0, 'b']), rename([0, 'b'], [0, 'c'])];
    expect((await planned(operations(GIVEN, when))).would).toEqual(['rename c to b', 'rename b to d']);
  });

  test('a swap is swapped back over the same third name', async () => {
    const when = [rename([0, 'd'], [0, 't']), rename([0, 'e'], [0, 'd']), rename([0, 't'], [0, 'e'])];
    expect((await planned(operations(GIVEN, when))).would).toEqual([
      'rename e to t',
      'rename d to e',
      'rename t to d',
    ]);
  });

  test('a directory that gave way to a file comes back, with what was in it', async () => {
    const when = [removal(3, 'f'), removal(0, 'd'), file(0, 'd')];
    expect((await planned(operations(GIVEN, when))).would).toEqual([
      'remove d',
      'restore d as it was at @3',
      'restore d/f as it was at @4',
    ]);
  });

  test('a file that gave way to a directory comes back', async () => {
    const when = [removal(0, 'x'), directory(0, 'x'), file(SECOND + 1, 'y')];
    expect((await planned(operations(GIVEN, when))).would).toEqual([
      'remove x/ and everything below',
      'restore x as it was at @6',
    ]);
  });

  test('what was moved into a new directory is moved out before that goes', async () => {
    const when = [directory(0, 'n'), rename([0, 'd'], [SECOND, 'd']), file(SECOND, 'y')];
    expect((await planned(operations(GIVEN, when))).would).toEqual([
      'rename n/d to d',
      'remove n/ and everything below',
    ]);
  });

  test('what was renamed within a renamed directory gets its name back before that does', async () => {
    const when = [rename([0, 'd'], [0, 'n']), rename([3, 'f'], [3, 'g']), file(3, 'f')];
    expect((await planned(operations(GIVEN, when))).would).toEqual([
      'remove n/f',
      'rename n/g to n/f',
      'rename n to d',
    ]);
  });

  test('a directory moved into one that then moved into it is untangled', async () => {
    const when = [rename([0, 'd'], [5, 'd']), rename([5, 'd'], [0, 'd']), rename([0, 'e'], [3, 'e'])];
    expect((await planned(operations(GIVEN, when))).would).toEqual([
      'rename d/e to e',
      'rename d to e/d',
      'rename e/d to d',
    ]);
  });

  test('attributes are those of before', async () => {
    const attributes = { ...ATTRIBUTES, mode: 0o600 };
    const change = { type: 'attributes.changed', attributes, source: null } as const;
    const when = [
      { ...change, parent: 0, name: 'd' },
      { ...change, parent: 3, name: 'f' },
    ];
    expect((await planned(operations(GIVEN, when))).would).toEqual([
      'restore d/f as it was at @4',
      'restore d as it was at @3',
    ]);
  });

  test('an undo is undone: what it restored goes, what it removed comes', async () => {
    const removals = [removal(0, 'd'), removal(0, 'x')];
    const undoing = [restoration(0, 'x', 6), restoration(0, 'd', 3)];
    expect((await planned(operations(GIVEN, removals, undoing))).would).toEqual([
      'remove d/ and everything below',
      'remove x',
    ]);
  });
});

describe('given later operations, when an earlier one is undone', () => {
  test('what they changed is left alone and told, with the number of the operation', async () => {
    const later = [B, file(3, 'f', OTHER), rename([0, 'x'], [5, 'x'])];
    expect(await planned(operations(GIVEN, later), 1)).toEqual({
      would: [],
      skipped: [
        'x: renamed by operation 2',
        'e/x: renamed by operation 2',
        'e: it holds what other operations put there',
        'd/f: changed by operation 2',
        'd: it holds what other operations put there',
      ],
    });
  });

  test('a directory that went with another one comes again with that one only', async () => {
    const history = operations(
      GIVEN,
      [removal(0, 'd')],
      [restoration(0, 'd', SECOND - 1)],
      [rename([0, 'd'], [5, 'd'])],
      [removal(0, 'e')],
    );
    expect(await planned(history, 2)).toEqual({
      would: [],
      skipped: ['d: it went with a directory that was removed later'],
    });
  });

  test('what they removed needs no more, and is not told', async () => {
    const later = [removal(3, 'f'), removal(0, 'x')];
    expect(await planned(operations(GIVEN, later), 1)).toEqual({
      would: ['remove e/ and everything below', 'remove d/ and everything below'],
      skipped: [],
    });
  });

  test('a new directory that they renamed is left to them with all that is in it', async () => {
    expect(await planned(operations(GIVEN, [rename([0, 'd'], [0, 'n'])]), 1)).toEqual({
      would: ['remove x', 'remove e/ and everything below'],
      skipped: ['d: renamed by operation 2'],
    });
  });

  test('a rename stays where its former name is taken', async () => {
    const when = operations(GIVEN, [rename([0, 'x'], [0, 'y'])], [file(0, 'x')]);
    expect(await planned(when, 2)).toEqual({
      would: [],
      skipped: ['y: something else has its former name'],
    });
  });

  test('a rename stays where its former directory is inside of it by now', async () => {
    const when = operations(
      GIVEN,
      [rename([0, 'd'], [5, 'd'])],
      [rename([5, 'd'], [0, 'd'])],
      [rename([0, 'e'], [3, 'e'])],
    );
    expect(await planned(when, 3)).toEqual({
      would: [],
      skipped: ['d: its former directory is inside of it now'],
    });
  });

  test('what was removed from a directory that is gone itself stays away', async () => {
    expect(await planned(operations(GIVEN, [removal(3, 'f')], [removal(0, 'd')]), 2)).toEqual({
      would: [],
      skipped: ['d/f: its directory is not in the tree any more'],
    });
  });

  test('an undone operation leaves nothing to undo', async () => {
    const when = operations(GIVEN, [removal(0, 'd')], [restoration(0, 'd', 3)]);
    expect(await planned(when, 2)).toEqual({ would: [], skipped: [] });
  });

  test('an undo that ended after its rename goes on with what the rename had replaced', async () => {
    const when = operations(
      [B, ...GIVEN, file(0, 'y', OTHER)],
      [rename([0, 'y'], [0, 'x'])],
      [rename([0, 'x'], [0, 'y'])],
    );
    expect(await planned(when, 2)).toEqual({ would: ['restore x as it was at @7'], skipped: [] });
  });
});

describe('what cannot be undone is refused', () => {
  const gone = { type: 'object.removed', hash: A.hash, size: A.size, device: 1n, inode: 1n } as const;

  test.each([
    ['an operation that there is not', operations(GIVEN), 7, 'NOT_FOUND'],
    ['an operation that changed no name', operations([B], GIVEN), 1, 'CANNOT_UNDO'],
    ['anything where nothing changed a name', operations([B]), undefined, 'CANNOT_UNDO'],
    [
      'a removal of a file whose content is gone',
      operations(GIVEN, [removal(0, 'x')], [gone]),
      2,
      'CANNOT_UNDO',
    ],
    [
      'a removal of a directory of which a content is gone',
      operations(GIVEN, [removal(0, 'd')], [gone]),
      2,
      'CANNOT_UNDO',
    ],
    [
      'a removal of a file whose content is missing',
      operations(GIVEN, [removal(0, 'x')], [{ type: 'object.damaged', hash: A.hash, finding: 'missing' }]),
      2,
      'CANNOT_UNDO',
    ],
  ] as const)('%s', async (_what, commits, operation, code) => {
    await expect(planned(commits, operation)).rejects.toMatchObject({ code, hint: expect.any(String) });
  });
});
