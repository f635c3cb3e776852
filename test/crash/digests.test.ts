/** kill -9 while dups writes down what it found: it is either remembered whole or made again. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { describe as say, hkfs, row, rows, withArchive } from './hkfs.js';

const STEPS = ['digests.forget', 'digests.forgotten', 'digests.changed'];

function write(source: string, path: string, text: string): void {
  mkdirSync(join(source, path, '..'), { recursive: true });
  writeFileSync(join(source, path), text);
}

test.each(STEPS)('dups killed at %s answers the same when it is asked again', (step) =>
  withArchive(async (archive, source) => {
    const dups = ['dups', '-a', archive];
    write(source, 'a/b/x', 'equal');
    write(source, 'a/b/y', 'equal too');
    write(source, 'a/z', 'changes');
    cpSync(join(source, 'a'), join(source, 'c'), { recursive: true });
    await row(['ingest', source, '-a', archive, '--to', '/', '--progress', 'none']);
    if (step === 'digests.changed') {
      await rows(dups);
      // In place, so that no directory changes but what it holds.
      write(source, 'c/z', 'changed');
      await row(['ingest', source, '-a', archive, '--to', '/', '--progress', 'none']);
    }
    const killed = await hkfs(dups, { failpoint: `${step}=kill` });
    expect([killed.signal, say(killed)]).toEqual(['SIGKILL', expect.any(String)]);

    const expected = step === 'digests.changed' ? ['a/b', 'c/b'] : ['a', 'c'];
    expect(await rows(dups)).toMatchObject([{ kind: 'dir', paths: expected }]);
    expect(await row(['replay', '--check', '-a', archive])).toMatchObject({ equal: true });
  }),
);
