/** A content that is at a remote twice, plain and compressed: either is enough. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Archive } from 'hkfs';
import { withArchive } from '../scratch.js';

const CONTENT = 'the same words again and again; '.repeat(200);

interface Place {
  readonly archive: Archive;
  readonly root: string;
  readonly remote: string;
  /** The two files of the content. */
  readonly plain: string;
  readonly packed: string;
}

describe('a content of which a remote has a plain and a compressed file', () => {
  test('comes to a clone from the compressed one where the plain one is damaged', () =>
    withBoth(async ({ remote, root, plain }) => {
      damage(plain);
      expect(await cloned(remote, root)).toMatchObject({ damaged: [], missing: [] });
    }));

  test('comes to a clone from the plain one where the compressed one is damaged', () =>
    withBoth(async ({ remote, root, packed }) => {
      damage(packed);
      expect(await cloned(remote, root)).toMatchObject({ damaged: [], missing: [] });
    }));

  test('is lost where both are damaged, and only then', () =>
    withBoth(async ({ remote, root, plain, packed }) => {
      damage(plain);
      damage(packed);
      expect(await cloned(remote, root)).toMatchObject({ damaged: [{ paths: ['file'] }], missing: [] });
    }));

  test('heals the archive from the compressed one where the plain one is damaged', () =>
    withBoth(async ({ archive, root, plain }) => {
      damage(plain);
      damage(join(root, '.hkfs', plain.slice(plain.indexOf('objects/'))));
      expect(await archive.heal({ paths: ['file'] })).toMatchObject({
        healed: [{ healedFrom: 'disk' }],
        lost: [],
      });
    }));

  test('and of which this Node cannot read the compressed one is told, and the clone goes on', () =>
    withArchive(async ({ archive, root, source }) => {
      const { remote, plain } = await backedUp({ archive, root, source });
      fs.writeFileSync(`${plain}.zst`, 'no zstd');
      damage(plain);
      expect(await cloned(remote, root)).toMatchObject({ damaged: [{ paths: ['file'] }], missing: [] });
    }));
});

/** Two archives with one content at one remote, of which one compresses. */
function withBoth(use: (place: Place) => Promise<void>): Promise<void> {
  return withArchive(({ archive, root, source }) =>
    withArchive(async (other) => {
      const { remote, plain } = await backedUp({ archive, root, source });
      await backedUp({ ...other, source, remote, compress: true });
      const packed = `${plain}.zst`;
      expect(fs.existsSync(packed)).toBe(true);
      // So that a clone finds one archive.
      const ids = fs.readdirSync(join(remote, 'archives'));
      const first = JSON.parse(fs.readFileSync(join(root, '.hkfs/archive.json'), 'utf8')) as { id: string };
      for (const id of ids) if (id !== first.id) fs.rmSync(join(remote, 'archives', id), { recursive: true });
      await use({ archive, root, remote, plain, packed });
    }),
  );
}

async function backedUp(what: {
  archive: Archive;
  root: string;
  source: string;
  remote?: string;
  compress?: boolean;
}): Promise<{ remote: string; plain: string }> {
  const { archive, root, source, remote = `${root}-remote`, compress = false } = what;
  fs.writeFileSync(join(source, 'file'), CONTENT);
  await archive.ingest({ sources: [`${source}/`], to: '' });
  await archive.addRemote({ name: 'disk', url: remote });
  await archive.backup({ remote: 'disk', compress });
  const objects = join(remote, 'objects');
  const [name] = fs
    .readdirSync(objects, { recursive: true, encoding: 'utf8' })
    .filter((each) => /^[0-9a-f]{2}\/[0-9a-f]{62}$/.test(each));
  return { remote, plain: join(objects, name!) };
}

function cloned(url: string, root: string): ReturnType<typeof Archive.clone> {
  return Archive.clone({ url, directory: `${root}-clone` });
}

function damage(path: string): void {
  const bytes = fs.readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  fs.chmodSync(path, 0o644);
  fs.writeFileSync(path, bytes);
}
