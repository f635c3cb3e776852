import { describe, expect, jest, test } from '@jest/globals';
import { EventLog } from '../../src/events/log.js';
import type { HkfsEvent } from '../../src/events/types.js';
import { Digests } from '../../src/projections/digests.js';
import { digestKey, directoryRange, PREFIX } from '../../src/projections/keys.js';
import { readRows, type Views } from '../../src/projections/views.js';
import { ATTRIBUTES, CREATED, directory, file, hashOf, openViews, removal, rename } from './records.js';
import { rowsOf, symlink, withLocation } from './records.js';

const ROOT = { id: 0, path: '' };

interface Grown {
  readonly digests: Digests;
  readonly views: Views;
  /** Appends and folds these events; gives the newest position. */
  append(...events: HkfsEvent[]): Promise<number>;
  /** Path to digest, as of a moment. */
  tree(at: number): Promise<Record<string, string>>;
}

async function grown(use: (grown: Grown) => Promise<void>): Promise<void> {
  await withLocation(async (location) => {
    const log = await EventLog.open(`${location}-log`, { createIfMissing: true });
    const views = await openViews(location);
    const digests = new Digests(views.level, log);
    const append = async (...events: HkfsEvent[]): Promise<number> => {
      await views.apply((await log.append(events, { timeMs: 1, operation: 0 })).records);
      return log.size - 1;
    };
    const tree = async (at: number): Promise<Record<string, string>> => {
      const { nodes } = await digests.tree(ROOT, { at, remember: at === log.size - 1 });
      return Object.fromEntries(nodes.map(({ path, summary }) => [path, summary.digest.toString('hex')]));
    };
    try {
      await append(CREATED);
      await use({ digests, views, append, tree });
    } finally {
      await Promise.all([log.close(), views.close()]);
    }
  });
}

const one = { hash: hashOf('1') };
const two = { hash: hashOf('2') };

describe('two directories have', () => {
  const cases: [
    title: string,
    a: (id: number) => HkfsEvent[],
    b: (id: number) => HkfsEvent[],
    equal: boolean,
  ][] = [
    ['one digest when they hold the same', (id) => [file(id, 'x', one)], (id) => [file(id, 'x', one)], true],
    [
      'one digest whatever the attributes',
      (id) => [file(id, 'x', one)],
      (id) => [file(id, 'x', { ...one, attributes: { ...ATTRIBUTES, mode: 0o777, mtimeNs: 5n } })],
      true,
    ],
    [
      'two digests when names are swapped between contents',
      (id) => [file(id, 'x', one), file(id, 'y', two)],
      (id) => [file(id, 'x', two), file(id, 'y', one)],
      false,
    ],
    ['two digests when a file has another name', (id) => [file(id, 'x')], (id) => [file(id, 'y')], false],
    [
      'two digests when one holds an empty file more',
      (id) => [file(id, 'x')],
      (id) => [file(id, 'x'), file(id, 'y', { hash: null, size: 0 })],
      false,
    ],
    [
      'two digests when one holds an empty directory more',
      (id) => [file(id, 'x')],
      (id) => [file(id, 'x'), directory(id, 'y')],
      false,
    ],
    [
      'two digests when a link points elsewhere',
      (id) => [symlink(id, 'x', 'a')],
      (id) => [symlink(id, 'x', 'b')],
      false,
    ],
    [
      'two digests when one has as a name what the other has as a target',
      (id) => [symlink(id, 'x', 'a')],
      (id) => [symlink(id, 'xa', '')],
      false,
    ],
  ];
  test.each(cases)('%s', async (_title, a, b, equal) => {
    await grown(async ({ append, tree }) => {
      const first = await append(directory(0, 'a'));
      await append(...a(first));
      const second = await append(directory(0, 'b'));
      const { a: left, b: right } = await tree(await append(...b(second)));
      expect(left === right).toBe(equal);
    });
  });
});

test('a change rewrites the remembered rows of the directories above it, and no others', async () => {
  await grown(async ({ append, tree, views }) => {
    const a = await append(directory(0, 'a'));
    const b = await append(directory(a, 'b'));
    const c = await append(directory(0, 'c'));
    await tree(await append(file(b, 'x'), file(c, 'x')));
    const before = await remembered(views);
    await tree(await append(file(b, 'x', two)));
    const after = await remembered(views);
    const changed = [...after.keys()].filter((key) => after.get(key) !== before.get(key));
    expect(changed).toEqual(['', ...[0, a, b].map((id) => digestKey(id).toString('hex').slice(2))]);
  });
});

describe('a directory below which something changed, and whose own entries did not', () => {
  /** Two chains in a directory that holds files too; ids of the directories. */
  async function chains(append: Grown['append']): Promise<Record<'a' | 'b' | 'c' | 'd', number>> {
    const a = await append(directory(0, 'a'), file(0, 'file'));
    const b = await append(directory(a, 'b'));
    const c = await append(directory(b, 'c'));
    const d = await append(directory(a, 'd'), symlink(a, 'link', 'file'), file(a, 'e')).then(
      (now) => now - 2,
    );
    await append(file(c, 'x', one), file(d, 'x', one));
    return { a, b, c, d };
  }

  const changes: [title: string, events: (ids: Awaited<ReturnType<typeof chains>>) => HkfsEvent[]][] = [
    ['one file far below', ({ c }) => [file(c, 'x', two)]],
    ['several of its directories at once', ({ c, d }) => [file(c, 'x', two), file(d, 'x', two)]],
    ['two levels at once', ({ b, c }) => [file(c, 'x', two), file(b, 'y', two)]],
    ['a directory far below that is new', ({ b }) => [directory(b, 'new')]],
    ['a directory far below that goes', ({ b }) => [removal(b, 'c')]],
    ['a directory far below that gets another name', ({ b }) => [rename([b, 'c'], [b, 'z'])]],
  ];
  test.each(changes)('is summed up without a look at its entries: %s', async (_title, events) => {
    const expected = await grownTree(async ({ append }) => append(...events(await chains(append))));
    const actual = await grownTree(async ({ append, tree, views }) => {
      const ids = await chains(append);
      await tree(ids.d + 4);
      for (const id of [0, ids.a]) await views.level.clear(directoryRange(id));
      return append(...events(ids));
    });
    expect(actual).toEqual(expected);
  });

  test.each([
    ['comes to it', ({ a }: { a: number }) => [directory(a, 'new')]],
    ['goes from it', ({ a }: { a: number }) => [removal(a, 'd')]],
    ['gets another name in it', ({ a }: { a: number }) => [rename([a, 'd'], [a, 'z'])]],
    ['goes from it to one below', ({ a, b }: { a: number; b: number }) => [rename([a, 'd'], [b, 'd'])]],
  ])('is listed anew when a directory %s, while another changes', async (_title, events) => {
    const change = (ids: Awaited<ReturnType<typeof chains>>): HkfsEvent[] => [
      file(ids.c, 'x', two),
      ...events(ids),
    ];
    const expected = await grownTree(async ({ append }) => append(...change(await chains(append))));
    const actual = await grownTree(async ({ append, tree, digests }) => {
      const ids = await chains(append);
      await tree(ids.d + 4);
      const now = await append(...change(ids));
      await tree(now);
      expect(await digests.differences()).toEqual([]);
      return now;
    });
    expect(actual).toEqual(expected);
  });
});

/** Path to digest and sums at the position that is given back. */
async function grownTree(use: (grown: Grown) => Promise<number>): Promise<unknown> {
  let found: unknown;
  await grown(async (all) => {
    const at = await use(all);
    const { nodes } = await all.digests.tree(ROOT, { at, remember: true });
    found = nodes.map(({ id, path, summary }) => ({ id, path, summary }));
  });
  return found;
}

test('a change below one of a thousand directories writes little; they may grow fewer and more', async () => {
  await grown(async ({ append, tree, views, digests }) => {
    const names = Array.from({ length: 1000 }, (_, number) => `directory ${number}`);
    const last = await append(...names.map((name) => directory(0, name)));
    const first = last - names.length + 1;
    await tree(last);
    const before = await remembered(views);
    await tree(await append(file(first + 500, 'x')));
    const after = await remembered(views);
    const changed = [...after].filter(([key, value]) => before.get(key) !== value);
    const written = changed.reduce((sum, [, value]) => sum + value.length / 2, 0);
    expect([after.size, written < 110_000]).toEqual([before.size, true]);

    const [gone, back] = [names.slice(0, 990), names.slice(0, 600)];
    await tree(await append(...gone.map((name) => removal(0, name))));
    expect(await digests.differences()).toEqual([]);
    await tree(await append(...back.map((name) => directory(0, name))));
    expect(await digests.differences()).toEqual([]);
  });
});

async function remembered(views: Views): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  const range = { gte: Buffer.of(PREFIX.digest), lt: Buffer.of(PREFIX.digest + 1) };
  for await (const batch of readRows(views.level, range))
    for (const { key, value } of batch) rows.set(key.toString('hex').slice(2), value.toString('hex'));
  return rows;
}

test('a directory that moves keeps its digest, and one that was removed is not listed', async () => {
  await grown(async ({ append, tree }) => {
    const a = await append(directory(0, 'a'));
    const b = await append(directory(0, 'b'));
    const before = await tree(await append(file(a, 'x')));
    const moved = await tree(await append(rename([0, 'a'], [b, 'a'])));
    expect(Object.keys(moved)).toEqual(['', 'b', 'b/a']);
    expect(moved['b/a']).toBe(before['a']);
    expect(Object.keys(await tree(await append(removal(b, 'a'))))).toEqual(['', 'b']);
  });
});

test('what is remembered is no row of the log, and is forgotten when it is of another version', async () => {
  await grown(async ({ append, tree, views, digests }) => {
    const a = await append(directory(0, 'a'));
    const now = await append(file(a, 'x'));
    const rows = await rowsOf(views);
    const right = await tree(now);
    expect(await rowsOf(views)).toEqual(rows);
    await views.level.put(digestKey(a), (await views.level.get(digestKey(0)))!);
    expect(await digests.differences()).toEqual([a]);
    await views.level.put(Buffer.of(PREFIX.digest), Buffer.from('0'));
    expect(await tree(now)).toEqual(right);
    expect(await digests.differences()).toEqual([]);
  });
});

test('a tree three thousand levels deep has digests, and a change at its end new ones', async () => {
  await grown(async ({ append, tree }) => {
    const depth = 3000;
    const chain = Array.from({ length: depth }, (_, at) => directory(at === 0 ? 0 : at, 'd'));
    await append(...chain);
    const before = await tree(await append(file(depth, 'x', one)));
    const after = await tree(await append(file(depth, 'x', two)));
    expect(Object.keys(after)).toHaveLength(depth + 1);
    expect(after['']).not.toBe(before['']);
  });
}, 60_000);

test('a full disk does not keep a query from its answer', async () => {
  await grown(async ({ append, tree, views }) => {
    const now = await append(directory(0, 'a'));
    const full = Object.assign(new Error('IO error: 1.log: No space left on device'), {
      code: 'LEVEL_IO_ERROR',
    });
    jest.spyOn(views.level, 'del').mockRejectedValueOnce(full);
    const answer = await tree(now);
    expect(Object.keys(answer)).toEqual(['', 'a']);
    expect(await remembered(views)).toEqual(new Map());
    expect(await tree(now)).toEqual(answer);
  });
});
