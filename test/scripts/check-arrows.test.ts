import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const SCRIPT = join(import.meta.dirname, '../../scripts/check-arrows.mjs');
let src: string;

beforeEach(() => {
  src = mkdtempSync(join(tmpdir(), 'hkfs-arrows-'));
});
afterEach(() => rmSync(src, { recursive: true }));

function check(files: Record<string, string>): { status: number | null; lines: string[] } {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(src, name)), { recursive: true });
    writeFileSync(join(src, name), text);
  }
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, src], { encoding: 'utf8' });
  return { status, lines: stderr.trimEnd().split('\n') };
}

describe('passes', () => {
  test('imports along the arrows, of the own room, of errors, and of types where they are allowed', () => {
    const { status } = check({
      'commands/ls.ts': "import '../cli/a.js'; import('../archive/b.js');",
      'cli/a.ts': "import type { X } from '../archive/api.js'; import './c.js'; import '../errors.js';",
      'archive/b.ts': "import '../events/d.js'; import '../store/e.js';",
      'store/e.ts': "import '../fs/f.js';",
      'fs/f.ts': "import '../events/names.js';",
    });
    expect(status).toBe(0);
  });

  test('imports that are only written in comments and strings', () => {
    expect(
      check({ 'events/a.ts': "// import '../fs/b.js'\nexport const text = \"import '../fs/b.js'\";" }).status,
    ).toBe(0);
  });
});

describe('fails, naming both files and the rule', () => {
  test.each([
    ['static', "import { x } from '../archive/b.js';"],
    ['static', "export * from '../archive/b.js';"],
    ['static', "import { type X } from '../archive/b.js';"],
    ['type', "import type { X } from '../archive/b.js';"],
    ['dynamic', "export const x = () => import('../archive/b.js');"],
    ['type', "export type X = import('../archive/b.js').X;"],
  ])('on a %s import against the arrows: %s', (kind, text) => {
    const { status, lines } = check({ 'events/a.ts': text });
    expect(status).toBe(1);
    expect(lines).toEqual([
      `broken arrow: events/a.ts → archive/b.ts (${kind} import); events imports no other room`,
    ]);
  });

  test('when the command line loads the archive anywhere but in its one door', () => {
    const text = "export const x = () => import('../archive/archive.js');";
    expect(check({ 'cli/open-archive.ts': text }).status).toBe(0);
    expect(check({ 'cli/rows.ts': text }).lines).toEqual([
      'broken arrow: cli/rows.ts → archive/archive.ts (dynamic import); cli imports no other room',
    ]);
  });

  test('on a cycle of files, told once', () => {
    const { status, lines } = check({
      'fs/a.ts': "import './b.js';",
      'fs/b.ts': "import './c.js';",
      'fs/c.ts': "import './a.js';",
    });
    expect(status).toBe(1);
    expect(lines).toEqual(['cycle: fs/a.ts → fs/b.ts → fs/c.ts → fs/a.ts']);
  });

  test('on a package that two files import', () => {
    const { status, lines } = check({
      'fs/a.ts': "import 'koffi';",
      'fs/b.ts': "import('koffi');",
      'fs/c.ts': "import 'node:fs';",
    });
    expect(status).toBe(1);
    expect(lines).toEqual(['scattered package: koffi is imported by fs/a.ts, fs/b.ts; one file should']);
  });

  test('on a room that the design does not have', () => {
    expect(check({ 'helpers/a.ts': "import '../fs/b.js';" }).lines).toEqual([
      'broken arrow: helpers/a.ts → fs/b.ts (static import); helpers is no room',
    ]);
  });
});
