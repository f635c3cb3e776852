import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { Anchors } from '../../src/fs/anchors.js';
import { withDirectory } from '../../src/fs/long-path.js';
import { removeTree } from '../../src/fs/remove-tree.js';
import { scratchDirectory } from './scratch.js';

const scratch = scratchDirectory();
/** Of names of 20 bytes: more stretches than are kept open. */
const LEVELS = 350;

function deep(name: string): string[] {
  const paths = [`${scratch.path}/${name}`];
  const long = name.padEnd(20, 'x');
  mkdirSync(paths[0]!);
  for (let level = 0; level < LEVELS; level += 1) {
    withDirectory(paths.at(-1)!, (base) => mkdirSync(`${base}/${long}`));
    paths.push(`${paths.at(-1)!}/${long}`);
  }
  return paths;
}

test('a directory of any depth is the one that its path names, in whatever order they are asked for', () => {
  const [one, two] = [deep('one'), deep('two')];
  const anchors = new Anchors();
  const order = [
    ...one,
    ...[...two].reverse(),
    ...one.filter((_, at) => at % 97 === 0),
    one.at(-1)!,
    two.at(-1)!,
  ];
  try {
    for (const path of order) writeFileSync(`${anchors.at(path).path}/here`, path);
    for (const path of order)
      expect(withDirectory(path, (base) => readFileSync(`${base}/here`, 'utf8'))).toBe(path);
  } finally {
    anchors.close();
    removeTree(one[0]!);
    removeTree(two[0]!);
  }
});

test('what was renamed meanwhile is not found under its old path once all was closed', () => {
  const paths = deep('three');
  const anchors = new Anchors();
  try {
    anchors.at(paths.at(-1)!);
    anchors.close();
    const [top, first] = paths as [string, string];
    renameSync(first, `${top}/moved`);
    expect(() => anchors.at(paths.at(-1)!)).toThrow('ENOENT');
    expect(anchors.at(`${top}/moved${paths.at(-1)!.slice(first.length)}`).path).toMatch(/^\/proc\/self\/fd/);
  } finally {
    anchors.close();
    removeTree(paths[0]!);
  }
});
