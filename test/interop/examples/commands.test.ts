/** The examples of every command as `--help` and docs/commands have them, each run where it can work. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ARCHIVE, SCENES } from './command-scenes.js';
import { testWhere } from '../../e2e/hkfs.js';
import { whyNoWorld, World } from './world.js';

interface Manifest {
  readonly commands: Readonly<
    Record<string, { readonly examples?: readonly { readonly command: string }[] }>
  >;
}

const MANIFEST = join(import.meta.dirname, '../../../oclif.manifest.json');
const { commands } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as Manifest;
const missing = whyNoWorld();

describe('examples of the commands', () => {
  if (missing !== null) {
    testWhere(false, missing)('run on a machine of their own', () => {});
    return;
  }
  let world: World;
  beforeAll(async () => {
    world = await World.start();
    world.prepare(ARCHIVE);
  }, 120_000);
  afterAll(() => world.stop());

  const used = new Set<string>();
  for (const [id, { examples = [] }] of Object.entries(commands))
    for (const { command: template } of examples) {
      const command = template.replaceAll('<%= config.bin %>', 'hkfs');
      const name = Object.keys(SCENES).find((key) => isNamed(key, command));
      const scene = name === undefined ? {} : SCENES[name]!;
      if (name !== undefined) used.add(name);
      const run = scene.skip === undefined ? test : test.skip;
      run(`${id}: ${command}${scene.skip === undefined ? '' : ` (${scene.skip})`}`, () => {
        if (scene.before !== undefined) world.prepare(`export HKFS_ARCHIVE=/data/archive\n${scene.before}`);
        Object.assign(world, { cwd: scene.cwd ?? '/home/alice', archive: scene.archive ?? '/data/archive' });
        // What is cut by head may end by SIGPIPE.
        const strict = command.endsWith('| head') ? '' : 'set -o pipefail\n';
        const { status, output } = world.run(`${strict}${withRealHash(command)}`);
        if (scene.after !== undefined) world.prepare(scene.after);
        const ends = scene.asks === true ? 2 : (scene.status ?? 0);
        const isRight = output.includes('[CONFIRMATION_NEEDED]') === (scene.asks === true);
        if (status !== ends || !isRight || output.includes('[USAGE]'))
          throw new Error(`left with ${status}:\n${output.slice(0, 4000)}`);
      });
    }

  test('are all that there are scenes for', () => {
    expect(Object.keys(SCENES).filter((name) => !used.has(name))).toEqual([]);
  });
});

function isNamed(key: string, command: string): boolean {
  return key.endsWith('*') ? command.startsWith(key.slice(0, -1).trimEnd()) : key === command;
}

/** The first digits of the letter's hash stand for whatever hash the page names. */
function withRealHash(command: string): string {
  return command.replaceAll('9f86d081', '$(b3sum --no-names ~/documents/letter.txt | head -c 8)');
}
