/** From what differs to what happened: given recorded and found entries, when planned, then these steps. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Found, Missing, Plan } from '../../../src/archive/sync/differences.js';
import { planSync } from '../../../src/archive/sync/plan.js';
import { seed } from '../../crash/random.js';

/** A recorded file or directory that is not where it was. */
function gone(parent: number, name: string, is: { key?: string; id?: number }): Missing {
  const { key = null, id = null } = is;
  return {
    parent,
    name,
    key,
    directoryId: id,
    kind: id === null ? 'file' : 'directory',
    path: `${parent}/${name}`,
  };
}

/** Something that is there now. */
function there(parent: number, name: string, is: { key?: string; ref?: number } = {}): Found {
  const { key = null, ref = null } = is;
  return { parent, name, key, ref, kind: ref === null ? 'file' : 'directory', path: `${parent}/${name}` };
}

function told({ steps }: Plan): string[] {
  return steps.map((step) => {
    if (step.do === 'rename')
      return `${step.from.parent}/${step.from.name} -> ${step.to.parent}/${step.to.name}`;
    if (step.do === 'remove') return `- ${step.place.parent}/${step.place.name}`;
    if (step.do === 'directory') return `+ ${step.found.parent}/${step.found.name}/`;
    return `${step.replaces ? '=' : '+'} ${step.found.parent}/${step.found.name}`;
  });
}

function planOf(missing: Missing[], found: Found[]): string[] {
  return told(planSync({ missing, found }));
}

test('a content that is gone here and found there was renamed', () => {
  expect(planOf([gone(0, 'a', { key: 'x' })], [there(0, 'b', { key: 'x' })])).toEqual(['0/a -> 0/b']);
});

test('of several names of one content, the one of the same name moved', () => {
  const missing = [gone(1, 'a', { key: 'x' }), gone(1, 'b', { key: 'x' })];
  const found = [there(2, 'b', { key: 'x' }), there(2, 'a', { key: 'x' })];
  expect(planOf(missing, found)).toEqual(['1/b -> 2/b', '1/a -> 2/a']);
});

test('two names that were swapped go through a temporary one', () => {
  const missing = [gone(0, 'a', { key: 'x' }), gone(0, 'b', { key: 'y' })];
  const found = [there(0, 'a', { key: 'y' }), there(0, 'b', { key: 'x' })];
  expect(planOf(missing, found)).toEqual(['0/b -> 0/.sync-1', '0/a -> 0/b', '0/.sync-1 -> 0/a']);
});

test('a temporary name is none that is there', () => {
  const missing = [gone(0, 'a', { key: 'x' }), gone(0, 'b', { key: 'y' })];
  const found = [there(0, 'a', { key: 'y' }), there(0, 'b', { key: 'x' })];
  const plan = planSync({ missing, found }, (name) => name === '.sync-1');
  expect(told(plan)[0]).toBe('0/b -> 0/.sync-2');
});

test('a directory most of whose files went to one place was renamed, and the rest is told below it', () => {
  const missing = [gone(0, 'd', { id: 7 }), ...['a', 'b', 'c'].map((name) => gone(7, name, { key: name }))];
  const found = [
    there(0, 'e', { ref: -1 }),
    there(-1, 'a', { key: 'a' }),
    there(-1, 'z', { key: 'b' }),
    there(-1, 'new'),
  ];
  expect(planOf(missing, found)).toEqual(['0/d -> 0/e', '7/b -> 7/z', '- 7/c', '+ -1/new']);
});

test('a directory of which half the files or less came to one place is new, and the old one is gone', () => {
  const missing = [gone(0, 'd', { id: 7 }), gone(7, 'a', { key: 'a' }), gone(7, 'b', { key: 'b' })];
  const found = [there(0, 'e', { ref: -1 }), there(-1, 'a', { key: 'a' })];
  expect(planOf(missing, found)).toEqual(['+ 0/e/', '7/a -> -1/a', '- 0/d']);
});

test('a child that became the parent of its parent is never inside of itself', () => {
  const missing = [
    gone(0, 'a', { id: 1 }),
    gone(1, 'x', { key: 'x' }),
    gone(1, 'b', { id: 2 }),
    gone(2, 'y', { key: 'y' }),
    gone(2, 'z', { key: 'z' }),
  ];
  const found = [
    there(0, 'b', { ref: -1 }),
    there(-1, 'y', { key: 'y' }),
    there(-1, 'z', { key: 'z' }),
    there(-1, 'a', { ref: -2 }),
    there(-2, 'x', { key: 'x' }),
  ];
  expect(planOf(missing, found)).toEqual(['1/b -> 0/b', '0/a -> 2/a']);
});

test('a file that took the place of its directory waits until that is gone', () => {
  const missing = [gone(0, 'd', { id: 1 }), gone(1, 'f', { key: 'f' }), gone(1, 'g', { key: 'g' })];
  expect(planOf(missing, [there(0, 'd', { key: 'f' })])).toEqual([
    '1/f -> 0/.sync-1',
    '- 0/d',
    '0/.sync-1 -> 0/d',
  ]);
});

test('a file that went into a new directory of its own name waits until that is there', () => {
  const found = [there(0, 'a', { ref: -1 }), there(-1, 'x', { key: 'x' })];
  expect(planOf([gone(0, 'a', { key: 'x' })], found)).toEqual([
    '0/a -> 0/.sync-1',
    '+ 0/a/',
    '0/.sync-1 -> -1/x',
  ]);
});

test('another content at the same place is a new version, another kind a removal first', () => {
  expect(planOf([gone(0, 'a', { key: 'x' })], [there(0, 'a')])).toEqual(['= 0/a']);
  expect(planOf([gone(0, 'a', { id: 3 })], [there(0, 'a')])).toEqual(['- 0/a', '+ 0/a']);
  expect(planOf([gone(0, 'a', { key: 'x' })], [there(0, 'a', { ref: -1 })])).toEqual(['- 0/a', '+ 0/a/']);
});

test('a chain of a thousand names is renamed in one event each, whatever the order', () => {
  const names = Array.from({ length: 1001 }, (_value, index) => `n${index}`);
  const missing = names.slice(0, -1).map((name) => gone(0, name, { key: name }));
  const found = names.slice(1).map((name, index) => there(0, name, { key: `n${index}` }));
  expect(planOf(missing, found)).toHaveLength(1000);
  expect(planOf(missing.toReversed(), found.toReversed())).toHaveLength(1000);
});

/** A small file system: each node's parent and name; directories have an id and files a content. */
interface Node {
  readonly id: number;
  parent: number;
  name: string;
  readonly isDirectory: boolean;
}

/** Random trees of the same nodes: any rename of anything, and nothing kept at its place but the root. */
const trees = fc
  .array(fc.record({ isDirectory: fc.boolean(), before: fc.nat(), after: fc.nat(), kept: fc.nat(5) }), {
    maxLength: 14,
  })
  .map((nodes) => ({
    before: treeOf(nodes.map(({ isDirectory, before }) => ({ isDirectory, pick: before }))),
    after: treeOf(nodes.map(({ isDirectory, after }) => ({ isDirectory, pick: after }))),
    kept: nodes.map(({ kept }) => kept > 0),
  }));

function treeOf(nodes: readonly { isDirectory: boolean; pick: number }[]): Node[] {
  const placed: Node[] = [];
  for (const [index, { isDirectory, pick }] of nodes.entries()) {
    const parents = [0, ...placed.filter((node) => node.isDirectory).map(({ id }) => id)];
    const parent = parents[pick % parents.length]!;
    const siblings = placed.filter((node) => node.parent === parent).length;
    placed.push({ id: index + 1, parent, name: `n${siblings}`, isDirectory });
  }
  return placed;
}

test('whatever moved, went or came: every step finds a free place in a tree, and the end is the disk', () => {
  fc.assert(
    fc.property(trees, ({ before, after, kept }) => {
      const missing = before.map((node) =>
        gone(node.parent, node.name, node.isDirectory ? { id: node.id } : { key: `k${node.id}` }),
      );
      const found = after.map((node) =>
        there(node.parent === 0 ? 0 : -node.parent, node.name, fileOrDirectory(node, kept[node.id - 1]!)),
      );
      const plan = planSync({ missing, found });
      const disk = new World(before);
      for (const step of plan.steps) disk.apply(step, plan.ids);
      expect(disk.places()).toEqual(after.map((node) => placeIn(after, node)).toSorted());
    }),
    { seed, numRuns: 500 },
  );
});

function fileOrDirectory(node: Node, isKnown: boolean): { key?: string; ref?: number } {
  if (node.isDirectory) return { ref: -node.id };
  return isKnown ? { key: `k${node.id}` } : {};
}

/** What is where after each step, with the rules that every position of the log obeys. */
class World {
  private readonly entries = new Map<string, number | null>();
  private readonly above = new Map<number, { parent: number; name: string }>();
  private readonly born = new Map<number, number>();

  constructor(nodes: readonly Node[]) {
    for (const { id, parent, name, isDirectory } of nodes)
      this.put({ parent, name }, isDirectory ? id : null);
  }

  apply(step: Plan['steps'][number], ids: ReadonlyMap<number, number>): void {
    const real = (place: { parent: number; name: string }): { parent: number; name: string } => ({
      parent: ids.get(place.parent) ?? this.born.get(place.parent) ?? place.parent,
      name: place.name,
    });
    if (step.do === 'rename') {
      const id = this.take(real(step.from));
      this.put(real(step.to), id);
    } else if (step.do === 'remove') this.remove(this.take(real(step.place)));
    else if (step.do === 'directory') {
      const id = 1000 - step.found.ref!;
      this.born.set(step.found.ref!, id);
      this.put(real(step.found), id);
    } else {
      if (step.replaces) this.take(real(step.found));
      this.put(real(step.found), null);
    }
  }

  places(): string[] {
    return [...this.entries.keys()].map((key) => this.pathOf(key)).toSorted();
  }

  private take({ parent, name }: { parent: number; name: string }): number | null {
    const key = `${parent}/${name}`;
    expect([...this.entries.keys()]).toContain(key);
    const id = this.entries.get(key)!;
    this.entries.delete(key);
    return id;
  }

  private put({ parent, name }: { parent: number; name: string }, id: number | null): void {
    expect([...this.entries.keys()]).not.toContain(`${parent}/${name}`);
    this.entries.set(`${parent}/${name}`, id);
    if (id !== null) this.above.set(id, { parent, name });
    this.pathOf(`${parent}/${name}`);
  }

  private remove(id: number | null): void {
    if (id === null) return;
    for (const [key, child] of this.entries)
      if (key.startsWith(`${id}/`)) {
        this.entries.delete(key);
        this.remove(child);
      }
  }

  private pathOf(key: string): string {
    const [parent, name] = key.split('/') as [string, string];
    let path = name;
    let steps = 0;
    for (let at = Number(parent); at !== 0; steps += 1) {
      expect(steps).toBeLessThan(100);
      const place = this.above.get(at)!;
      expect(this.entries.get(`${place.parent}/${place.name}`)).toBe(at);
      path = `${place.name}/${path}`;
      at = place.parent;
    }
    return path;
  }
}

function placeIn(nodes: readonly Node[], { parent, name }: Node): string {
  return parent === 0 ? name : `${placeIn(nodes, nodes[parent - 1]!)}/${name}`;
}
