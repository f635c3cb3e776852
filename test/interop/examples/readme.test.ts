/**
 * The examples of README as they are written, with what it shows of their output.
 * HKFS_UPDATE=1 writes what they print into the page.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { examplesOf, withoutVarying, type Example } from './console.js';
import { BEFORE } from './readme-scenes.js';
import { testWhere } from '../../e2e/hkfs.js';
import { whyNoWorld, World } from './world.js';

const PAGE = join(import.meta.dirname, '../../../README.md');
const page = readFileSync(PAGE, 'utf8');
const examples = examplesOf(page);
const isUpdate = process.env['HKFS_UPDATE'] === '1';
const missing = whyNoWorld();
const told: [Example, string][] = [];

describe('README', () => {
  if (missing !== null) {
    testWhere(false, missing)('run on a machine of their own', () => {});
    return;
  }
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(async () => {
    await world.stop();
    if (isUpdate) writeFileSync(PAGE, withTold(page));
  });

  let before = '';
  for (const example of examples) {
    const isFirst = example.heading !== before;
    before = example.heading;
    test(`${example.heading}: ${example.command}`, () => {
      if (isFirst) BEFORE[example.heading]?.(world);
      const { output } = world.run(example.command);
      if (isUpdate) told.push([example, output.trimEnd()]);
      else expect(comparable(output, example)).toEqual(comparable(example.shown, example));
    });
  }

  test('has a scene for each heading that needs one', () => {
    const headings = new Set(examples.map(({ heading }) => heading));
    expect(Object.keys(BEFORE).filter((heading) => !headings.has(heading))).toEqual([]);
  });
});

/** The programs of a pipe write as it comes. */
function comparable(text: string, { command }: Example): string[] {
  const lines = withoutVarying(text).split('\n');
  return command.includes('|') ? lines.toSorted() : lines;
}

function withTold(text: string): string {
  const lines = text.split('\n');
  for (const [
    {
      lines: [from, to],
      shown,
    },
    output,
  ] of told.toReversed())
    if (withoutVarying(shown) !== withoutVarying(output))
      lines.splice(from, to - from, ...(output === '' ? [] : output.split('\n')));
  return lines.join('\n');
}
