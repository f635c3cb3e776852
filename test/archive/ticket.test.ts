/** The queue of those who wait for an archive. */
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { layoutIn, type Layout } from '../../src/archive/layout.js';
import { Ticket } from '../../src/archive/ticket.js';
import { scratchDirectory } from '../fs/scratch.js';

const scratch = scratchDirectory();
let layout: Layout;
let tickets: Ticket[];
beforeEach(() => {
  layout = layoutIn(fs.mkdtempSync(join(scratch.path, 'queue-')));
  tickets = [];
});
afterEach(() => {
  for (const ticket of tickets) ticket.leave();
});

async function take(): Promise<Ticket> {
  const ticket = (await Ticket.take(layout))!;
  tickets.push(ticket);
  return ticket;
}

function leave(ticket: Ticket): void {
  tickets = tickets.filter((other) => other !== ticket);
  ticket.leave();
}

test('turns come in the order of the tickets, also when one in the middle leaves', async () => {
  const [first, second, third, fourth] = [await take(), await take(), await take(), await take()];
  const came: string[] = [];
  const waits = Object.entries({ second, third, fourth }).map(async ([name, ticket]) => {
    expect(await ticket.comesFirst(20_000, undefined)).toBe(true);
    came.push(name);
    leave(ticket);
  });
  expect(await first.comesFirst(0, undefined)).toBe(true);
  await sleep(50);
  expect(came).toEqual([]);
  leave(first);
  await Promise.all(waits);
  expect(came).toEqual(['second', 'third', 'fourth']);
  expect(fs.existsSync(layout.queue)).toBe(false);
});

test('a wait ends with its time, and with a signal', async () => {
  await take();
  const second = await take();
  expect(await second.comesFirst(30, undefined)).toBe(false);
  const stop = new AbortController();
  const waiting = second.comesFirst(60_000, stop.signal);
  stop.abort();
  expect(await waiting).toBe(false);
});

test('many that come at once have a place each', async () => {
  const many = await Promise.all(Array.from({ length: 40 }, take));
  expect(fs.readdirSync(layout.queue)).toHaveLength(40);
  const turns: Promise<boolean>[] = many.map(async (ticket) => {
    const came = await ticket.comesFirst(20_000, undefined);
    leave(ticket);
    return came;
  });
  expect(await Promise.all(turns)).toEqual(many.map(() => true));
});

test('a ticket of a killed process is passed by and removed', async () => {
  const before = await takenBy();
  const ticket = await take();
  const turn = ticket.comesFirst(20_000, undefined);
  before.kill('SIGKILL');
  expect(await turn).toBe(true);
  expect(fs.readdirSync(layout.queue)).toHaveLength(1);
});

test('a path that is longer than a socket may have is no matter', async () => {
  layout = layoutIn(join(layout.hkfs, 'x'.repeat(150)));
  fs.mkdirSync(layout.hkfs);
  const [first, second] = [await take(), await take()];
  const turn = second.comesFirst(20_000, undefined);
  leave(first);
  expect(await turn).toBe(true);
});

/** A process of its own that stands in the queue. */
async function takenBy(): Promise<ChildProcess> {
  const module = new URL('../../dist/archive/ticket.js', import.meta.url).href;
  const script = `const { Ticket } = await import('${module}');
    await Ticket.take({ queue: process.argv[1] });
    process.stdout.write('taken'); setInterval(() => {}, 1000);`;
  const args = ['--input-type=module', '-e', script, layout.queue];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  return child;
}
