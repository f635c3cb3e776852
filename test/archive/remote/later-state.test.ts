/** An archive that was brought back from an earlier state heals its remote: what is later there stays. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Archive } from 'hkfs';
import { withArchive } from '../scratch.js';

test.each([
  ['was damaged', (path: string) => flip(path)],
  ['is gone', (path: string) => fs.rmSync(path)],
])(
  'where the newest checkpoint %s, verify --remote --heal of an earlier state removes no events that it has not',
  (_what, spoil) =>
    withArchive(async ({ archive, root, source }) => {
      const remote = `${root}-remote`;
      await archive.addRemote({ name: 'disk', url: remote });
      await ingestAndBackUp(archive, source, 'first');
      await Archive.clone({ url: remote, directory: `${root}-earlier` });
      fs.cpSync(join(root, '.hkfs/keys'), join(`${root}-earlier`, '.hkfs/keys'), { recursive: true });
      await ingestAndBackUp(archive, source, 'second');
      await archive.compactRemote({ remote: 'disk' });
      const [id] = fs.readdirSync(join(remote, 'archives'));
      const [segment, ...others] = pathsIn(join(remote, 'archives', id!, 'log'));
      expect(others).toEqual([]);
      const bytes = fs.readFileSync(segment!);
      spoil(pathsIn(join(remote, 'archives', id!, 'checkpoint')).at(-1)!);

      const warnings = await healed(`${root}-earlier`);
      expect(warnings).toContainEqual(
        expect.objectContaining({ code: 'NOT_HEALED', path: expect.stringContaining('/log/') }),
      );
      expect(fs.readFileSync(segment!)).toEqual(bytes);

      await archive.verifyRemote({ remote: 'disk', heal: true });
      const { size } = await Archive.clone({ url: remote, directory: `${root}-clone` });
      expect(size).toBeGreaterThan(Number(/log\/\d+-(\d+)$/.exec(segment!)![1]));
    }),
);

async function ingestAndBackUp(archive: Archive, source: string, name: string): Promise<void> {
  fs.writeFileSync(join(source, name), `bytes of ${name}`);
  await archive.ingest({ sources: [source], to: '' });
  await archive.backup({ remote: 'disk' });
}

async function healed(root: string): Promise<unknown[]> {
  const warnings: unknown[] = [];
  const archive = await Archive.open(root, { mode: 'write' });
  try {
    await archive.verifyRemote({
      remote: 'disk',
      heal: true,
      onMessage: (message) => warnings.push(message),
    });
  } finally {
    await archive.close();
  }
  return warnings;
}

function pathsIn(directory: string): string[] {
  return fs
    .readdirSync(directory)
    .sort()
    .map((name) => join(directory, name));
}

function flip(path: string): void {
  const bytes = fs.readFileSync(path);
  bytes[bytes.length - 5]! ^= 1;
  fs.chmodSync(path, 0o644);
  fs.writeFileSync(path, bytes);
}
