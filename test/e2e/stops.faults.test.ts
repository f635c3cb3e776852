/** The first Ctrl-C or SIGTERM ends any command within a second, whoever it waits for. */
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { scratchDirectory } from '../fs/scratch.js';
import { ReadingServer } from '../store/remote/reading-server.js';
import { bin, Box, isStopped, until } from './hkfs.js';

const LARGE = 16 << 20;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** One second, and what a machine with more to do than processors takes to notice. */
const LIMIT_MS = 1500;

const scratch = scratchDirectory();
const children = new Set<ChildProcess>();
const sockets = new Set<Socket>();
let silent: Server;
beforeAll(async () => {
  silent = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});
afterAll(() => void silent.close());

/** A server that takes requests and answers none. */
function silentUrl(): string {
  return `s3://bucket/prefix?endpoint=http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
}

/** Nobody reads its output, and its standard input is open and says what it is told to. */
function begin(box: Box, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const keys = { AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's', AWS_REGION: 'r' };
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: box.path,
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', HKFS_ARCHIVE: box.root, ...keys, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.add(child);
  return child;
}

/** It waits: for 300 ms it took hardly any time of a processor. */
async function isWaiting(child: ChildProcess): Promise<boolean> {
  const before = ticks(child);
  await sleep(300);
  return before > 1 && ticks(child) - before <= 3;
}

function ticks({ pid }: ChildProcess): number {
  const fields = fs
    .readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

interface Stopped {
  readonly status: number | null;
  readonly ms: number;
  readonly stderr: string;
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<Stopped> {
  let stderr = '';
  child.stderr!.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const sent = performance.now();
  child.kill(signal);
  const status = await ended;
  const ms = performance.now() - sent;
  await sleep(20);
  return { status, ms, stderr };
}

async function expectStops(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const { status, ms, stderr } = await stop(child, signal);
  expect({ status, stderr }).toMatchObject({ status: 130, stderr: expect.stringContaining('INTERRUPTED') });
  expect(ms).toBeLessThan(LIMIT_MS);
}

const WAITING_FOR_HOLDER: readonly (readonly string[])[] = [
  ['ls', '--wait'],
  ['mv', 'source', 'other', '--wait'],
  ['ingest', 'source', '--wait'],
  ['verify', '--wait'],
  ['contains', 'source', '--wait'],
];

test.each(WAITING_FOR_HOLDER)('%s %s … that waits for a holder', async (...args) => {
  const box = Box.make(scratch.path).write({ a: 'content' });
  box.ingest();
  const holder = begin(box, ['ingest', 'source', '--to', 'held'], {
    HKFS_FAILPOINT: 'commit.append=pause@1',
  });
  await until(() => isStopped(holder.pid!), 'the pause');
  for (const signal of SIGNALS) {
    const child = begin(box, args);
    await until(() => isWaiting(child), 'the wait');
    await expectStops(child, signal);
  }
});

/** What is asked, and what comes first on standard input, which then says nothing more. */
const WAITING_FOR_INPUT: readonly (readonly [string, Buffer, ...string[]])[] = [
  ['a tar without a first byte', Buffer.alloc(0), 'ingest', '-', '--to', 'x'],
  ['half of a header', Buffer.alloc(300, 'a'), 'ingest', '-', '--to', 'x'],
  ['half of a compressed tar', Buffer.from('1f8b0800', 'hex'), 'ingest', '-', '--to', 'x'],
  ['a manifest without an end', Buffer.from('ab'), 'contains', '-'],
];

test.each(WAITING_FOR_INPUT)('standard input that gives %s', async (_what, input, ...args) => {
  const box = Box.make(scratch.path).write({ a: 'content' });
  box.ingest();
  for (const signal of SIGNALS) {
    const child = begin(box, args);
    child.stdin!.write(input);
    await until(() => isWaiting(child), 'the wait');
    await expectStops(child, signal);
  }
  box.expectSound();
});

const WAITING_FOR_PIPE: readonly (readonly string[])[] = [
  ['cat', 'source/large'],
  ['export', '/'],
  ['ls', '-R', '--json'],
  ['log', '--json'],
];

test.each(WAITING_FOR_PIPE)('%s %s into a pipe that nobody reads', async (...args) => {
  const box = Box.make(scratch.path);
  const many = Array.from({ length: 1500 }, (_, i) => [`${i}-${'n'.repeat(100)}`, `content ${i}`] as const);
  box.write(Object.fromEntries(many)).write({ large: Buffer.alloc(LARGE, 'x') });
  box.ingest();
  for (const signal of SIGNALS) {
    const child = begin(box, args);
    await until(() => isWaiting(child), 'the wait');
    await expectStops(child, signal);
  }
  box.expectSound();
});

const WAITING_FOR_SERVER: readonly (readonly string[])[] = [
  ['clone', 'URL', 'made'],
  ['remote', 'add', 'other', 'URL'],
  ['fetch', 'source', '--from', 'URL'],
  ['pull', 'URL'],
];

test.each(WAITING_FOR_SERVER)('%s %s … of a server that does not answer', async (...args) => {
  const box = Box.make(scratch.path).write({ a: 'content' });
  box.ingest();
  const far = join(box.path, 'far');
  expect(box.run('remote', 'add', 'far', far)).toMatchObject({ status: 0 });
  expect(box.run('backup', 'far')).toMatchObject({ status: 0 });
  const clone = new Box(box.path, join(box.path, 'clone'));
  expect(box.run('clone', far, clone.root, '--catalogue')).toMatchObject({ status: 0 });
  const own = args[0] === 'fetch' || args[0] === 'pull' ? clone : box;
  for (const signal of SIGNALS) {
    sockets.clear();
    const child = begin(
      own,
      args.map((word) => (word === 'URL' ? silentUrl() : word)),
    );
    await until(() => sockets.size > 0, 'a request');
    await expectStops(child, signal);
  }
  box.expectSound();
});

/** Object files of an archive, or of what is to be one. */
function objectsOf(root: string): number {
  const objects = join(root, '.hkfs/objects');
  if (!fs.existsSync(objects)) return 0;
  return fs.readdirSync(objects).reduce((sum, name) => sum + fs.readdirSync(join(objects, name)).length, 0);
}

describe('of a server that answers for some contents and then no more', () => {
  const FILES = 40;
  const ANSWERED = 15;
  let box: Box;
  let server: ReadingServer;
  beforeEach(async () => {
    box = Box.make(scratch.path);
    box.write(Object.fromEntries(Array.from({ length: FILES }, (_, i) => [`${i}`, `content ${i}`])));
    box.ingest();
    const far = join(box.path, 'far');
    for (const args of [
      ['remote', 'add', 'far', far],
      ['backup', 'far'],
    ])
      expect(box.run(...args)).toMatchObject({ status: 0 });
    server = new ReadingServer(far);
    await server.up();
  });
  afterEach(() => server.close());

  /** What arrived is in the hash tree after the stop, and the same command asks only for the rest. */
  async function expectKept(root: string, args: readonly string[], signal: NodeJS.Signals): Promise<void> {
    server.answers = ANSWERED;
    const child = begin(box, args, { HKFS_ARCHIVE: root });
    await until(() => server.asked.length > ANSWERED + 4, 'the requests that are not answered');
    await sleep(100);
    if (signal !== 'SIGKILL') await expectStops(child, signal);
    else await stop(child, signal);
    expect(objectsOf(root)).toBe(ANSWERED);
    server.answers = Infinity;
    server.asked.length = 0;
    const again = begin(box, args, { HKFS_ARCHIVE: root });
    again.stdout!.resume();
    const status = await new Promise((resolve) => again.once('exit', resolve));
    expect({ status, asked: server.asked.length }).toEqual({ status: 0, asked: FILES - ANSWERED });
    new Box(box.path, root).expectSound();
  }

  test.each([...SIGNALS, 'SIGKILL'] as const)('a clone that is ended by %s keeps what arrived', (signal) => {
    const root = join(box.path, 'clone');
    return expectKept(root, ['clone', server.url, root], signal);
  });

  test.each(SIGNALS)('a fetch that is ended by %s keeps what arrived', async (signal) => {
    const root = join(box.path, 'clone');
    expect(box.run('clone', join(box.path, 'far'), root, '--catalogue')).toMatchObject({ status: 0 });
    await expectKept(root, ['fetch', '/', '--from', server.url], signal);
  });
});
