/** How a process ends whose command does not: each in a process of its own. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { closeQuietly, closingAfter, closingAll } from '../../src/errors.js';

const settle = join(import.meta.dirname, '../../dist/cli/settle.js');

function run(command: string, argv: readonly string[] = []): { status: number | null; stderr: string } {
  const script = `
    const { untilSettled } = await import(${JSON.stringify(settle)});
    await untilSettled(${JSON.stringify(argv)}, async () => { ${command} });`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 20_000,
  });
  return { status, stderr: stderr.toString() };
}

test.each([
  ['waits for what never comes', 'await new Promise(() => {})'],
  ['waits so after it gave its status', 'process.exitCode = 0; await new Promise(() => {})'],
  [
    'leaves an exception to nobody',
    `setTimeout(() => { throw new Error('late') }); await new Promise(() => {})`,
  ],
  ['leaves a rejection to nobody', `Promise.reject(new Error('late')); await new Promise(() => {})`],
  ['leaves a text to nobody', `Promise.reject('late'); await new Promise(() => {})`],
  ['leaves a broken pipe to nobody', `Promise.reject(Object.assign(new Error('late'), { code: 'EPIPE' }));`],
  ['fails with what nobody has a word for', `throw new Error('late')`],
])('a command that %s ends as a bug, with its line and 70', (_title, command) => {
  const { status, stderr } = run(command);
  expect({ status, stderr }).toEqual({
    status: 70,
    stderr: expect.stringMatching(/^hkfs: a bug .*\[BUG\]\nhint: /),
  });
  expect(stderr.length).toBeLessThan(3000);
});

test('under --json the end that nobody asked for is one object', () => {
  const { stderr } = run('await new Promise(() => {})', ['ls', '--json']);
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'BUG' } });
});

test('a command that settles leaves its own status, and 0 where it gave none', () => {
  expect(run('')).toEqual({ status: 0, stderr: '' });
  expect(run('process.exitCode = 3')).toEqual({ status: 3, stderr: '' });
});

const failing = (text: string) => (): Promise<never> => Promise.reject(new Error(text));

test('an error of closing is told, and never in the place of what failed before', async () => {
  await expect(closingAfter(failing('first'), failing('second'))).rejects.toThrow('first');
  await expect(closingAfter(() => Promise.resolve(1), failing('second'))).rejects.toThrow('second');
  await expect(
    closingAfter(
      () => Promise.resolve(1),
      () => {},
    ),
  ).resolves.toBe(1);
  await expect(closeQuietly(failing('second'))).resolves.toBeUndefined();
});

test('all is closed, whatever fails on the way, and what failed first is told', async () => {
  const done: string[] = [];
  const steps = ['a', 'b', 'c'].map((name) => () => {
    done.push(name);
    if (name !== 'b') throw new Error(name);
  });
  await expect(closingAll(steps)).rejects.toThrow('a');
  expect(done).toEqual(['a', 'b', 'c']);
});
