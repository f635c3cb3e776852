/** All archives of a remote asked as one: what is read for it, and what others may have done there. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from '@jest/globals';
import { encode } from 'cborg';
import { RemoteArchives } from '../../src/archive/across/remote-archives.js';
import type { AcrossOptions, AcrossRow, DupsRow, Message } from '../../src/archive/api.js';
import { openAcross, openReader } from '../../src/archive/archive.js';
import { archiveKey } from '../../src/archive/keys.js';
import { layoutOf, readArchiveFile } from '../../src/archive/layout.js';
import { checkpointName, segmentName } from '../../src/archive/remote/names.js';
import { encodeCheckpoint } from '../../src/events/checkpoint.js';
import { recordHash, withLink } from '../../src/events/commit-chain.js';
import { EventLog } from '../../src/events/log.js';
import { CompactRange } from '../../src/events/merkle.js';
import { encodeStoredCommit } from '../../src/events/segment.js';
import type { BlobStore } from '../../src/store/remote/blob-store.js';
import { openRemoteStore } from '../../src/archive/remote/open-remote.js';
import { isHeavy } from '../crash/random.js';
import { hkfs, isStopped, parseRows, sh, start, until, type Run } from './hkfs.js';

const NAMES = ['one', 'two', 'three'] as const;
type Name = (typeof NAMES)[number];

/** All of them in the heavy form alone. */
const some = <T>(cases: readonly T[]): readonly T[] => (isHeavy ? cases : cases.slice(0, 1));

let made = '';
let scratch = '';
const ids = new Map<Name, string>();

beforeAll(() => {
  // In memory where there is one: nothing here is about what a disk does.
  made = fs.mkdtempSync(join(fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'hkfs-across-'));
  const box = join(made, 'box');
  fs.mkdirSync(box);
  for (const name of NAMES) {
    const root = join(box, name);
    ok(['init', root]);
    ids.set(name, (JSON.parse(fs.readFileSync(layoutOf(root).archiveFile, 'utf8')) as { id: string }).id);
    fs.mkdirSync(join(box, `from-${name}`));
    fs.writeFileSync(join(box, `from-${name}/same-${name}`), 'the same everywhere');
    fs.writeFileSync(join(box, `from-${name}/only-${name}`), `only of ${name}`);
    ok(['ingest', join(box, `from-${name}`), '-a', root]);
    ok(['remote', 'add', 'disk', '../box/remote', '-a', root], box);
    ok(['backup', 'disk', '-a', root]);
  }
});
/** Every test has the three archives and their remote at the same path. */
beforeEach(() => {
  scratch = join(made, 'box');
  sh(`cp -a '${scratch}' '${made}/kept'`);
});
afterEach(() => {
  sh(`rm -rf '${scratch}' && mv '${made}/kept' '${scratch}'`);
});
afterAll(() => fs.rmSync(made, { recursive: true, force: true }));

function ok(args: readonly string[], cwd = made): string {
  const { status, stdout, stderr } = hkfs([...args, ...quiet(args)], { cwd });
  expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: '' });
  return stdout;
}
const quiet = ([command]: readonly string[]): string[] =>
  command === 'ingest' || command === 'backup' ? ['--progress', 'none'] : [];
const find = (...words: string[]): Run =>
  hkfs(['find', '--remote', 'disk', '-a', join(scratch, 'one'), '--json', ...words], { cwd: scratch });
const rowsOf = ({ stdout }: Run): string[] =>
  parseRows<AcrossRow>(stdout).map(({ archive, path }) => `${nameOf(archive)} ${path}`);
const nameOf = (id: string): string => [...ids].find(([, its]) => its === id)?.[0] ?? id;
const cached = (name: Name): string => join(scratch, 'one/.hkfs/remotes/disk', ids.get(name)!);
const atRemote = (name: Name): string => join(scratch, 'remote/archives', ids.get(name)!);
function grow(name: Name, file: string): void {
  fs.writeFileSync(join(scratch, `from-${name}`, file), `bytes of ${file}`);
  ok(['ingest', join(scratch, `from-${name}`), '-a', join(scratch, name)]);
  ok(['backup', 'disk', '-a', join(scratch, name)]);
}

describe('contains --remote and dups --remote', () => {
  const ask = (...words: string[]): Run =>
    hkfs([...words, '--remote', 'disk', '-a', join(scratch, 'one'), '--json'], { cwd: scratch });
  const inArchive = (path: string): string => {
    const [id, ...rest] = path.split(':');
    return `${nameOf(id!)} ${rest.join(':')}`;
  };

  test('what any of the archives has is there, and where', () => {
    fs.writeFileSync(join(scratch, 'from-three/nowhere'), 'in no archive');
    expect(ask('contains', 'from-two')).toMatchObject({ status: 0, stderr: '' });
    const { status, stdout } = ask('contains', 'from-two', 'from-three', '--where');
    const rows = parseRows<{ path: string; paths?: string[]; missing?: number }>(stdout);
    expect({ status, last: rows.pop() }).toMatchObject({ status: 1, last: { total: 5, missing: 1 } });
    const found = new Map(rows.map(({ path, paths }) => [path, paths?.map(inArchive).sort()]));
    expect(found.get('from-three/nowhere')).toBeUndefined();
    expect(found.get('from-two/only-two')).toEqual(['two from-two/only-two']);
    expect(found.get('from-two/same-two')).toEqual(
      NAMES.map((name) => `${name} from-${name}/same-${name}`).sort(),
    );
  });

  test('a manifest of another hash cannot be answered', () => {
    const manifest = `${'0'.repeat(64)}  x\n`;
    const words = ['contains', '-', '--algorithm', 'sha256', '--remote', 'disk', '-a', join(scratch, 'one')];
    expect(hkfs(words, { input: manifest })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('[UNKNOWN_ALGORITHM]'),
    });
  });

  test('a content of several archives is one group', () => {
    const { status, stdout } = ask('dups');
    const [group, ...others] = parseRows<DupsRow>(stdout);
    expect({ status, others }).toEqual({ status: 0, others: [] });
    expect(group).toMatchObject({ kind: 'file', size: 19, files: 1, count: 3, reclaimable: 38 });
    expect(group!.paths.map(inArchive).sort()).toEqual(
      NAMES.map((name) => `${name} from-${name}/same-${name}`).sort(),
    );
    expect(ask('dups', '--min-size', '20').stdout).toBe('');
    expect(ask('dups', 'from-one').status).toBe(2);
  });
});

describe('find --remote', () => {
  test('asks all archives, the present one by what it is here', () => {
    fs.writeFileSync(join(scratch, 'from-one/unsent'), 'unsent');
    ok(['ingest', join(scratch, 'from-one'), '-a', join(scratch, 'one')]);
    const all = find('--name', '{same,only,unsent}*');
    expect({ status: all.status, stderr: all.stderr }).toEqual({ status: 0, stderr: '' });
    const others = NAMES.slice(1).sort((a, b) => (ids.get(a)! < ids.get(b)! ? -1 : 1));
    expect(rowsOf(all)).toEqual([
      ...['only-one', 'same-one', 'unsent'].map((path) => `one from-one/${path}`),
      ...others.flatMap((name) => [`${name} from-${name}/only-${name}`, `${name} from-${name}/same-${name}`]),
    ]);
    expect(parseRows<AcrossRow>(all.stdout)[3]).toMatchObject({ host: expect.any(String), kind: 'file' });
    expect(rowsOf(find('--same-as', join(scratch, 'from-two/same-two')))).toHaveLength(3);
    expect(rowsOf(find('from-three', '--size', '-12'))).toEqual([]);
    expect(rowsOf(find('from-three', '--kind', 'directory'))).toEqual(['three from-three']);
    expect(find('--hash', 'abcdef')).toMatchObject({ status: 1, stdout: '', stderr: '' });
  });

  test('follows what is new, also after a compaction', () => {
    find('--name', 'x');
    grow('two', 'new');
    expect(rowsOf(find('--name', 'new'))).toEqual(['two from-two/new']);
    grow('two', 'newer');
    ok(['remote', 'compact', 'disk', '-a', join(scratch, 'two')]);
    expect(rowsOf(find('--name', 'new*'))).toEqual(['two from-two/new', 'two from-two/newer']);
    ok(['rm', 'from-two/new', '--yes', '-a', join(scratch, 'two')]);
    ok(['backup', 'disk', '-a', join(scratch, 'two')]);
    expect(rowsOf(find('--name', 'new*'))).toEqual(['two from-two/newer']);
  });

  test('answers by what was seen where the remote is away, and says how old that is', () => {
    expect(find('--name', 'x', '--offline').stderr).toContain('REMOTE_UNREACHABLE');
    find('--name', 'x');
    const note = /^hkfs: note: .*this is as of \d{4}-.*Z \(0 min ago\) \[FROM_CACHE\]\n$/;
    expect(find('--name', 'only-two', '--offline').stderr).toMatch(note);
    fs.renameSync(join(scratch, 'remote'), join(scratch, 'elsewhere'));
    const away = find('--name', 'only-two');
    expect({ ...away, rows: rowsOf(away) }).toMatchObject({ status: 0, rows: ['two from-two/only-two'] });
    expect(away.stderr).toMatch(note);
    fs.mkdirSync(join(scratch, 'remote')); // a disk that is not mounted
    expect(find('--name', 'only-two').stderr).toMatch(note);
  });

  test('forgets what it saw when the remote goes', () => {
    find('--name', 'x');
    expect(fs.existsSync(cached('two'))).toBe(true);
    ok(['remote', 'rm', 'disk', '-a', join(scratch, 'one')]);
    expect(fs.existsSync(join(scratch, 'one/.hkfs/remotes/disk'))).toBe(false);
    expect(find('--name', 'x')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('REMOTE_NOT_FOUND'),
    });
  });
});

describe('an archive at the remote that', () => {
  test('was forked is told, and answers as it was', () => {
    sh(`cp -a two fork && rm -rf keep && cp -a remote keep`, scratch);
    grow('two', 'mine');
    expect(rowsOf(find('--name', 'mine'))).toEqual(['two from-two/mine']);
    sh('rm -rf remote two && mv keep remote && mv fork two', scratch);
    for (const file of ['theirs', 'theirs too']) grow('two', file);
    const forked = find('--name', '{mine,theirs}*');
    expect({ status: forked.status, rows: rowsOf(forked) }).toEqual({
      status: 4,
      rows: ['two from-two/mine'],
    });
    expect(forked.stderr).toMatch(/part at position \d+.*\[REMOTE_DIVERGED\]/);
    expect(forked.stderr).toContain(ids.get('two'));
    // Nor is it believed when the cache is lost.
    sh('rm -rf log views', cached('two'));
    const lost = find('--name', '{mine,theirs}*');
    expect({ status: lost.status, rows: rowsOf(lost) }).toEqual({ status: 4, rows: [] });
    expect(find('--name', 'theirs', '--offline')).toMatchObject({ status: 3, stdout: '' });
  });

  test('was rolled back, or is gone, is told, and answers as it was', () => {
    sh('cp -a remote keep', scratch);
    grow('two', 'mine');
    find('--name', 'x');
    sh('rm -rf remote && mv keep remote', scratch);
    const back = find('--name', 'mine');
    expect({ status: back.status, rows: rowsOf(back) }).toEqual({ status: 4, rows: ['two from-two/mine'] });
    expect(back.stderr).toContain('[REMOTE_DIVERGED]');
    fs.rmSync(atRemote('three'), { recursive: true });
    expect(find('--name', 'only-three').stderr).toMatch(new RegExp(`${ids.get('three')}.*REMOTE_DIVERGED`));
  });

  test.each(
    some<[string, () => void, string]>([
      ['lost its key', () => fs.rmSync(join(atRemote('two'), 'key')), 'REMOTE_DAMAGED'],
      [
        'has the key of another',
        () => fs.cpSync(join(atRemote('three'), 'key'), join(atRemote('two'), 'key')),
        'REMOTE_DAMAGED',
      ],
      ['lost a log segment', () => removeSegments('two'), 'REMOTE_DAMAGED'],
      ['has a checkpoint of another', () => forgeCheckpoint(), 'BAD_SIGNATURE'],
    ]),
  )('%s is told, and left out where it was never seen', (_, damage, code) => {
    damage();
    const found = find('--name', 'only-*');
    expect({ status: found.status, rows: rowsOf(found).length }).toEqual({ status: 4, rows: 2 });
    expect(found.stderr).toContain(`[${code}]`);
    expect(found.stderr).toContain('left out');
  });

  test('got a log segment of bytes that nobody signed does not get them into the cache', () => {
    find('--name', 'x');
    const before = fs.readFileSync(join(cached('two'), 'head.json'), 'utf8');
    grow('two', 'forged');
    const log = join(atRemote('two'), 'log');
    const last = fs
      .readdirSync(log)
      .filter((name) => name.includes('-'))
      .sort()
      .at(-1)!;
    const bytes = fs.readFileSync(join(log, last));
    bytes[bytes.indexOf('forged')]! ^= 1;
    fs.chmodSync(join(log, last), 0o644);
    fs.writeFileSync(join(log, last), bytes);
    const found = find('--name', '{f,g}orged');
    expect({ status: found.status, rows: rowsOf(found) }).toEqual({ status: 4, rows: [] });
    expect(fs.readFileSync(join(cached('two'), 'head.json'), 'utf8')).toBe(before);
    expect(rowsOf(find('--name', 'only-two', '--offline'))).toEqual(['two from-two/only-two']);
  });

  test('a newer hkfs wrote is left out, and the others answer', async () => {
    await sendUnknownEvent('two');
    for (const round of [1, 2]) {
      const found = find('--name', 'only-*');
      expect({ round, status: found.status, rows: rowsOf(found).length }).toEqual({
        round,
        status: 3,
        rows: 2,
      });
      expect(found.stderr).toMatch(new RegExp(`${ids.get('two')}.*left out.*UNKNOWN_EVENT`));
    }
  });

  test('is in a remote of a newer format is not looked at', () => {
    const format = join(scratch, 'remote/hkfs-remote.json');
    fs.chmodSync(format, 0o644);
    fs.writeFileSync(format, '{"remote":"hkfs","format":99,"hash":"blake3-256"}\n');
    expect(find('--name', 'x')).toMatchObject({
      status: 6,
      stderr: expect.stringContaining('REMOTE_NEWER'),
    });
  });
});

describe('the cache', () => {
  test.each(some(['catalogue.log', 'clone.segment', 'catalogue.head', 'replay.fold', 'replay.switched']))(
    'is as good after a kill at %s',
    async (step) => {
      const args = ['find', '--remote', 'disk', '--name', 'only-*', '-a', join(scratch, 'one'), '--json'];
      const { ended } = start(args, { cwd: scratch, env: { HKFS_FAILPOINT: `${step}=kill` } });
      expect((await ended).status).not.toBe(0);
      expect(find('--name', 'only-*', '--offline').status).not.toBe(70);
      expect(rowsOf(find('--name', 'only-*'))).toHaveLength(3);
      expect(find('--name', 'only-*').stderr).toBe('');
    },
  );

  test.each(some(['log', 'views']))('is made again when its %s is damaged', (part) => {
    find('--name', 'x');
    for (const name of fs.readdirSync(join(cached('two'), part)))
      if (/^(MANIFEST|CURRENT)/.test(name)) fs.writeFileSync(join(cached('two'), part, name), 'garbage\n');
    const first = find('--name', 'only-two');
    const second = find('--name', 'only-two');
    expect({ stderr: first.stderr, rows: rowsOf(first) }).toEqual({ stderr: '', rows: rowsOf(second) });
    expect(rowsOf(second)).toEqual(['two from-two/only-two']);
  });

  test('is shared by processes at once', async () => {
    const args = ['find', '--remote', 'disk', '--name', 'only-*', '-a', join(scratch, 'one'), '--json'];
    const all = await Promise.all([1, 2, 3, 4].map(() => start(args, { cwd: scratch }).ended));
    for (const run of all)
      expect({ ...run, rows: rowsOf(run).length }).toMatchObject({ status: 0, stderr: '', rows: 3 });
  });

  test('is as good after an interrupt in the middle of an import', async () => {
    const args = ['find', '--remote', 'disk', '--name', 'only-*', '-a', join(scratch, 'one')];
    const run = start(args, { cwd: scratch, env: { HKFS_FAILPOINT: 'clone.segment=pause' } });
    await until(() => isStopped(run.pid), 'the pause');
    run.child.kill('SIGINT');
    process.kill(run.pid, 'SIGCONT');
    const { status, stdout } = await run.ended;
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(rowsOf(find('--name', 'only-*'))).toHaveLength(3);
  });

  test('is waited for, and an interrupt ends the waiting', async () => {
    find('--name', 'x');
    grow('two', 'new');
    const args = ['find', '--remote', 'disk', '--name', 'new', '-a', join(scratch, 'one'), '--json'];
    const first = start(args, { cwd: scratch, env: { HKFS_FAILPOINT: 'catalogue.log=pause' } });
    await until(() => isStopped(first.pid), 'the pause');
    const second = start([...args, '--wait', '--progress', 'none'], { cwd: scratch });
    const third = start([...args, '--wait'], { cwd: scratch });
    await new Promise((resolve) => setTimeout(resolve, 700));
    third.child.kill('SIGINT');
    expect(await third.ended).toMatchObject({ status: 130, stdout: '' });
    process.kill(first.pid, 'SIGCONT');
    for (const { ended } of [first, second]) expect(rowsOf(await ended)).toEqual(['two from-two/new']);
  });
});

describe('what is asked of the remote', () => {
  test('is one listing where nothing is new, else also what is new and nothing before', async () => {
    expect((await ask('only-two')).asked.filter((word) => word === 'list')).toHaveLength(1 + 2);
    expect(await ask('only-two')).toMatchObject({ rows: ['two from-two/only-two'], asked: ['list'] });
    grow('three', 'new');
    const { asked, rows } = await ask('new');
    expect(rows).toEqual(['three from-three/new']);
    const segments = fs
      .readdirSync(join(atRemote('three'), 'log'))
      .filter((name) => name.includes('-'))
      .sort();
    expect(asked.filter((word) => word.includes('/log/'))).toEqual([
      `read archives/${ids.get('three')}/log/${segments.at(-1)}`,
    ]);
    expect(asked.filter((word) => word.includes(ids.get('two')!))).toEqual([]);
    expect(asked.length).toBeLessThanOrEqual(6);
    expect((await ask('new')).asked).toEqual(['list']);
    const offline = await ask('new', { offline: true });
    expect({ ...offline, messages: offline.messages.map(({ code }) => code) }).toEqual({
      rows,
      asked: [],
      messages: ['FROM_CACHE'],
    });
  });
});

test('contents are looked up in all archives', async () => {
  const hash = parseRows<AcrossRow>(find('--name', 'same-two').stdout)[0]!.hash!;
  const only = parseRows<AcrossRow>(find('--name', 'only-three').stdout)[0]!.hash!;
  const archives = await openAcross(join(scratch, 'one'), { remote: 'disk' });
  const found: string[] = [];
  for await (const row of archives.lookUp([hash, only, 'ab'.repeat(32)]))
    found.push(`${row.hash === hash ? 'same' : 'only'} ${nameOf(row.archive)} ${row.paths.join()}`);
  await archives.close();
  expect(found.sort()).toEqual([
    'only three from-three/only-three',
    'same one from-one/same-one',
    'same three from-three/same-three',
    'same two from-two/same-two',
  ]);
});

async function ask(
  name: string,
  options: Partial<AcrossOptions> = {},
): Promise<{ rows: string[]; asked: string[]; messages: Message[] }> {
  const root = join(scratch, 'one');
  const asked: string[] = [];
  const messages: Message[] = [];
  const archives = await RemoteArchives.open(
    { layout: layoutOf(root), open: () => openReader(root) },
    { remote: 'disk', onMessage: (message) => messages.push(message), ...options },
    { clock: Date.now, openStore: async (...args) => counting(await openRemoteStore(...args), asked) },
  );
  const rows: string[] = [];
  for await (const row of archives.find({ name })) rows.push(`${nameOf(row.archive)} ${row.path}`);
  await archives.close();
  return { rows, asked, messages };
}

function counting(store: BlobStore, asked: string[]): BlobStore {
  return new Proxy(store, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (property === 'list') asked.push('list');
        else if (property !== 'close') asked.push(`${String(property)} ${String(args[0])}`);
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}

function removeSegments(name: Name): void {
  const log = join(atRemote(name), 'log');
  for (const file of fs.readdirSync(log)) if (file.includes('-')) fs.rmSync(join(log, file));
}

function forgeCheckpoint(): void {
  const [to, from] = [join(atRemote('two'), 'checkpoint'), join(atRemote('three'), 'checkpoint')];
  const newest = fs.readdirSync(to).sort().at(-1)!;
  fs.rmSync(join(to, newest));
  fs.copyFileSync(join(from, fs.readdirSync(from).sort().at(-1)!), join(to, newest));
}

/** What a later hkfs would send: a commit with an event of a type that this one does not know. */
async function sendUnknownEvent(name: Name): Promise<void> {
  const root = join(scratch, name);
  const id = ids.get(name)!;
  const log = await EventLog.open(layoutOf(root).log);
  try {
    const newest = Number(
      fs
        .readdirSync(join(atRemote(name), 'checkpoint'))
        .sort()
        .at(-1),
    );
    const parts: Buffer[] = [];
    for await (const stored of log.readStored({ from: newest })) parts.push(encodeStoredCommit(stored));
    const unknown = Buffer.from(encode([1, 'file.transmogrified', 0]));
    const event = withLink(unknown, recordHash(log.lastCommit!));
    const range = CompactRange.from(log.size, log.lastCommit!.range);
    range.append(event);
    const commit = { ...log.lastCommit!, first: log.size, count: 1, range: range.hashes };
    parts.push(encodeStoredCommit({ commit, events: [event] }));
    const file = segmentName(id, { first: newest, last: log.size });
    fs.writeFileSync(join(scratch, 'remote', file), Buffer.concat(parts));
    const head = { size: range.size, root: range.root().toString('hex') };
    const key = archiveKey({ layout: layoutOf(root), file: readArchiveFile(root) });
    fs.writeFileSync(join(scratch, 'remote', checkpointName(id, head.size)), encodeCheckpoint(head, key));
  } finally {
    await log.close();
  }
}
