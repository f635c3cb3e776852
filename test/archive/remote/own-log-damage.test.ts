/** Bits that flipped in the archive's own log, where LevelDB says nothing: they never reach a remote. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Archive } from 'hkfs';
import { encodeCommit } from '../../../src/events/commit-record.js';
import { lastCommitOf } from '../../../src/events/commit-scan.js';
import { commitKey, eventKey } from '../../../src/events/log-keys.js';
import { withLevel } from '../../crash/damage.js';
import { withScratch } from '../scratch.js';

interface Place {
  readonly root: string;
  readonly remote: string;
  /** Opens the archive, with a remote `disk`, as long as `use` goes on. */
  during<T>(use: (archive: Archive) => Promise<T>): Promise<T>;
}

describe('an event of the log that has other bytes than were written', () => {
  test('is not backed up: the backup is refused, and the remote has no checkpoint', () =>
    withHistory(async ({ root, remote, during }) => {
      await flipInLog(root);
      await during((archive) => expectDamage(archive.backup({ remote: 'disk' })));
      expect(filesBelow(remote).filter((name) => name.includes('/checkpoint/'))).toEqual([]);
    }));

  test('does not take the place of the good one at a remote when its log is compacted', () =>
    withHistory(async ({ root, remote, during }) => {
      await during((archive) => archive.backup({ remote: 'disk' }));
      await during(async (archive) => {
        await archive.tag({ name: 'two' });
        await archive.backup({ remote: 'disk' });
      });
      const before = contentsBelow(remote);
      await flipInLog(root);
      await during((archive) => expectDamage(archive.compactRemote({ remote: 'disk' })));
      expect(contentsBelow(remote)).toEqual(before);
    }));

  test('is no reason for verify --remote --heal to send it in place of the good one', () =>
    withHistory(async ({ root, remote, during }) => {
      await during((archive) => archive.backup({ remote: 'disk' }));
      const before = contentsBelow(remote);
      await flipInLog(root);
      await during((archive) => expectDamage(archive.verifyRemote({ remote: 'disk', heal: true })));
      expect(contentsBelow(remote)).toEqual(before);
    }));
});

describe('the last commit record, which no commit vouches for', () => {
  test('is compared with the head that was signed, by prove and by bundle create', () =>
    withHistory(async ({ root, remote, during }) => {
      const checkpoint = await during(async (archive) => (await archive.signedHead()).checkpoint);
      const ask = (): Promise<unknown> => during((archive) => archive.prove({ since: { checkpoint } }));
      await ask();
      await alterLastRecord(root);
      const refused = {
        code: 'LOG_DAMAGED',
        message: expect.stringMatching(/commit record of event \d+/) as unknown,
      };
      await expect(ask()).rejects.toMatchObject(refused);
      const bundle = { file: `${remote}.bundle`, since: { checkpoint } };
      await expect(during((archive) => archive.createBundle(bundle))).rejects.toMatchObject(refused);
    }));
});

/** Its time, by less than a second: nothing in the log speaks against it. */
function alterLastRecord(root: string): Promise<void> {
  return withLevel(`${root}/.hkfs/log`, async (level) => {
    const last = (await lastCommitOf(level))!;
    await level.put(commitKey(last.first), encodeCommit({ ...last, timeMs: last.timeMs + 512 }));
  });
}

function expectDamage(done: Promise<unknown>): Promise<void> {
  return expect(done).rejects.toMatchObject({
    code: 'LOG_DAMAGED',
    message: expect.stringMatching(/events \d+ to \d+ does not have their fingerprint/),
  });
}

/** Some commits, in a log that nobody holds. */
function withHistory(use: (place: Place) => Promise<void>): Promise<void> {
  return withScratch(async (directory) => {
    const root = join(directory, 'archive');
    const remote = join(directory, 'remote');
    const source = join(directory, 'source');
    fs.mkdirSync(source);
    await Archive.init(root);
    const during: Place['during'] = async (act) => {
      const archive = await Archive.open(root, { mode: 'write' });
      try {
        return await act(archive);
      } finally {
        await archive.close();
      }
    };
    await during(async (archive) => {
      await archive.addRemote({ name: 'disk', url: remote });
      for (const name of ['a', 'b']) {
        fs.writeFileSync(join(source, name), `bytes of ${name}`);
        await archive.ingest({ sources: [source], to: '' });
      }
    });
    await use({ root, remote, during });
  });
}

/** In the user's name of the first operation: the event decodes as before. */
function flipInLog(root: string): Promise<void> {
  return withLevel(`${root}/.hkfs/log`, async (level) => {
    const value = (await level.get(eventKey(1)))!;
    const at = value.indexOf('remote');
    expect(at).toBeGreaterThan(0);
    value[at]! ^= 1;
    await level.put(eventKey(1), value);
  });
}

function contentsBelow(directory: string): Map<string, string> {
  return new Map(
    filesBelow(directory).map((name) => [name, fs.readFileSync(join(directory, name), 'latin1')]),
  );
}

function filesBelow(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
