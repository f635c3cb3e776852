/** A tree behind its log is brought after it; what is in the way stays, and is told by whichever command it is. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import type { PullSummary } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, hkfs } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
beforeEach(() => {
  box = Box.make(scratch.path).write({ a: 'content a', b: 'content b' });
});

const warningOf = (path: string): RegExp =>
  new RegExp(`^hkfs: warning: ${path}: not put into the tree: [^\\n]+ \\[ECONFLICT\\]$`, 'm');

/** Events are committed, nothing of them is in the tree. */
function killBeforeTree(): void {
  const killed = box.runWith({ env: { HKFS_FAILPOINT: 'commit.views=kill@2' } }, 'ingest', box.source);
  expect(killed.status).toBeNull();
  expect(box.paths('source')).toEqual(['source/a', 'source/b']);
  expect(fs.existsSync(box.tree('source/a'))).toBe(false);
}

test.each([
  ['tag', 'now'],
  ['ingest', '/dev/null', '--to', 'null'],
  ['verify', '--quick'],
])('`hkfs %s` after a kill tells of the file that somebody put where a name was to be', (...args) => {
  killBeforeTree();
  fs.mkdirSync(box.tree('source'), { recursive: true });
  fs.writeFileSync(box.tree('source/b'), 'mine');
  const { stderr } = box.run(...args);
  expect(stderr).toMatch(warningOf(box.tree('source/b')));
  expect(fs.readFileSync(box.tree('source/b'), 'utf8')).toBe('mine');
  expect(fs.readFileSync(box.tree('source/a'), 'utf8')).toBe('content a');
});

test('under --progress json the message comes as one of a command', () => {
  killBeforeTree();
  fs.mkdirSync(box.tree('source'), { recursive: true });
  fs.writeFileSync(box.tree('source/a'), 'mine');
  const { stderr } = box.run('tag', 'now', '--progress', 'json');
  const messages = stderr.split('\n').filter((line) => line.startsWith('{"message"'));
  expect(messages.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { message: { level: 'warning', code: 'ECONFLICT', path: box.tree('source/a') } },
  ]);
});

test('a pull tells of what it could not put into the tree', () => {
  const remote = join(box.path, 'remote');
  box.ingest();
  for (const args of [
    ['remote', 'add', 'disk', remote],
    ['backup', 'disk'],
  ])
    expect(box.run(...args).status).toBe(0);
  const clone = join(box.path, 'clone');
  expect(hkfs(['clone', remote, clone]).status).toBe(0);
  box.write({ c: 'content c' });
  box.ingest();
  expect(box.run('backup', 'disk').status).toBe(0);
  fs.writeFileSync(join(clone, 'source/c'), 'mine');
  const pulled = hkfs(['pull', '-a', clone, '--json']);
  expect((JSON.parse(pulled.stdout) as PullSummary).upToDate).toBe(false);
  expect(pulled.stderr).toMatch(warningOf(join(clone, 'source/c')));
  expect(fs.readFileSync(join(clone, 'source/c'), 'utf8')).toBe('mine');
});
