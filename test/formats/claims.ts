/** What has to hold of whatever a version wrote: this one opens, verifies, folds, restores, follows and goes on with it. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { Archive } from 'hkfs';
import { plain } from '../../src/archive/plain-values.js';
import { decodeEvent } from '../../src/events/codec.js';
import { collect } from '../archive/scratch.js';
import { hkfs } from '../e2e/hkfs.js';
import { isRoot, scratchDirectory, testWhen } from '../fs/scratch.js';
import {
  dropCaches,
  expectRestored,
  expectRows,
  expectSound,
  Fixture,
  headOf,
  type Packed,
  rows,
  run,
} from './fixture.js';

/** All that has to hold of a format. */
export function holdTo(format: string): void {
  describe(`format ${format}:`, () => {
    claims(format);
  });
}

function claims(format: string): void {
  const scratch = scratchDirectory();
  const fixture = new Fixture(format);
  const unpack = (name: Packed): string => fixture.unpack(name, scratch.path);
  const key = fixture.file('archive.pub');
  const now = fixture.entriesAt(fixture.heads.archive);
  const inRemote = fixture.entriesAt(fixture.heads.remote);

  describe.each([
    ['with its views', (archive: string) => archive],
    ['without its views', dropCaches],
  ])('an archive that was copied, %s,', (_title, prepare) => {
    let archive: string;

    test('answers ls, ops, log, tag and head as when it was written', () => {
      archive = prepare(unpack('archive'));
      expectRows(rows(archive, 'ls', '-R'), now);
      expectRows(rows(archive, 'ops'), fixture.operations());
      expectRows(rows(archive, 'log'), fixture.log());
      expectRows(rows(archive, 'tag'), fixture.tags());
      expect(headOf(archive)).toMatchObject(fixture.heads.archive);
    });

    test('lists each earlier moment as it did then', async () => {
      const listings = fixture.listings();
      expect(listings.length).toBeGreaterThan(40);
      const opened = await Archive.open(archive);
      try {
        for (const [moment, entries] of listings)
          expectRows(await collect(opened.ls('', { at: moment, recursive: true })), entries);
      } finally {
        await opened.close();
      }
    });

    test('has views that are what its log says, and is verified whole', () => {
      expect(rows(archive, 'replay', '--check')).toMatchObject([{ equal: true, differences: [] }]);
      expectSound(archive);
      expectRows(rows(archive, 'ls', '-R'), now);
    });

    test('has nothing that sync would adopt, before and after verify', () => {
      for (const copy of [prepare(unpack('archive')), archive]) {
        const [summary] = rows(copy, 'sync', '--dry-run');
        expect(summary).toMatchObject({
          added: 0,
          removed: 0,
          renamed: 0,
          relinked: 0,
          damaged: [],
          failed: [],
        });
      }
    });
  });

  test('restore brings back each content, mode, time, link and name', () => {
    const archive = unpack('archive');
    const to = join(scratch.path, `restored-${format}`);
    run(archive, ['restore', '/', '--to', to, '--verify'], isRoot ? 0 : 3);
    if (isRoot) expectRestored(to, now);
    const group = now.filter(
      ({ linkGroup, path }) => linkGroup !== undefined && path.startsWith('things/links'),
    );
    expect(group).toHaveLength(3);
    expect(new Set(group.map(({ path }) => statSync(join(to, path)).ino)).size).toBe(1);
  });

  test('a past state is restored as well, of which names and contents went since', () => {
    const archive = unpack('archive');
    const [, then] = fixture.listings().find(([moment]) => moment === 'tag:taken-in')!;
    const to = join(scratch.path, `then-${format}`);
    run(archive, ['restore', 'photos/', '--to', to, '--at', 'tag:taken-in']);
    const below = then.filter(({ path }) => path.startsWith('photos/'));
    expectRestored(
      to,
      below.map((entry) => ({ ...entry, path: entry.path.slice('photos/'.length) })),
    );
  });

  test('the archive goes on: ingest, mv, rm, undo, prune and sync', () => {
    const archive = unpack('archive');
    const source = join(scratch.path, `more-${format}`);
    mkdirSync(source);
    writeFileSync(join(source, 'more'), 'more\n');
    writeFileSync(join(source, 'known'), readFileSync(join(archive, 'photos/notes.txt')));
    const [summary] = rows(archive, 'ingest', source, '--to', 'more');
    expect(summary).toMatchObject({ files: 2, newObjects: 1, duplicateFiles: 1, failed: [] });
    run(archive, ['mv', 'photos/by hand', 'photos/2014']);
    run(archive, ['rm', 'things/odd', '--yes']);
    run(archive, ['undo', '--yes']);
    run(archive, ['prune', 'more/known', '--yes']);
    writeFileSync(join(archive, 'more/by hand'), 'by hand once more\n');
    expect(rows(archive, 'sync')).toMatchObject([{ added: 1, removed: 0, renamed: 0, damaged: [] }]);
    expectSound(archive);
    expect(rows(archive, 'log').slice(0, fixture.heads.archive.size)).toMatchObject(fixture.log());
  });

  test('the first events of each type say what they said', () => {
    const events = fixture.json('events.json') as readonly {
      readonly position: number;
      readonly bytes: string;
      readonly event: { readonly type: string };
    }[];
    const types = new Set(fixture.log().map(({ type }) => type));
    expect(new Set(events.map(({ event }) => event.type))).toEqual(types);
    for (const { position, bytes, event } of events)
      expect(plain(decodeEvent(Buffer.from(bytes, 'base64'), position))).toMatchObject(event);
  });

  test('signed heads and proofs that were handed out hold, with the public key alone', () => {
    const check = (name: string, ...args: string[]): object => {
      const { status, stdout } = hkfs(['check-proof', fixture.file(name), '--key', key, '--json', ...args]);
      return { status, ...(JSON.parse(stdout) as object) };
    };
    for (const name of ['early-head.txt', 'late-head.txt'])
      expect(check(name)).toMatchObject({ status: 0, holds: true, kind: 'checkpoint' });
    for (const position of [0, 5, 300])
      expect(check(`event-${position}.proof`)).toMatchObject({ status: 0, holds: true, position });
    const since = ['--since', fixture.file('early-head.txt')];
    expect(check('since-early.proof', ...since)).toMatchObject({
      status: 0,
      holds: true,
      kind: 'consistency',
    });
  });

  test('the archive proves to those who have its early heads that it only grew', () => {
    const archive = unpack('archive');
    for (const name of ['early-head.txt', 'late-head.txt']) {
      const proof = join(scratch.path, `${format}-${name}.proof`);
      run(archive, ['prove', '--since', fixture.file(name), '-o', proof]);
      run(archive, ['check-proof', proof, '--key', key, '--since', fixture.file(name)]);
    }
  });

  test('a remote is cloned, to the head and the entries that it had', () => {
    const clone = join(scratch.path, `clone-of-remote-${format}`);
    run(clone, ['clone', unpack('remote'), clone, '--key', key]);
    expect(headOf(clone)).toMatchObject(fixture.heads.remote);
    expectRows(rows(clone, 'ls', '-R'), inRemote);
    expectSound(clone);
  });

  test('a remote is verified, backed up to and compacted by the archive, and what it has then is cloned', () => {
    const [archive, remote] = [unpack('archive'), unpack('remote')];
    run(archive, ['remote', 'add', 'here', remote]);
    expect(rows(archive, 'verify', '--remote', 'here')).toMatchObject([
      { damaged: [], missing: [], files: [] },
    ]);
    expect(rows(archive, 'backup', 'here')).toMatchObject([{ damaged: [], upToDate: false }]);
    run(archive, ['remote', 'compact', 'here']);
    const clone = join(scratch.path, `clone-of-more-${format}`);
    run(clone, ['clone', remote, clone, '--key', key]);
    expectRows(rows(clone, 'ls', '-R'), now);
    expectSound(clone);
  });

  test('a clone is sound, and pulls what the remote has since', () => {
    const [clone, remote] = [unpack('clone'), unpack('remote')];
    expect(headOf(clone)).toMatchObject(fixture.heads.clone);
    expectRows(rows(clone, 'ls', '-R'), fixture.entriesAt(fixture.heads.clone));
    expectSound(clone);
    run(clone, ['pull', remote]);
    expect(headOf(clone)).toMatchObject(fixture.heads.remote);
    expectRows(rows(clone, 'ls', '-R'), inRemote);
    expectSound(clone);
  });

  test('a catalogue answers, pulls, and fetches contents', () => {
    const [catalogue, remote] = [unpack('catalogue'), unpack('remote')];
    expectRows(rows(catalogue, 'ls', '-R'), fixture.entriesAt(fixture.heads.clone));
    run(catalogue, ['pull', remote]);
    expectRows(rows(catalogue, 'ls', '-R'), inRemote);
    const [first] = rows<{ objects: number }>(catalogue, 'fetch', 'photos', '--from', remote);
    expect(first).toMatchObject({ damaged: [], missing: [] });
    expect(first!.objects).toBeGreaterThan(150);
    expect(run(catalogue, ['cat', 'photos/notes.txt'])).toBe('the third version, by hand\n');
  });

  test('a whole bundle is cloned, and one of what is newer is applied to a clone', () => {
    const bundles = unpack('bundles');
    const clone = join(scratch.path, `clone-of-bundle-${format}`);
    run(clone, ['clone', join(bundles, 'whole.bundle'), clone, '--key', key]);
    const older = unpack('clone');
    run(older, ['bundle', 'apply', join(bundles, 'newer.bundle')]);
    expect(headOf(older)).toEqual(headOf(clone));
    for (const archive of [clone, older]) {
      expectRows(rows(archive, 'ls', '-R'), inRemote);
      expectSound(archive);
    }
  });

  testWhen(fixture.has('compressed'), 'there is no compressed remote')(
    'a remote with compressed contents is cloned',
    () => {
      const remote = unpack('compressed');
      expect(existsSync(join(remote, 'hkfs-remote.json'))).toBe(true);
      const clone = join(scratch.path, `clone-of-compressed-${format}`);
      run(clone, ['clone', remote, clone, '--key', key]);
      expectRows(rows(clone, 'ls', '-R'), inRemote);
      expectSound(clone);
    },
  );
}
