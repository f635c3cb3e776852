/** What the log says of copies at a remote, held against a plain fold over every object. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CopiesVerified, HkfsEvent } from '../../src/events/types.js';
import { RemoteCopies, type CopyState } from '../../src/projections/copies.js';
import { runs } from './property.js';
import { CREATED, hashOf, stored, timeOf, withViews } from './records.js';

const HASHES = ['01', '02', '7f', '80', 'fe', 'ff'].map(hashOf);
const REMOTE: HkfsEvent = { type: 'remote.added', name: 'nas', url: '/mnt/nas', kind: 'directory' };
const backup = (size: number): HkfsEvent => ({
  ...{ type: 'backup.completed', remote: 'nas', size, root: hashOf('aa'), objects: 0, bytes: 0 },
});
const check = (fields: Partial<CopiesVerified>): CopiesVerified => ({
  type: 'copies.verified',
  ...{ remote: 'nas', quick: false, objects: 0, bytes: 0, damaged: [], missing: [], healed: [] },
  ...{ size: 99, before: 99, after: null, upTo: null },
  ...fields,
});

/** CREATED, the remote, then the objects at 2, 3, …; the checks begin at 9. */
const GIVEN = [CREATED, REMOTE, ...HASHES.map((hash, index) => stored(hash, BigInt(index + 1))), backup(8)];

function states(events: readonly HkfsEvent[]): Promise<(CopyState | null)[]> {
  return withCopies(events, (copies) => HASHES.map((hash, at) => copies.of(hash, at + 2)?.state ?? null));
}

function withCopies<T>(events: readonly HkfsEvent[], use: (copies: RemoteCopies) => T): Promise<T> {
  const all = [...GIVEN, ...events];
  return withViews(all, async ({ level }) =>
    use(await RemoteCopies.load(level, 'nas', { since: 1, at: all.length })),
  );
}

describe('a copy at a remote', () => {
  test('is there for what was stored before the last backup', async () => {
    expect(await states([])).toEqual(HASHES.map(() => 'stored'));
    await withCopies([], (copies) => {
      expect(copies.of(HASHES[0]!, 8)).toBeNull();
      expect(copies.size).toBe(8);
    });
  });

  test('was not sent while it was damaged here, and is by the backup after it was healed', async () => {
    const damaged: HkfsEvent = { type: 'object.damaged', hash: HASHES[0]!, finding: 'content' };
    const healed: HkfsEvent = { type: 'object.healed', hash: HASHES[0]!, from: 'usb' };
    const later = stored(hashOf('33'), 33n);
    const first = [later, { ...damaged, hash: hashOf('33') }, backup(11)];
    const of = (events: readonly HkfsEvent[]): Promise<unknown> =>
      withCopies(events, (copies) => copies.of(hashOf('33'), 9));
    expect(await of(first)).toBeNull();
    expect(await of([...first, { ...healed, hash: hashOf('33') }, backup(13)])).toMatchObject({
      state: 'stored',
    });
    expect((await states([damaged, backup(10)]))[0]).toBe('stored');
  });

  test('is verified by what read it, in bounds, and a listing takes a "missing" back', async () => {
    const [a, b, c] = HASHES;
    expect(await states([check({ after: a!, upTo: c! })])).toEqual([
      ...['stored', 'verified', 'verified'],
      ...['stored', 'stored', 'stored'],
    ]);
    const bad = check({ damaged: [a!], missing: [b!] });
    expect((await states([bad])).slice(0, 3)).toEqual(['damaged', 'missing', 'verified']);
    const quick = check({ quick: true });
    expect((await states([bad, quick])).slice(0, 3)).toEqual(['damaged', 'stored', 'verified']);
    const healed = check({ quick: true, size: 0, before: 0, damaged: [a!], missing: [b!], healed: [a!, b!] });
    expect((await states([bad, healed])).slice(0, 3)).toEqual(['stored', 'stored', 'verified']);
  });

  test('is read last by the event that a rotation says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 8 }), async (budgets) => {
        const events: HkfsEvent[] = [];
        const readAt = new Map<string, number>(HASHES.map((hash) => [hash, -1]));
        for (const budget of budgets) rotate(events, readAt, budget);
        await withCopies(events, (copies) => {
          for (const [at, hash] of HASHES.entries()) {
            const copy = copies.of(hash, at + 2)!;
            expect(copy.readAt).toBe(readAt.get(hash));
            expect(copy.readMs).toBe(copy.readAt < 0 ? null : timeOf(copy.readAt));
          }
        });
      }),
      runs(20, 500),
    );
  });
});

/** Reads so many, those read longest ago first, and says it as verify-remote.ts does. */
function rotate(events: HkfsEvent[], readAt: Map<string, number>, budget: number): void {
  let left = budget;
  for (const age of [...new Set(readAt.values())].sort((a, b) => a - b)) {
    const group = HASHES.filter((hash) => readAt.get(hash) === age);
    const read = group.slice(0, left);
    if (read.length === 0) return;
    const upTo = read.length === group.length ? null : read.at(-1)!;
    const position = GIVEN.length + events.length;
    events.push(check({ size: 8, before: age + 1, upTo }));
    for (const hash of read) readAt.set(hash, position);
    left -= read.length;
  }
}
