/** `hkfs recover`: every kind of damage to a log, and an archive afterwards that is what it was. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RecoverSummary } from '../../src/archive/api.js';
import { decodeCommit, encodeCommit } from '../../src/events/commit-record.js';
import { commitKey, commitPosition } from '../../src/events/log-keys.js';
import type { CommitRecord } from '../../src/events/types.js';
import { withLevel } from '../crash/damage.js';
import { isRecoverable, makeRecoverable, type Recoverable } from './recoverable.js';
import { hkfs, parseRows, saying, start, until, type Run } from './hkfs.js';

let base: Recoverable;
const boxes: Recoverable[] = [];

beforeAll(() => {
  base = makeRecoverable();
}, 60_000);
afterAll(() => [base, ...boxes].forEach((box) => box.remove()));

function fresh(): Recoverable {
  const box = base.copy();
  boxes.push(box);
  return box;
}

function recover(box: Recoverable, ...args: string[]): { run: Run; summary: RecoverSummary } {
  const run = box.run('recover', '--yes', '--json', '--progress', 'none', ...args);
  return { run, summary: parseRows<RecoverSummary>(run.stdout)[0]! };
}

const log = (box: Recoverable): string => join(box.root, '.hkfs/log');
const tables = (box: Recoverable): string[] =>
  fs
    .readdirSync(log(box))
    .filter((name) => name.endsWith('.ldb'))
    .map((name) => join(log(box), name))
    .sort((a, b) => fs.statSync(b).size - fs.statSync(a).size);

function flip(path: string, share: number, bits = 1): void {
  const bytes = fs.readFileSync(path);
  for (let bit = 0; bit < bits; bit += 1)
    bytes[Math.floor(share * bytes.length) + bit * 7]! ^= 1 << (bit % 8);
  fs.writeFileSync(path, bytes);
}

function named(box: Recoverable, start: string): string {
  return join(
    log(box),
    fs.readdirSync(log(box)).find((name) => name.startsWith(start))!,
  );
}

/** Damage that leaves all events somewhere in the log's own files. */
const WITHIN: Record<string, (box: Recoverable) => void> = {
  'CURRENT gone': (box) => fs.rmSync(join(log(box), 'CURRENT')),
  'CURRENT of other bytes': (box) => fs.writeFileSync(join(log(box), 'CURRENT'), 'MANIFEST-0x\n'),
  'MANIFEST gone': (box) => fs.rmSync(named(box, 'MANIFEST')),
  'MANIFEST empty': (box) => fs.truncateSync(named(box, 'MANIFEST'), 0),
  'MANIFEST with a flipped bit': (box) => flip(named(box, 'MANIFEST'), 0.3),
  'a bit flipped at the start of a table': (box) => flip(tables(box)[0]!, 0.01),
  'a bit flipped within a table': (box) => flip(tables(box)[0]!, 0.5),
  'a bit flipped in the index of a table': (box) => flip(tables(box)[0]!, 0.995),
  'a table without its footer': (box) =>
    fs.truncateSync(tables(box)[0]!, fs.statSync(tables(box)[0]!).size - 48),
};

/** Damage that only another place can make good. */
const BEYOND: Record<string, (box: Recoverable) => void> = {
  'a table with many wrong bytes': (box) => flip(tables(box)[0]!, 0.4, 40),
  'a page of zeros in a table': (box) => {
    const bytes = fs.readFileSync(tables(box)[0]!);
    fs.writeFileSync(tables(box)[0]!, bytes.fill(0, 4096, 8192));
  },
  'a table gone': (box) => fs.rmSync(tables(box)[0]!),
  'all tables cut in half': (box) =>
    tables(box).forEach((path) => fs.truncateSync(path, fs.statSync(path).size >> 1)),
  'the whole log gone': (box) => fs.rmSync(log(box), { recursive: true }),
  'log and views gone': (box) =>
    ['log', 'views'].forEach((name) => fs.rmSync(join(box.root, '.hkfs', name), { recursive: true })),
  'a log that is a file': (box) => {
    fs.rmSync(log(box), { recursive: true });
    fs.writeFileSync(log(box), 'x');
  },
};

describe('all events are in the log’s own files', () => {
  test.each(Object.keys(WITHIN))('%s: recover needs no other place, and all is as before', (kind) => {
    const box = fresh();
    WITHIN[kind]!(box);
    const { run, summary } = recover(box);
    expect(run).toMatchObject({ status: 0 });
    expect(summary).toMatchObject({ recovered: true, lost: null, fetched: 0, here: summary.size });
    expect(summary.damagedFiles.length).toBeGreaterThan(0);
    expect(fs.existsSync(join(box.root, '.hkfs', summary.kept[0]!))).toBe(true);
    isRecoverable(box, base);
  });
});

describe('a commit record with another bit than was written, in a table whose checksums are right', () => {
  test.each([
    ['its time, by decades', 35],
    ['its time, by a second', 10],
    ['its operation', null],
  ])(
    '%s: every reading says so and names recover, which makes it again without any other place',
    async (_what, bit) => {
      const box = fresh();
      const first = await alterRecord(box, ({ timeMs, operation, ...rest }) =>
        bit === null
          ? { ...rest, timeMs, operation: operation + 4 }
          : { ...rest, operation, timeMs: timeMs + 2 ** bit },
      );
      const refused = box.run('log', '--json');
      expect(refused.status).toBe(4);
      expect(refused.stderr).toContain(`the commit record of event ${first}`);
      expect(refused.stderr).toContain('hkfs recover');
      expect(box.run('replay').status).toBe(4);
      const { run, summary } = recover(box);
      expect(run).toMatchObject({ status: 0 });
      expect(summary).toMatchObject({
        recovered: true,
        lost: null,
        fetched: 0,
        here: summary.size,
        unrecovered: [],
      });
      isRecoverable(box, base);
    },
  );
});

/** Of a commit in the middle of the log. @returns where it begins */
function alterRecord(box: Recoverable, alter: (commit: CommitRecord) => CommitRecord): Promise<number> {
  return withLevel(log(box), async (level) => {
    const keys = await level.keys({ gte: commitKey(0), lte: commitKey(Number.MAX_SAFE_INTEGER) }).all();
    const key = keys[keys.length >> 1]!;
    const first = commitPosition(key);
    const commit = decodeCommit((await level.get(key))!, first);
    await level.put(key, encodeCommit(alter(commit)));
    return first;
  });
}

describe('some events are elsewhere only', () => {
  test.each(Object.keys(BEYOND))('%s: recover from a copy, and all is as before', (kind) => {
    const box = fresh();
    BEYOND[kind]!(box);
    const { run, summary } = recover(box, '--from', base.root);
    expect({ kind, ...run }).toMatchObject({ status: 0 });
    expect(summary).toMatchObject({ recovered: true, lost: null });
    expect(summary.fetched).toBeGreaterThan(0);
    isRecoverable(box, base);
  });

  test.each(['a table with many wrong bytes', 'a table gone', 'the whole log gone'])(
    '%s: recover from a remote has what the last backup had, and tells what came after it',
    (kind) => {
      const box = fresh();
      BEYOND[kind]!(box);
      const { run, summary } = recover(box, '--from', base.remote);
      expect(summary.lost === null || kind !== 'a table gone').toBe(true);
      expect(run.status).toBe(summary.lost === null ? 0 : 4);
      expect(summary.size).toBeGreaterThanOrEqual(base.backedUp.size);
      isRecoverable(box, base, { at: `@${base.backedUp.size - 1}` });
    },
  );

  test('a bundle gives what a remote gives', () => {
    const box = fresh();
    BEYOND['log and views gone']!(box);
    fs.rmSync(join(box.root, '.hkfs/archive.json'));
    const { run, summary } = recover(box, '--from', base.bundle);
    expect({ run, ...summary }).toMatchObject({
      size: base.bundled.size,
      root: base.bundled.root,
      fetched: base.bundled.size,
    });
    isRecoverable(box, base, { at: `@${base.bundled.size - 1}` });
  });

  test('without another place: the proved beginning stays, what is lost is told, and a later --from brings it', () => {
    const box = fresh();
    BEYOND['a page of zeros in a table']!(box);
    const plan = recover(box, '--dry-run');
    expect(plan.summary).toMatchObject({ dryRun: true, recovered: false });
    expect(plan.summary.lost!.events).toBeGreaterThan(0);
    expect(fs.readdirSync(join(box.root, '.hkfs'))).not.toContain('recover');
    const { run, summary } = recover(box);
    expect(run.status).toBe(4);
    expect(summary.lost).toEqual({ from: summary.size, events: base.size - summary.size });
    expect(box.run('replay', '--check').status).toBe(0);
    expect(recover(box, '--from', base.root).run.status).toBe(0);
    isRecoverable(box, base);
  });

  test('contents that went with the log come from the same place, with their names', () => {
    const box = fresh();
    BEYOND['log and views gone']!(box);
    fs.rmSync(join(box.root, '.hkfs/objects'), { recursive: true });
    fs.rmSync(join(box.root, 'source'), { recursive: true });
    const { run, summary } = recover(box, '--from', base.root);
    expect({ status: run.status, missing: summary.missing }).toEqual({ status: 0, missing: [] });
    expect(summary.objects).toBeGreaterThan(0);
    isRecoverable(box, base);
  });
});

describe('what else of .hkfs is hkfs’s own', () => {
  test('archive.json gone: every command names recover, and recover writes it anew', () => {
    const box = fresh();
    const path = join(box.root, '.hkfs/archive.json');
    const { id } = JSON.parse(fs.readFileSync(path, 'utf8')) as { id: string };
    fs.rmSync(path);
    const refused = box.run('ls');
    expect(refused.stderr).toMatch(saying('NOT_AN_ARCHIVE'));
    expect(refused.stderr).toContain('hkfs recover');
    expect(recover(box).run.status).toBe(0);
    expect(JSON.parse(fs.readFileSync(path, 'utf8'))).toMatchObject({ id, format: 1 });
    isRecoverable(box, base);
  });

  test('both keys gone: the public one comes from the remote, and the private one is told as lost', () => {
    const box = fresh();
    const keys = join(box.root, '.hkfs/keys');
    const key = fs.readFileSync(join(keys, 'archive.pub'), 'utf8');
    fs.rmSync(keys, { recursive: true });
    const { run, summary } = recover(box, '--from', base.remote);
    expect(run.status).toBe(4);
    expect(summary.unrecovered).toEqual([expect.stringContaining('private key')]);
    expect(fs.readFileSync(join(keys, 'archive.pub'), 'utf8')).toBe(key);
    isRecoverable(box, base);
  });

  test('a remote of several archives: what is left here says which, else --id does, and never another one', () => {
    const box = fresh();
    const shared = join(box.path, 'shared');
    const other = join(box.path, 'other');
    fs.cpSync(base.remote, shared, { recursive: true });
    for (const args of [
      ['init', other],
      ['remote', 'add', 's', shared, '-a', other],
      ['backup', 's', '-a', other],
    ])
      expect(hkfs(args)).toMatchObject({ status: 0 });
    const idOf = (root: string): string =>
      (JSON.parse(fs.readFileSync(join(root, '.hkfs/archive.json'), 'utf8')) as { id: string }).id;
    const [own, theirs] = [idOf(box.root), idOf(other)];
    fs.rmSync(log(box), { recursive: true });
    const refused = recover(box, '--from', shared, '--id', theirs).run;
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('"REMOTE_FOREIGN"') });
    for (const gone of ['archive.json', 'keys'])
      fs.rmSync(join(box.root, '.hkfs', gone), { recursive: true });
    const asked = recover(box, '--from', shared).run;
    expect(asked).toMatchObject({ status: 2, stderr: expect.stringContaining('"USAGE"') });
    for (const word of [own, theirs, '--id']) expect(asked.stderr).toContain(word);
    expect(fs.existsSync(log(box))).toBe(false);
    const { summary } = recover(box, '--from', shared, '--id', own);
    expect(summary).toMatchObject({ id: own, recovered: true });
    isRecoverable(box, base, { at: `@${base.backedUp.size - 1}` });
  });

  test('a public key that is damaged is made from the private one', () => {
    const box = fresh();
    const path = join(box.root, '.hkfs/keys/archive.pub');
    const key = fs.readFileSync(path, 'utf8');
    fs.writeFileSync(path, 'rot\n');
    expect(recover(box).run.status).toBe(0);
    expect(fs.readFileSync(path, 'utf8')).toBe(key);
  });
});

describe('what must not happen', () => {
  test('a whole archive: nothing is done, exit 0', () => {
    const box = fresh();
    const { run, summary } = recover(box);
    expect(run.status).toBe(0);
    expect(summary).toMatchObject({ recovered: false, plan: [], size: base.size });
    isRecoverable(box, base);
  });

  test('without a terminal and --yes nothing is changed', () => {
    const box = fresh();
    WITHIN['CURRENT gone']!(box);
    expect(box.run('recover').stderr).toContain('[CONFIRMATION_NEEDED]');
    expect(fs.readdirSync(join(box.root, '.hkfs')).filter((name) => /recover|damaged-/.test(name))).toEqual(
      [],
    );
  });

  test('a remote of another history is refused, and nothing is changed', () => {
    const box = fresh();
    box.run('tag', 'mine');
    const other = join(box.path, 'other');
    box.run('remote', 'add', 'other', other);
    box.run('backup', 'other');
    const damaged = base.copy();
    boxes.push(damaged);
    damaged.run('tag', 'theirs');
    WITHIN['CURRENT gone']!(damaged);
    const before = fs.readdirSync(log(damaged));
    const { run } = recover(damaged, '--from', other);
    expect({ status: run.status, stderr: run.stderr }).toMatchObject({ status: 4 });
    expect(run.stderr).toContain('REMOTE_DIVERGED');
    expect(fs.readdirSync(log(damaged))).toEqual(before);
  });

  test('an archive that another process holds is refused', async () => {
    const box = fresh();
    const holder = start(['tag', 'x', '-a', box.root], { env: { HKFS_FAILPOINT: 'commit.append=pause' } });
    await until(() => fs.existsSync(join(box.root, '.hkfs/holder.json')), 'a holder');
    const { run } = recover(box);
    holder.child.kill('SIGCONT');
    expect(run).toMatchObject({ status: 5 });
    expect((await holder.ended).status).toBe(0);
  });
});

describe('a new history of what is on the disk', () => {
  test('log gone and no other place: names, contents and times are there, the old is kept aside, the loss is said', () => {
    const box = fresh();
    const before = JSON.parse(fs.readFileSync(join(box.root, '.hkfs/archive.json'), 'utf8')) as {
      id: string;
    };
    const paths = (): string[] =>
      parseRows<{ path: string; hash: string | null; kind: string }>(box.done('ls', '-R', '--json'))
        .filter(({ kind }) => kind !== 'fifo')
        .map(({ path, hash }) => `${path} ${hash}`)
        .sort();
    const were = paths();
    BEYOND['log and views gone']!(box);
    expect(box.run('recover', '--yes').stderr).toContain('recover --from-tree');
    const { run, summary } = recover(box, '--from-tree');
    expect(run.status).toBe(4);
    expect(summary).toMatchObject({ way: 'tree', recovered: true, unrecovered: ['the old history'] });
    expect(summary.id).not.toBe(before.id);
    expect(summary.kept.map((name) => name.split('.damaged-')[0]).sort()).toEqual(['archive.json', 'keys']);
    expect(paths()).toEqual(were);
    expect(box.run('verify').status).toBe(0);
    expect(box.run('replay', '--check').status).toBe(0);
    expect(box.run('head', '--signed').stdout).toContain(summary.id);
    // What only history named is an object of the new history as well.
    expect(box.run('orphans', '--json').stdout).not.toBe('');
  });

  test('an object that rotted is told, and its bytes are taken in under the hash that they have', () => {
    const box = fresh();
    BEYOND['log and views gone']!(box);
    const path = join(box.root, 'source/d3/f3');
    fs.chmodSync(path, 0o644);
    fs.writeFileSync(path, 'rot');
    const { summary } = recover(box, '--from-tree');
    expect(summary.damaged).toHaveLength(1);
    expect(box.run('cat', '/source/d3/f3').stdout).toBe('rot');
  });

  test('a dry run changes nothing', () => {
    const box = fresh();
    BEYOND['the whole log gone']!(box);
    const before = fs.readdirSync(join(box.root, '.hkfs'));
    expect(recover(box, '--from-tree', '--dry-run').summary).toMatchObject({
      dryRun: true,
      recovered: false,
    });
    expect(fs.readdirSync(join(box.root, '.hkfs'))).toEqual(before);
  });
});

describe('clones', () => {
  const cloned = (...args: string[]): Recoverable => {
    const box = base.copy();
    boxes.push(box);
    fs.rmSync(box.root, { recursive: true });
    expect(hkfs(['clone', base.remote, box.root, ...args])).toMatchObject({ status: 0 });
    return box;
  };

  test.each([[[]], [['--catalogue']]])(
    'a clone %j whose log is gone: from its origin it is one again',
    (args: string[]) => {
      const box = cloned(...args);
      const head = box.head();
      fs.rmSync(log(box), { recursive: true });
      const { run, summary } = recover(box, '--from', base.remote);
      expect({ status: run.status, stderr: run.stderr }).toMatchObject({ status: 0 });
      expect(summary).toMatchObject({ recovered: true, ...head, unrecovered: [] });
      expect(box.head()).toEqual(head);
      expect(parseRows(box.done('pull', '--json'))).toMatchObject([{ upToDate: true }]);
      expect(box.run('replay', '--check').status).toBe(0);
      if (args.length === 0) expect(box.run('verify').status).toBe(0);
      else expect(fs.existsSync(join(box.root, 'source'))).toBe(false);
    },
  );

  test('origin.json damaged: --from writes it anew, and without it nothing is changed', () => {
    const box = cloned();
    const head = box.head();
    fs.writeFileSync(join(box.root, '.hkfs/origin.json'), '{"url":');
    expect(box.run('recover', '--yes')).toMatchObject({ status: 2 });
    expect(recover(box, '--from', base.remote).run.status).toBe(0);
    expect(JSON.parse(fs.readFileSync(join(box.root, '.hkfs/origin.json'), 'utf8'))).toMatchObject({
      head,
      state: 'complete',
    });
  });

  test('origin.json gone: the clone is refused by name and gets no history of its own; --from writes it anew', () => {
    const box = cloned();
    const head = box.head();
    fs.rmSync(join(box.root, '.hkfs/origin.json'));
    for (const args of [['verify'], ['ls'], ['tag', 'own']]) {
      const refused = box.run(...args);
      expect([refused.status, refused.stderr]).toEqual([4, expect.stringMatching(saying('ORIGIN_DAMAGED'))]);
    }
    expect(recover(box, '--from', base.remote).run.status).toBe(0);
    expect(box.head()).toEqual(head);
    expect(box.run('verify').status).toBe(0);
    expect(box.head()).toEqual(head);
  });

  test('a log whose end was cut off: recover from a copy brings the end back', () => {
    const box = fresh();
    box.done('tag', 'late');
    const head = box.head();
    const copy = box.copy();
    boxes.push(copy);
    box.done('tag', 'last');
    const ahead = fs.readdirSync(log(box)).filter((name) => name.endsWith('.log'));
    for (const name of ahead) fs.truncateSync(join(log(box), name), 20);
    const refused = box.run('ls');
    expect(refused.status).toBe(4);
    expect(refused.stderr).toContain('hkfs recover');
    const { run, summary } = recover(box, '--from', copy.root);
    expect(run.status).toBe(4);
    expect(summary.lost!.from).toBe(head.size);
    expect(box.head()).toEqual(head);
    expect(box.run('verify').status).toBe(0);
  });
});
