/** Every argument and every flag with a value, of every command, as `oclif.manifest.json` has them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { calls, mockArchive, resetFake } from './fake-archive.js';

mockArchive();
const { COMMANDS } = await import('../../src/main.js');
const { launch } = await import('../../src/cli/launch.js');
const root = join(import.meta.dirname, '../..');

interface Arg {
  readonly required?: boolean;
  readonly multiple?: boolean;
}
interface Flag {
  readonly type: 'option' | 'boolean';
  readonly required?: boolean;
  readonly options?: readonly string[];
  readonly dependsOn?: readonly string[];
}
interface Command {
  readonly args: Readonly<Record<string, Arg>>;
  readonly flags: Readonly<Record<string, Flag>>;
}

const { commands } = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
  commands: Readonly<Record<string, Command>>;
};

type Case = readonly [title: string, argv: readonly string[]];

/** A line that is right but for the one empty word. */
const cases: readonly Case[] = Object.entries(commands).flatMap(([id, { args, flags }]): Case[] => {
  const words = id.split(':');
  const names = Object.keys(args);
  const given = Object.entries(flags).flatMap(([name, { required, type }]) =>
    required && type === 'option' ? [[name, `--${name}=x`] as const] : [],
  );
  const positional = (empty: string | null): string[] => {
    const last = Math.max(...names.map((name, at) => (args[name]!.required || name === empty ? at : -1)), -1);
    return names.slice(0, last + 1).map((name) => (name === empty ? '' : 'x'));
  };
  const others = (except: string): string[] =>
    given.filter(([name]) => name !== except).map(([, word]) => word);
  return [
    ...names.map((name): Case => [
      `${words.join(' ')} ${name.toUpperCase()}`,
      [...words, ...positional(name), ...others('')],
    ]),
    ...names
      .filter((name) => args[name]!.multiple)
      .map((name): Case => [
        `${words.join(' ')} ${name.toUpperCase()} among others`,
        [...words, ...positional(name), 'x', '', 'x', ...others('')],
      ]),
    ...Object.entries(flags)
      .filter(([, { type }]) => type === 'option')
      .flatMap(([name, { dependsOn = [] }]): Case[] => {
        const needed = dependsOn.map((other) => `--${other}${flags[other]?.type === 'option' ? '=x' : ''}`);
        const line = [...words, ...positional(null), ...others(name), ...needed];
        return [
          [`${words.join(' ')} --${name}`, [...line, `--${name}`, '']],
          [`${words.join(' ')} --${name}=`, [...line, `--${name}=`]],
        ];
      }),
  ];
});

beforeEach(() => {
  resetFake();
  process.exitCode = undefined;
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

async function stderrOf(argv: readonly string[]): Promise<string> {
  const chunks: string[] = [];
  jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    chunks.push(chunk.toString());
    return true;
  });
  await launch([...argv], COMMANDS, root);
  jest.restoreAllMocks();
  return chunks.join('');
}

test('the manifest has the commands that there are', () => {
  expect(Object.keys(commands).sort()).toEqual(Object.keys(COMMANDS).sort());
  expect(cases.length).toBeGreaterThan(200);
});

test.each(cases)('%s is empty: USAGE, exit 2, and nothing is opened', async (_title, argv) => {
  const stderr = await stderrOf(argv);
  expect(stderr).toMatch(/^hkfs: [^\n]*(is empty|"" is no|Expected )[^\n]* \[USAGE\]\nhint: /);
  expect({ code: process.exitCode, calls }).toEqual({ code: 2, calls: [] });
});
