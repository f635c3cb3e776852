import { describe, expect, test } from '@jest/globals';
import type { EventType, HkfsEvent } from '../../src/events/types.js';
import type { TreeOperation } from '../../src/fs/tasks.js';
import { ROOT } from '../../src/projections/namespace.js';
import { TreeProjection, type KnownPrevious } from '../../src/projections/tree.js';
import {
  ATTRIBUTES,
  CREATED,
  directory,
  file,
  hashOf,
  recordsOf,
  removal,
  rename,
  restoration,
  stored,
  symlink,
  withViews,
} from './records.js';

const A = hashOf('aa');
const B = hashOf('bb');
const objectOf = (hash: string): string => `/ar/.hkfs/objects/${hash.slice(0, 2)}/${hash.slice(2)}`;
const EMPTY_FILE = { hash: null, size: 0 } as const;
const empty = (parent: number, name: string): HkfsEvent => file(parent, name, EMPTY_FILE);
const fifo = (parent: number, name: string): HkfsEvent => ({
  type: 'special.added',
  parent,
  name,
  kind: 'fifo',
  major: 0,
  minor: 0,
  attributes: ATTRIBUTES,
});

/** What the last event (or the last `count`) does to the disk, given the events before it. */
async function operations(
  given: readonly HkfsEvent[],
  when: readonly HkfsEvent[],
  known?: KnownPrevious,
  since = 0,
): Promise<TreeOperation[]> {
  const events = [CREATED, ...given, ...when];
  return withViews(events, async ({ level }) => {
    const tree = new TreeProjection(level, '/ar', '/ar/.hkfs/objects', since);
    return tree.operations(recordsOf(events).slice(1 + given.length), known);
  });
}

const D = directory(0, 'd'); // always at position 1 below, so its id is 1
const mtimeNs = ATTRIBUTES.mtimeNs;
const previousA = { kind: 'object', object: objectOf(A) } as const;

const ADDED: [string, HkfsEvent[], HkfsEvent, TreeOperation[]][] = [
  ['a directory is made', [], D, [{ op: 'mkdir', path: '/ar/d' }]],
  ['a directory in another is made there', [D], directory(1, 'e'), [{ op: 'mkdir', path: '/ar/d/e' }]],
  [
    'a file becomes a link to its object',
    [D],
    file(1, 'f'),
    [{ op: 'link', path: '/ar/d/f', object: objectOf(A), previous: null }],
  ],
  [
    'a new content replaces only the old one',
    [file(0, 'f')],
    file(0, 'f', { hash: B }),
    [{ op: 'link', path: '/ar/f', object: objectOf(B), previous: previousA }],
  ],
  [
    'an empty file is made with its time and links to nothing',
    [],
    empty(0, 'e'),
    [{ op: 'empty', path: '/ar/e', mtimeNs, previous: null }],
  ],
  [
    'a file takes the place of an empty one',
    [empty(0, 'e')],
    file(0, 'e'),
    [{ op: 'link', path: '/ar/e', object: objectOf(A), previous: { kind: 'empty' } }],
  ],
  [
    'an empty file takes the place of a symlink',
    [symlink(0, 'e', 'x')],
    empty(0, 'e'),
    [{ op: 'empty', path: '/ar/e', mtimeNs, previous: { kind: 'symlink', target: 'x' } }],
  ],
  [
    'a symlink is made with its text',
    [D],
    symlink(1, 'l', '../\udcff'),
    [{ op: 'symlink', path: '/ar/d/l', target: '../\udcff', previous: null }],
  ],
  [
    'a symlink takes the place of a file',
    [file(0, 'l')],
    symlink(0, 'l', 't'),
    [{ op: 'symlink', path: '/ar/l', target: 't', previous: previousA }],
  ],
  ['a fifo is not put into the tree', [], fifo(0, 'p'), []],
  [
    'a fifo in the place of a file takes the file away',
    [file(0, 'p')],
    fifo(0, 'p'),
    [{ op: 'unlink', path: '/ar/p', previous: previousA }],
  ],
  [
    'a file in the place of a fifo expects nothing there',
    [fifo(0, 'p')],
    file(0, 'p'),
    [{ op: 'link', path: '/ar/p', object: objectOf(A), previous: null }],
  ],
  ['a file in a directory that is gone is nowhere', [D, removal(0, 'd')], file(1, 'f'), []],
];

describe('given a tree, when an entry is added', () => {
  test.each(ADDED)('%s', async (_claim, given, when, then) => {
    expect(await operations(given, [when])).toEqual(then);
  });

  test('what stood there before is taken from who knows it, and looked up from who does not', async () => {
    const replaced = [file(0, 'f', { hash: B })];
    const there = { ...ROOT, kind: 'symlink', directoryId: null, event: symlink(0, 'f', 'known') } as const;
    const previous = async (known: KnownPrevious): Promise<unknown> =>
      (await operations([file(0, 'f')], replaced, known)).map(
        (operation) => 'previous' in operation && operation.previous,
      );
    expect(await previous(() => there)).toEqual([{ kind: 'symlink', target: 'known' }]);
    expect(await previous(() => null)).toEqual([null]);
    expect(await previous(() => undefined)).toEqual([previousA]);
  });
});

describe('given a tree, when an entry is removed', () => {
  test.each<[string, HkfsEvent[], TreeOperation[]]>([
    [
      'a file goes, if it is the link that we made',
      [file(0, 'x')],
      [{ op: 'unlink', path: '/ar/x', previous: previousA }],
    ],
    ['an empty file goes', [empty(0, 'x')], [{ op: 'unlink', path: '/ar/x', previous: { kind: 'empty' } }]],
    [
      'a symlink goes',
      [symlink(0, 'x', 't')],
      [{ op: 'unlink', path: '/ar/x', previous: { kind: 'symlink', target: 't' } }],
    ],
    ['a fifo was never there', [fifo(0, 'x')], []],
    ['what is not there is nothing to remove', [], []],
    ['an empty directory goes', [directory(0, 'x')], [{ op: 'rmdir', path: '/ar/x' }]],
  ])('%s', async (_claim, given, then) => {
    expect(await operations(given, [removal(0, 'x')])).toEqual(then);
  });

  test('a directory goes with all below it, what it holds before itself', async () => {
    const given = [directory(0, 'x'), file(1, 'b'), directory(1, 'a'), empty(3, 'deep'), fifo(3, 'p'), D];
    expect(await operations(given, [removal(0, 'x')])).toEqual([
      { op: 'unlink', path: '/ar/x/b', previous: previousA },
      { op: 'unlink', path: '/ar/x/a/deep', previous: { kind: 'empty' } },
      { op: 'rmdir', path: '/ar/x/a' },
      { op: 'rmdir', path: '/ar/x' },
    ]);
  });

  test('what is below is what was there then, not what an earlier removal took', async () => {
    const given = [directory(0, 'x'), file(1, 'a'), file(1, 'b'), removal(1, 'a')];
    expect(await operations(given, [removal(0, 'x')])).toEqual([
      { op: 'unlink', path: '/ar/x/b', previous: previousA },
      { op: 'rmdir', path: '/ar/x' },
    ]);
  });
});

describe('given a tree, when an entry is renamed', () => {
  test('one rename moves it, whatever is below', async () => {
    const given = [D, file(1, 'f'), directory(0, 'e')];
    expect(await operations(given, [rename([0, 'd'], [3, 'n'])])).toEqual([
      { op: 'rename', from: '/ar/d', to: '/ar/e/n', moved: 'directory', previous: null },
    ]);
  });

  test('a file takes the name of another, which is what stood there', async () => {
    const given = [file(0, 'f'), file(0, 'g')];
    expect(await operations(given, [rename([0, 'g'], [0, 'f'])])).toEqual([
      { op: 'rename', from: '/ar/g', to: '/ar/f', moved: previousA, previous: previousA },
    ]);
  });

  test('a fifo, which the tree has not, only takes away what stood there', async () => {
    const given = [file(0, 'f'), fifo(0, 'p')];
    expect(await operations(given, [rename([0, 'p'], [0, 'f'])])).toEqual([
      { op: 'unlink', path: '/ar/f', previous: previousA },
    ]);
  });

  test('later events of the same batch find it at its new path', async () => {
    const when = [
      file(1, 'f'),
      rename([0, 'd'], [0, 'n']),
      file(1, 'g'),
      rename([0, 'n'], [0, 'o']),
      file(1, 'h'),
    ];
    const then = await operations([D], when);
    expect(then.map((operation) => ('path' in operation ? operation.path : operation.to))).toEqual([
      '/ar/d/f',
      '/ar/n',
      '/ar/n/g',
      '/ar/o',
      '/ar/o/h',
    ]);
  });
});

describe('given a tree, when an entry is restored', () => {
  test('a file of before takes the place of the newer one', async () => {
    const given = [file(0, 'f'), file(0, 'f', { hash: hashOf('bb') })];
    const [operation] = await operations(given, [restoration(0, 'f', 1)]);
    expect(operation).toMatchObject({ op: 'link', path: '/ar/f', previous: { kind: 'object' } });
  });

  test('a removed directory comes with all that it held', async () => {
    const given = [directory(0, 'x'), directory(1, 'a'), symlink(2, 's', 't'), removal(0, 'x')];
    expect(await operations(given, [restoration(0, 'x', 1)])).toEqual([
      { op: 'mkdir', path: '/ar/x' },
      { op: 'mkdir', path: '/ar/x/a' },
      { op: 'symlink', path: '/ar/x/a/s', target: 't', previous: null },
    ]);
  });

  test('a directory that only gets its former attributes is not walked', async () => {
    const given = [directory(0, 'x'), file(1, 'f')];
    expect(await operations(given, [restoration(0, 'x', 1)])).toEqual([]);
  });
});

describe('given an object, when one of its inodes is removed', () => {
  const removed: HkfsEvent = { ...stored(A, 5n), type: 'object.removed', lastPath: 'f' };
  const discarded = { op: 'discard', path: objectOf(A), device: 1n, inode: 5n };

  test('its file goes from the hash tree, where nothing names the content', async () => {
    expect(await operations([stored(A, 5n)], [removed])).toEqual([discarded]);
    const given = [D, stored(A, 5n), file(1, 'f'), removal(0, 'd')];
    expect(await operations(given, [removed])).toEqual([discarded]);
  });

  test('it stays where anything names the content', async () => {
    expect(await operations([stored(A, 5n), file(0, 'f')], [removed])).toEqual([]);
  });

  test('it stays where the inode, or a name, came back after the event', async () => {
    const [, discard] = await operations([stored(A, 5n)], [removed, stored(A, 5n)]);
    expect(discard).toBeUndefined();
    const again = await operations(
      [stored(A, 5n), file(0, 'f'), removal(0, 'f')],
      [removed, restoration(0, 'f', 2)],
    );
    expect(again.map(({ op }) => op)).toEqual(['link']);
  });
});

describe('given a tree, when an object is healed', () => {
  const damaged = (finding: 'content' | 'missing'): HkfsEvent => ({
    type: 'object.damaged',
    hash: A,
    finding,
  });
  const moved = (from: bigint, to: bigint): HkfsEvent => ({
    ...{ type: 'object.relocated', hash: A, size: 3 },
    from: { device: 1n, inode: from },
    to: { device: 1n, inode: to },
  });
  const healed = (from: string): HkfsEvent => ({ type: 'object.healed', hash: A, from });
  const given = [stored(A, 1n), file(0, 'f'), moved(1n, 2n), file(0, 'g'), removal(0, 'g')];
  const relink = { op: 'relink', path: '/ar/f', object: objectOf(A) } as const;

  test('its names on the inode that was damaged become links to the good one', async () => {
    expect(await operations([...given, damaged('content'), moved(2n, 3n)], [healed('nas')])).toEqual([
      { ...relink, inodes: [{ device: 1n, inode: 2n }], mayMake: false, aside: '/ar/.hkfs/damaged' },
    ]);
  });

  test('names that went with it are made again', async () => {
    expect(await operations([...given, damaged('missing'), moved(2n, 3n)], [healed('nas')])).toEqual([
      { ...relink, inodes: [{ device: 1n, inode: 2n }], mayMake: true, aside: null },
    ]);
  });

  test('by an ingest of its content, the same: what a person may have written is kept aside', async () => {
    expect(await operations([...given, damaged('content'), moved(2n, 3n)], [healed('/home/f')])).toEqual([
      { ...relink, inodes: [{ device: 1n, inode: 2n }], mayMake: false, aside: '/ar/.hkfs/damaged' },
    ]);
  });

  test('where the archive is a copy, inodes of what it is a copy of are not looked for', async () => {
    const events = [...given, damaged('content'), moved(2n, 3n)];
    expect(await operations(events, [healed('nas')], undefined, events.length)).toEqual([]);
  });

  test('on the inode that it had all along, its names are right', async () => {
    expect(await operations([...given, damaged('content')], [healed('verify')])).toEqual([]);
  });
});

describe('events that are no names', () => {
  const OTHERS: Exclude<
    EventType,
    | 'directory.added'
    | 'file.ingested'
    | 'symlink.added'
    | 'special.added'
    | 'path.removed'
    | 'path.renamed'
    | 'path.restored'
    | 'object.removed'
    | 'object.healed'
  >[] = [
    'archive.created',
    'operation.started',
    'operation.completed',
    'operation.failed',
    'attributes.changed',
    'object.stored',
    'object.relocated',
    'paths.pruned',
    'object.damaged',
    'objects.verified',
    'tag.added',
    'tar.ingested',
    'remote.added',
    'remote.removed',
    'backup.completed',
    'copies.verified',
  ];

  test.each(OTHERS)('%s changes nothing in the tree', (type) =>
    withViews([CREATED, file(0, 'f')], async ({ level }) => {
      const tree = new TreeProjection(level, '/ar', '/ar/.hkfs/objects', 0);
      const [record] = recordsOf([stored(A, 1n)], 1);
      const event = { ...file(0, 'f'), type } as unknown as HkfsEvent;
      expect(await tree.operations([{ ...record!, event }])).toEqual([]);
    }),
  );
});
