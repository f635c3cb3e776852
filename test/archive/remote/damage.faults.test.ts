/** Remotes that have lost or altered files: a clone finds and names it, and the archive mends it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Archive, isHkfsError, type CloneSummary } from 'hkfs';
import { withArchive, type Scratch } from '../scratch.js';

/** What a clone made of a damaged remote: everything it said. */
type Outcome =
  | { readonly error: { readonly code: string; readonly message: string } }
  | { readonly summary: CloneSummary };

interface Place extends Scratch {
  readonly remote: string;
  /** The remote's files, by their names there. */
  readonly files: readonly string[];
  clone(): Promise<Outcome>;
}

describe('a bit that flipped in a file of a remote', () => {
  test('is found and named by a clone, whichever file it is', () =>
    withRemote(async ({ remote, files, clone }) => {
      expect(files.length).toBeGreaterThan(12);
      for (const name of files) {
        const path = join(remote, name);
        const bytes = fs.readFileSync(path);
        for (const at of new Set([0, bytes.length >> 1, bytes.length - 1])) {
          rewrite(path, flipped(bytes, at));
          const outcome = await clone();
          // A bit in white space, or one that the signature does not cover, alters nothing.
          if (!isClean(outcome))
            expect([name, at, told(outcome)]).toEqual([name, at, expect.stringContaining(lastOf(name))]);
          else expect([name, at, isHarmless(name, bytes, at)]).toEqual([name, at, true]);
        }
        rewrite(path, bytes);
      }
      expect(isClean(await clone())).toBe(true);
    }));
});

describe('a remote that lost files', () => {
  test('of contents: the clone has all else and lists them; --mend sends them again', () =>
    withRemote(async ({ archive, remote, files, clone }) => {
      const lost = files.filter((name) => name.startsWith('objects/')).slice(0, 2);
      for (const name of lost) fs.rmSync(join(remote, name));
      const outcome = await clone();
      expect('summary' in outcome && outcome.summary.missing.map(({ hash }) => hash).sort()).toEqual(
        lost.map((name) => name.slice(8).replace('/', '')).sort(),
      );
      expect(await archive.backup({ remote: 'disk', mend: true })).toMatchObject({ objects: 2 });
      expect(isClean(await clone())).toBe(true);
    }));

  test('of the log: the clone names the position; --mend sends it again', () =>
    withRemote(async ({ archive, remote, files, clone }) => {
      const segments = files.filter((name) => /\/log\/\d+-\d+$/.test(name));
      expect(segments.length).toBe(3);
      for (const name of segments) {
        fs.rmSync(join(remote, name));
        const first = Number(lastOf(name).slice(0, 16));
        expect(told(await clone())).toContain(`event ${first}`);
        await archive.backup({ remote: 'disk', mend: true });
        expect(isClean(await clone())).toBe(true);
      }
    }));

  test('of its newest checkpoint: the next backup says so and is refused, --mend goes on', () =>
    withRemote(async ({ archive, source, remote, files, clone }) => {
      const newest = files.filter((name) => name.includes('/checkpoint/')).at(-1)!;
      fs.rmSync(join(remote, newest));
      fs.writeFileSync(join(source, 'more'), 'more');
      await archive.ingest({ sources: [source], to: '' });
      await expect(archive.backup({ remote: 'disk' })).rejects.toMatchObject({
        code: 'REMOTE_DIVERGED',
        message: expect.stringMatching(
          /a backup has reached position \d+, and its newest checkpoint is at position \d+/,
        ),
      });
      await archive.backup({ remote: 'disk', mend: true });
      const outcome = await clone();
      expect(isClean(outcome)).toBe(true);
      expect(fs.existsSync(join(remote, newest))).toBe(true);
    }));

  test('that was wholly replaced by an empty one is not taken for it', () =>
    withRemote(async ({ archive, remote, clone }) => {
      fs.rmSync(remote, { recursive: true });
      fs.mkdirSync(remote);
      await expect(archive.backup({ remote: 'disk' })).rejects.toMatchObject({ code: 'REMOTE_FOREIGN' });
      expect(fs.readdirSync(remote)).toEqual([]);
      await archive.backup({ remote: 'disk', mend: true });
      expect(isClean(await clone())).toBe(true);
    }));

  test('and was put back to an earlier state is refused with both positions', () =>
    withRemote(async ({ archive, source, remote }) => {
      fs.cpSync(remote, `${remote}-earlier`, { recursive: true });
      fs.writeFileSync(join(source, 'more'), 'more');
      await archive.ingest({ sources: [source], to: '' });
      await archive.backup({ remote: 'disk' });
      fs.rmSync(remote, { recursive: true });
      fs.renameSync(`${remote}-earlier`, remote);
      await expect(archive.backup({ remote: 'disk' })).rejects.toMatchObject({ code: 'REMOTE_DIVERGED' });
    }));
});

function withRemote(use: (place: Place) => Promise<void>): Promise<void> {
  return withArchive(async (scratch) => {
    const { archive, root, source } = scratch;
    const remote = `${root}-remote`;
    await archive.addRemote({ name: 'disk', url: remote });
    for (const round of ['a', 'b', 'c']) {
      fs.writeFileSync(join(source, round), `bytes of ${round}`);
      await archive.ingest({ sources: [source], to: '' });
      await archive.backup({ remote: 'disk' });
    }
    const files = filesBelow(remote);
    await use({ ...scratch, remote, files, clone: () => cloneOf(remote, `${root}-clone`) });
  });
}

async function cloneOf(url: string, directory: string): Promise<Outcome> {
  try {
    return { summary: await Archive.clone({ url, directory }) };
  } catch (error) {
    if (!isHkfsError(error)) throw error;
    return { error };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function isClean(outcome: Outcome): boolean {
  if ('error' in outcome) return false;
  const { damaged, missing, damagedFiles } = outcome.summary;
  return damaged.length + missing.length + damagedFiles.length === 0;
}

function told(outcome: Outcome): string {
  return JSON.stringify('error' in outcome ? outcome.error.message : outcome.summary);
}

/** By which a file is named: a content by its hash, all others by their names. */
function lastOf(name: string): string {
  return name.startsWith('objects/') ? name.slice(8).replace('/', '') : name.slice(name.lastIndexOf('/') + 1);
}

function isHarmless(name: string, bytes: Buffer, at: number): boolean {
  const isSpace = /\s/.test(String.fromCharCode(bytes[at]!));
  return isSpace && (name.endsWith('/key') || name.endsWith('.json') || name.includes('/checkpoint/'));
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

function rewrite(path: string, bytes: Buffer): void {
  fs.chmodSync(path, 0o644);
  fs.writeFileSync(path, bytes);
}

function filesBelow(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
