/** Whatever comes in at the socket of the process that holds an archive: it goes on, and answers rightly. */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import * as fs from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { scratchDirectory, testWhen } from '../fs/scratch.js';
import { bin, Box, hkfs, until } from './hkfs.js';

const isHeavy = process.env.HKFS_HEAVY === '1';
const ROUNDS = isHeavy ? 2000 : 120;
const GIANT_BYTES = isHeavy ? 300 << 20 : 8 << 20;
const SEED = Number(process.env.HKFS_SEED ?? Date.now() % 1e6);

const scratch = scratchDirectory();
let box: Box;
let sockets: Socket[];
let holder: ChildProcessWithoutNullStreams;
let ended: Promise<{ status: number | null; stderr: string }>;
let tar: Buffer;
beforeEach(async () => {
  sockets = [];
  box = Box.make(scratch.path).write({ 'd/a': 'content a', b: 'content b' });
  box.ingest();
  tar = execFileSync('tar', ['-c', '-C', box.source, '.'], { maxBuffer: 1 << 30 });
  await startIngest();
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  holder.kill('SIGKILL');
  await ended;
});

/** It has half of a tar, and waits for the rest. */
async function startIngest(): Promise<void> {
  const args = [bin, 'ingest', '-', '--to', 'held', '--progress', 'none'];
  holder = spawn(process.execPath, args, { env: { ...process.env, HKFS_ARCHIVE: box.root }, cwd: '/' });
  let stderr = '';
  holder.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  holder.stdout.resume();
  ended = once(holder, 'close').then(([status]) => ({ status: status as number | null, stderr }));
  holder.stdin.write(tar.subarray(0, 512));
  await until(() => fs.existsSync(join(box.root, '.hkfs/socket')), 'the socket');
}

async function finishIngest(): Promise<void> {
  holder.stdin.end(tar.subarray(512));
  expect(await ended).toEqual({ status: 0, stderr: '' });
}

async function connect(): Promise<Socket> {
  const socket = createConnection(join(box.root, '.hkfs/socket'));
  socket.on('error', () => {});
  sockets.push(socket);
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  return socket;
}

/** What is answered until the holder ends the connection. */
async function answerTo(bytes: string | Buffer): Promise<string> {
  const socket = await connect();
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

/** The same numbers for the same seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
}

const GOOD = Buffer.from('{"method":"ls","args":["",{"recursive":true}]}\n');

/** Bytes of any kind, whole or cut, and what is done with the connection then. */
async function attack(random: (below: number) => number): Promise<void> {
  const socket = await connect();
  const noise = Buffer.from(Array.from({ length: random(3000) }, () => random(256)));
  const damaged = Buffer.from(GOOD);
  damaged[random(GOOD.length)] = random(256);
  const bytes = [noise, GOOD.subarray(0, random(GOOD.length)), damaged, GOOD, Buffer.concat([GOOD, noise])][
    random(5)
  ]!;
  socket.write(bytes);
  if (random(2) === 0) await sleep(random(5));
  [() => socket.destroy(), () => socket.end(), () => socket.pause()][random(3)]!();
}

function expectHonestAnswer(): void {
  expect(box.paths()).toEqual(['source', 'source/b', 'source/d', 'source/d/a']);
}

test(`random bytes, cut and damaged questions leave the ingest running (seed ${SEED})`, async () => {
  const random = randomOf(SEED);
  for (let round = 0; round < ROUNDS; round += 1) await attack(random);
  expectHonestAnswer();
  await finishIngest();
  expect(box.paths()).toContain('held/d/a');
  box.expectSound();
});

test('what changes an archive, or is no query, is refused with a code', async () => {
  const before = box.head();
  for (const [method, ...args] of [
    ['close'],
    ['remove', { paths: ['source'] }],
    ['exclusively', null],
    ['constructor'],
    ['__proto__'],
    ['hasOwnProperty', 'ls'],
    ['ls', 7],
    ['ls', { toString: 'x' }],
  ])
    expect(JSON.parse(await answerTo(`${JSON.stringify({ method, args })}\n`))).toMatchObject({
      error: { code: 'USAGE' },
    });
  for (const line of ['', 'null', '[]', '7', '{"method":"ls"}', '{"args":[]}', '"', '['.repeat(100_000)])
    expect(JSON.parse(await answerTo(`${line}\n`))).toMatchObject({ error: { code: 'USAGE' } });
  expect(box.head()).toBe(before);
  await finishIngest();
  box.expectSound();
});

test('lines without an end take no more than they may, and others are answered meanwhile', async () => {
  const giants = await Promise.all([connect(), connect(), connect()]);
  const chunk = Buffer.alloc(1 << 20, 'x');
  for (let done = 0; done < GIANT_BYTES; done += chunk.length)
    for (const giant of giants)
      if (!giant.destroyed && !giant.write(chunk))
        await Promise.race([once(giant, 'drain'), once(giant, 'close')]).catch(() => {});
  expectHonestAnswer();
  const rss = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${holder.pid}/status`, 'utf8'))![1]);
  expect(rss).toBeLessThan(1 << 20); // KiB
  await finishIngest();
});

test('a thousand connections that ask nothing keep nobody out', async () => {
  await Promise.all(Array.from({ length: 1000 }, connect));
  expectHonestAnswer();
  expect(fs.readdirSync(`/proc/${holder.pid}/fd`).length).toBeLessThan(250);
  await finishIngest();
  box.expectSound();
});

test('a client that takes nothing of its answer, and one that is killed, leave the ingest running', async () => {
  const stuck = await connect();
  stuck.pause();
  stuck.write('{"method":"log","args":[]}\n');
  const killed = await connect();
  killed.write('{"method":"lo');
  killed.destroy();
  expectHonestAnswer();
  await finishIngest();
});

test('socket and holder.json are for their owner alone, and tell no argument of the command', () => {
  const inside = (name: string): string => join(box.root, '.hkfs', name);
  expect(fs.statSync(inside('socket')).mode & 0o777).toBe(0o600);
  expect(fs.statSync(inside('holder.json')).mode & 0o777).toBe(0o600);
  expect(JSON.parse(fs.readFileSync(inside('holder.json'), 'utf8'))).toMatchObject({
    ...{ pid: holder.pid, command: 'hkfs ingest', kind: 'writer' },
  });
  expect(fs.readdirSync(join(box.root, '.hkfs')).filter((name) => /new|tmp/.test(name))).toEqual([]);
});

const asNobody = testWhen(process.getuid?.() === 0, 'only root can be another user');

asNobody('another user is not answered, also where the mode of the socket lets in everybody', async () => {
  const socket = join(box.root, '.hkfs/socket');
  for (const path of [scratch.path, box.path, box.root, join(box.root, '.hkfs')]) fs.chmodSync(path, 0o777);
  const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const ask = `const s = require('net').connect(${JSON.stringify(socket)});
    s.on('error', (e) => console.log(e.code)).on('data', (b) => console.log('answered ' + b)).on('close', () => console.log('closed'));
    s.write('{"method":"head","args":[]}\\n');`;
  const asked = (): string =>
    execFileSync(through[0]!, [...through.slice(1), process.execPath, '-e', ask]).toString();
  expect(asked()).toMatch(/^EACCES\nclosed\n$/);
  fs.chmodSync(socket, 0o666);
  expect(asked()).toMatch(/^((EPIPE|ECONNRESET)\n)?closed\n$/);
  const { status, stderr } = hkfs(['ls'], { env: { HKFS_ARCHIVE: box.root }, through });
  // Who may read the files reads them without the holder.
  if (status !== 0) expect(stderr).toMatch(/ \[(NO_PERMISSION|ARCHIVE_HELD)\]\n/);
  expect([0, 2, 5]).toContain(status);
  await finishIngest();
});
