import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { withScratch } from './scratch.js';

const root = join(import.meta.dirname, '../..');

function exampleInReadme(): string | undefined {
  const readme = join(root, 'README.md');
  const text = existsSync(readme) ? readFileSync(readme, 'utf8') : '';
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
  return blocks.find((code) => code.includes("from 'hkfs'"));
}

const example = exampleInReadme();
const testExample = example === undefined ? test.skip : test;
if (example === undefined)
  process.stderr.write('skipped in test/archive: README.md has no ts block that imports hkfs\n');

testExample('the example of the README runs as it stands, in an empty directory, and says something', () =>
  withScratch(async (directory) => {
    const { code } = transformSync(example!, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } });
    mkdirSync(join(directory, 'node_modules'));
    symlinkSync(root, join(directory, 'node_modules/hkfs'));
    writeFileSync(join(directory, 'example.mjs'), code);
    const env = { ...process.env, TMPDIR: directory };
    const said = execFileSync(process.execPath, ['example.mjs'], { cwd: directory, env, encoding: 'utf8' });
    expect(said.trim()).not.toBe('');
  }),
);
