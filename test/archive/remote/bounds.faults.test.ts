/** A remote that means harm by sizes: nothing of it is read or made further than the log says. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Archive } from 'hkfs';
import { BundleStore } from '../../../src/store/remote/bundle-store.js';
import { indexBody, firstBody, tail } from '../../../src/store/remote/bundle-format.js';
import { sha256Hex } from '../../../src/store/remote/sha256.js';
import { memberHeader } from '../../../src/store/remote/tar-member.js';
import { zstd } from '../../../src/store/remote/zstd.js';
import { withArchive } from '../scratch.js';

interface Place {
  readonly archive: Archive;
  readonly root: string;
  readonly remote: string;
  /** Of the archive, at the remote. */
  readonly own: string;
  /** The only object there. */
  readonly object: string;
}

const SPARSE = 40e9;
/** Whole blocks of a tar. */
const HUGE = 12_000_000 * 512;

function withRemote(content: string | Buffer, use: (place: Place) => Promise<void>): Promise<void> {
  return withArchive(async ({ archive, root, source }) => {
    fs.writeFileSync(join(source, 'file'), content);
    await archive.ingest({ sources: [`${source}/`], to: '' });
    const remote = `${root}-remote`;
    await archive.addRemote({ name: 'disk', url: remote });
    await archive.backup({ remote: 'disk' });
    const objects = join(remote, 'objects');
    const [name] = fs
      .readdirSync(objects, { recursive: true, encoding: 'utf8' })
      .filter((each) => each.length > 60);
    const own = join(remote, 'archives', fs.readdirSync(join(remote, 'archives'))[0]!);
    await use({ archive, root, remote, own, object: join(objects, name!) });
  });
}

function grown(path: string, size: number): void {
  fs.chmodSync(path, 0o644);
  fs.truncateSync(path, size);
}

const cloned = ({ remote, root }: Place): ReturnType<typeof Archive.clone> =>
  Archive.clone({ url: remote, directory: `${root}-clone` });

async function codeOf(doing: Promise<unknown>): Promise<unknown> {
  try {
    await doing;
    return 'none';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

describe('a content at a remote', () => {
  test('that is longer than the log says is damaged, and not read', () =>
    withRemote('12345', async (place) => {
      grown(place.object, SPARSE);
      expect(await cloned(place)).toMatchObject({ damaged: [{ paths: ['file'] }], missing: [] });
      const found = await place.archive.verifyRemote({ remote: 'disk' });
      expect(found.damaged).toMatchObject([{ paths: ['file'] }]);
    }));

  test('that is longer and large is damaged, and not read', () =>
    withRemote(Buffer.alloc(9 << 20, 'x'), async (place) => {
      grown(place.object, SPARSE);
      expect(await cloned(place)).toMatchObject({ damaged: [{ paths: ['file'] }], missing: [] });
    }));

  test('that unpacks to more than the log says is damaged, and not unpacked', () =>
    withRemote('12345', async (place) => {
      const { compress } = await zstd();
      fs.writeFileSync(`${place.object}.zst`, await compress(Buffer.alloc(200 << 20)));
      fs.rmSync(place.object);
      const before = process.memoryUsage.rss();
      expect(await cloned(place)).toMatchObject({ damaged: [{ paths: ['file'] }], missing: [] });
      expect(process.memoryUsage.rss() - before).toBeLessThan(150 << 20);
      const found = await place.archive.verifyRemote({ remote: 'disk' });
      expect(found.damaged).toMatchObject([{ paths: ['file'] }]);
    }));

  test('that is packed in more bytes than it can need is damaged', () =>
    withRemote('12345', async (place) => {
      fs.renameSync(place.object, `${place.object}.zst`);
      grown(`${place.object}.zst`, SPARSE);
      expect(await cloned(place)).toMatchObject({ damaged: [{ paths: ['file'] }], missing: [] });
    }));
});

describe('a file of a remote that tells of the log', () => {
  test.each([
    ['the format', ({ remote }: Place) => join(remote, 'hkfs-remote.json')],
    ['the key', ({ own }: Place) => join(own, 'key')],
    ['a checkpoint', ({ own }: Place) => newest(join(own, 'checkpoint'))],
    ['a log segment', ({ own }: Place) => newest(join(own, 'log'))],
  ])('and is %s of gigabytes is damaged', (_what, pathOf) =>
    withRemote('12345', async (place) => {
      grown(pathOf(place), 6e9);
      expect(await codeOf(cloned(place))).toBe('REMOTE_DAMAGED');
      expect(['REMOTE_DAMAGED', 'none']).toContain(
        await codeOf(place.archive.verifyRemote({ remote: 'disk' })),
      );
    }),
  );

  test('and is a claim of gigabytes, or of no number that a log can have, is told by a clone', () =>
    withRemote('12345', async (place) => {
      const claim = newest(join(place.own, 'claim'));
      grown(claim, 6e9);
      expect((await cloned(place)).damagedFiles).toHaveLength(1);
      fs.rmSync(`${place.root}-clone`, { recursive: true });
      fs.writeFileSync(claim, `9999999999999999 ${'a'.repeat(64)}\n`);
      expect((await cloned(place)).damagedFiles).toHaveLength(1);
    }));

  test('and has a number in its name beyond all that a log can have is none', () =>
    withRemote('12345', async (place) => {
      const beyond = '9999999999999999';
      for (const kind of ['checkpoint', 'claim']) fs.writeFileSync(join(place.own, kind, beyond), 'x');
      fs.writeFileSync(join(place.own, 'log', `${beyond}-${beyond}`), 'x');
      expect(await cloned(place)).toMatchObject({ damaged: [], damagedFiles: [] });
    }));

  test.each(['1e300', '-1', '1.5', '"1"', 'null'])(
    'and says that it has the format %s is damaged',
    (format) =>
      withRemote('12345', async (place) => {
        const path = join(place.remote, 'hkfs-remote.json');
        fs.chmodSync(path, 0o644);
        fs.writeFileSync(path, `{"remote":"hkfs","format":${format}}`);
        expect(await codeOf(cloned(place))).toBe('REMOTE_DAMAGED');
      }),
  );
});

describe('the index of a bundle', () => {
  const HASH = 'a'.repeat(64);
  test.each([
    ['a size of no number', `${HASH} 512 x objects/a\n`],
    ['a size beyond the file', `${HASH} 512 9007199254740991 objects/a\n`],
    ['more digits than a number has', `${HASH} 512 ${'9'.repeat(30)} objects/a\n`],
    ['a negative offset', `${HASH} -512 5 objects/a\n`],
    ['a name that leaves the bundle', `${HASH} 512 5 ../../a\n`],
    ['no name', `${HASH} 512 5\n`],
    ['no end of its line', `${HASH} 512 5 objects/a`],
  ])('with %s is damaged', (_what, index) =>
    withArchive(async ({ source }) => {
      const file = join(source, 'bundle');
      fs.writeFileSync(file, bundleWith(Buffer.from(index)));
      expect(() => BundleStore.open(file)).toThrow(/damaged: its index cannot be read/);
      expect(await codeOf(Archive.clone({ url: file, directory: `${source}-clone` }))).toBe('REMOTE_DAMAGED');
    }),
  );

  test('of gigabytes is not read', () =>
    withArchive(async ({ source }) => {
      const file = join(source, 'bundle');
      const whole = bundleWith(Buffer.alloc(0), HUGE);
      fs.writeFileSync(file, whole.subarray(0, 2048));
      fs.truncateSync(file, 2048 + HUGE);
      fs.appendFileSync(file, whole.subarray(2048));
      expect(() => BundleStore.open(file)).toThrow(/more bytes than it can have/);
    }));

  test('is read where it is as it should be', () => {
    expect(indexBody([{ name: 'objects/a', offset: 512, size: 5, sha256: HASH }]).toString()).toBe(
      `${HASH} 512 5 objects/a\n`,
    );
  });
});

/** @param claimed the size of an index that is not there: a hole */
function bundleWith(index: Buffer, claimed?: number): Buffer {
  const first = firstBody();
  const head = Buffer.concat([memberHeader('hkfs-bundle.json', first.length), first]);
  const start = Buffer.alloc(2048);
  head.copy(start);
  const indexSize = claimed ?? index.length;
  const end = { sections: 1, indexOffset: 2048, indexSize, indexSha256: sha256Hex(index) };
  const padding = Buffer.alloc(-index.length & 511);
  return Buffer.concat([start, index, padding, tail(end)]);
}

function newest(folder: string): string {
  return join(folder, fs.readdirSync(folder).sort().at(-1)!);
}
