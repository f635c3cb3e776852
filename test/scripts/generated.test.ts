import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

import { COMMANDS } from '../../src/main.js';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

// A variable, because scripts have no types.
const script: string = '../../scripts/build/command-pages.mjs';
const { commandPages } = (await import(script)) as {
  commandPages: (manifest: unknown) => Map<string, string>;
};

test('the committed manifest is what the commands say (else: npm run manifest)', () => {
  const generator = join(root, 'scripts/manifest.mjs');
  const { stdout } = spawnSync(process.execPath, [generator, '--print'], { encoding: 'utf8' });
  expect(stdout).toBe(read('oclif.manifest.json'));
});

test('the committed pages are what the manifest says (else: npm run manifest)', () => {
  const pages = commandPages(JSON.parse(read('oclif.manifest.json')));
  expect(readdirSync(join(root, 'docs/commands')).sort()).toEqual([...pages.keys()].sort());
  for (const [name, text] of pages) expect(read(`docs/commands/${name}`)).toBe(text);
});

test('the launcher knows every command file, and no other', () => {
  const files = readdirSync(join(root, 'src/commands'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.replace(/\.ts$/, '').replaceAll('/', ':'));
  expect(Object.keys(COMMANDS).sort()).toEqual(files.sort());
});

test('every command has a summary, a description and examples, and every flag says what it does', () => {
  const { commands } = JSON.parse(read('oclif.manifest.json')) as {
    commands: Record<
      string,
      {
        summary?: string;
        description?: string;
        examples?: unknown[];
        flags: Record<string, { description?: string }>;
      }
    >;
  };
  for (const [id, command] of Object.entries(commands)) {
    expect([id, command.summary, command.description]).not.toContain(undefined);
    expect(command.examples?.length).toBeGreaterThanOrEqual(2);
    for (const [flag, { description }] of Object.entries(command.flags)) {
      expect([id, flag, description]).toEqual([id, flag, expect.stringMatching(/\.$/)]);
    }
  }
});
