/**
 * All that a person does with a stranger's remote, each judged the same: it is done, or refused in words, and
 * nothing but its own targets changes.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { Archive, isHkfsError } from 'hkfs';
import { ERROR_EXITS } from '../../../src/errors.js';
import { collect } from '../scratch.js';
import type { CraftedRemote } from './crafted-remote.js';
import { pictureOf } from './picture.js';

/** Where things may be made: everything else stays as it is. */
const TARGETS = ['targets', 'remote'];

export class Victim {
  readonly directory: string;
  private readonly before: string[];
  private made = 0;

  /** @param directory a new one, with what `..` and absolute names could hit */
  constructor(directory: string) {
    this.directory = directory;
    for (const folder of ['targets', 'decoy', 'a', 'b/c', 'empty'])
      fs.mkdirSync(join(directory, folder), { recursive: true });
    for (const file of ['x', 'decoy/a', 'a/b', 'b/c/a', 'c'])
      fs.writeFileSync(join(directory, file), `kept: ${file}`, { mode: 0o640 });
    fs.symlinkSync('decoy', join(directory, 'link'));
    this.before = pictureOf(directory, TARGETS);
  }

  /** A name of its own below the targets. */
  target(): string {
    return join(this.directory, 'targets', String((this.made += 1)));
  }

  /** @returns the clone, null where it was refused */
  async clone({ url }: CraftedRemote, catalogue = false): Promise<string | null> {
    const directory = this.target();
    const status = await this.run(() => Archive.clone({ url, directory, catalogue }));
    return status === 0 ? directory : null;
  }

  /** Whatever was refused left the clone as it was. @returns whether it was done */
  async pull(clone: string, url: string): Promise<boolean> {
    const head = await withArchive(clone, (archive) => archive.head());
    const status = await this.run(() => withArchive(clone, (archive) => archive.pull({ url })));
    if (status !== 0) expect(await withArchive(clone, (archive) => archive.head())).toEqual(head);
    return status === 0;
  }

  /** What was taken answers every question, and goes out again. */
  async useAll(clone: string): Promise<void> {
    await withArchive(clone, async (archive) => {
      await this.queries(archive);
      await this.run(() => archive.verify());
      await this.run(() => archive.restore({ paths: [''], to: this.target(), verify: true }));
      await this.run(() => archive.materialize({ at: 'now', into: this.target() }));
      const tar = `${this.target()}.tar`;
      await this.run(() => archive.export({ paths: [''], to: tar }));
      await this.run(() => archive.replay({ check: true }));
    });
    expect(await withArchive(clone, (archive) => archive.verify({ quick: true }))).toMatchObject({
      views: [],
    });
  }

  async fetch(clone: string): Promise<void> {
    await this.run(() => withArchive(clone, (archive) => archive.fetch({ paths: [''] })));
  }

  private async queries(archive: Archive): Promise<void> {
    const { size } = await archive.head();
    for (const at of ['now', `@${Math.floor(size / 2)}`]) {
      await collect(archive.ls('', { recursive: true, at }));
      await collect(archive.find({}, { at }));
      await collect(archive.du('', { at }));
      await collect(archive.dups({}, { at }));
      await collect(archive.contents({ at }));
      await collect(archive.unique('', { at }));
      await collect(archive.orphans({ at }));
    }
    for await (const { operation } of archive.ops()) await archive.show(operation);
    await collect(archive.log());
    await collect(archive.tags());
    await collect(archive.remotes());
    await collect(archive.copies());
    await collect(archive.similar({ is: 'all' }));
    await collect(archive.diff({ from: '@0', to: 'now' }));
  }

  /** @returns the exit status that the command would have: 0, 3 or 4 */
  private async run(act: () => Promise<unknown>): Promise<number> {
    let status = 0;
    try {
      await act();
    } catch (error) {
      if (!isHkfsError(error)) throw error;
      status = ERROR_EXITS[error.code];
      expect({ status, message: error.message }).toEqual({
        status: status === 3 ? 3 : 4,
        message: error.message,
      });
    }
    this.expectUnchanged();
    return status;
  }

  expectUnchanged(): void {
    expect(pictureOf(this.directory, TARGETS)).toEqual(this.before);
  }
}

async function withArchive<T>(directory: string, use: (archive: Archive) => Promise<T>): Promise<T> {
  const archive = await Archive.open(directory, { mode: 'write' });
  try {
    return await use(archive);
  } finally {
    await archive.close();
  }
}
