import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');

function stepsOfSource(): string[] {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const steps = new Set<string>();
  for (const name of names.filter((path) => path.endsWith('.ts')))
    for (const [call] of readFileSync(join(root, 'src', name), 'utf8').matchAll(/\bfailpoint\([^)]*\)/g))
      for (const [, step] of call.matchAll(/'([\w.-]+)'/g)) steps.add(step!);
  return [...steps].sort();
}

/** `a.b` by itself, and `.c` behind it for `a.c`; a star speaks for no step. */
function stepsOfPage(): Set<string> {
  const steps = new Set<string>();
  for (const line of readFileSync(join(root, 'docs/windows.md'), 'utf8').split('\n')) {
    let group = '';
    for (const [, word] of line.matchAll(/`([\w-]*\.[\w-]+)`/g)) {
      const [before, name] = word!.split('.') as [string, string];
      group = before || group;
      steps.add(`${group}.${name}`);
    }
  }
  return steps;
}

test('each step that can be made to fail has its window in docs/windows.md', () => {
  const [source, page] = [stepsOfSource(), stepsOfPage()];
  expect(source.length).toBeGreaterThan(100);
  expect(source.filter((step) => !page.has(step))).toEqual([]);
});
