/** `remote compact` removes a log segment only where its events are in another that is whole. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Archive } from 'hkfs';
import { withArchive } from '../scratch.js';

interface Place {
  readonly archive: Archive;
  readonly root: string;
  readonly remote: string;
  /** Those of the backups, and the one that they were compacted to. */
  readonly small: readonly string[];
  readonly large: string;
}

describe('a compaction that goes on where another was cut short', () => {
  test('removes the small segments where the large one is whole', () =>
    withBoth(async ({ archive, small, large }) => {
      await archive.compactRemote({ remote: 'disk' });
      expect(small.map((path) => fs.existsSync(path))).toEqual([false, false]);
      expect(fs.existsSync(large)).toBe(true);
    }));

  test.each([
    ['other bytes', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([0])])],
    ['lost its end', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ['no bytes', () => Buffer.alloc(0)],
  ])('is refused and removes nothing where the large one has %s; a clone still has all', (_what, damage) =>
    withBoth(async ({ archive, root, remote, small, large }) => {
      const bytes = fs.readFileSync(large);
      fs.chmodSync(large, 0o644);
      fs.writeFileSync(large, damage(bytes));
      await expect(archive.compactRemote({ remote: 'disk' })).rejects.toMatchObject({
        code: 'REMOTE_DAMAGED',
        message: expect.stringContaining('nothing was removed'),
      });
      expect(small.map((path) => fs.existsSync(path))).toEqual([true, true]);
      const clone = await Archive.clone({ url: remote, directory: `${root}-clone` });
      expect(clone).toMatchObject({ damaged: [], missing: [] });
    }),
  );
});

/** A remote as a compaction leaves it that is killed before it removes. */
function withBoth(use: (place: Place) => Promise<void>): Promise<void> {
  return withArchive(async ({ archive, root, source }) => {
    const remote = `${root}-remote`;
    await archive.addRemote({ name: 'disk', url: remote });
    for (const name of ['a', 'b']) {
      fs.writeFileSync(join(source, name), `bytes of ${name}`);
      await archive.ingest({ sources: [source], to: '' });
      await archive.backup({ remote: 'disk' });
    }
    const [id] = fs.readdirSync(join(remote, 'archives'));
    const log = join(remote, 'archives', id!, 'log');
    const small = segmentsIn(log).map((path) => ({ path, bytes: fs.readFileSync(path) }));
    await archive.compactRemote({ remote: 'disk' });
    const [large] = segmentsIn(log);
    for (const { path, bytes } of small) fs.writeFileSync(path, bytes);
    await use({ archive, root, remote, small: small.map(({ path }) => path), large: large! });
  });
}

function segmentsIn(log: string): string[] {
  return fs
    .readdirSync(log)
    .sort()
    .map((name) => join(log, name));
}
