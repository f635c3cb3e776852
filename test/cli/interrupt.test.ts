import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

import { listenForInterrupt } from '../../src/cli/interrupt.js';

const hooks = { say: () => undefined, isSettling: () => false, giveUp: () => undefined };
beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function fakeProcess() {
  const exits: number[] = [];
  return Object.assign(new EventEmitter(), { exits, exit: (code: number) => void exits.push(code) });
}

test('the first Ctrl-C asks for a clean stop, the second leaves with 130', () => {
  const source = fakeProcess();
  const said: string[] = [];
  const { signal } = listenForInterrupt(source, { ...hooks, say: (line) => said.push(line) });
  source.emit('SIGINT');
  expect(signal.aborted).toBe(true);
  expect(said).toHaveLength(1);
  expect(source.exits).toEqual([]);
  source.emit('SIGINT');
  expect(source.exits).toEqual([130]);
});

test('SIGTERM asks for the same clean stop', () => {
  const source = fakeProcess();
  const { signal } = listenForInterrupt(source, hooks);
  source.emit('SIGTERM');
  expect(signal.aborted).toBe(true);
});

test('after the work no listener is left', () => {
  const source = fakeProcess();
  listenForInterrupt(source, hooks).stop();
  expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0);
});

test('a clean stop that takes too long ends within a second, and says so', () => {
  const source = fakeProcess();
  const said: string[] = [];
  listenForInterrupt(source, { ...hooks, giveUp: () => said.push('given up') });
  source.emit('SIGTERM');
  jest.advanceTimersByTime(500);
  expect(source.exits).toEqual([]);
  jest.advanceTimersByTime(400);
  expect({ said, exits: source.exits }).toEqual({ said: ['given up'], exits: [130] });
});

test('what is being made durable gets to its end, and then a grace; but ten seconds at the most', () => {
  const source = fakeProcess();
  let settles = true;
  listenForInterrupt(source, { ...hooks, isSettling: () => settles });
  source.emit('SIGINT');
  jest.advanceTimersByTime(5000);
  settles = false;
  jest.advanceTimersByTime(500);
  expect(source.exits).toEqual([]);
  settles = true;
  jest.advanceTimersByTime(4000);
  expect(source.exits).toEqual([]);
  jest.advanceTimersByTime(3000);
  expect(source.exits).toEqual([130]);
});

test('a stop that ended in time is not followed by another', () => {
  const source = fakeProcess();
  const { stop } = listenForInterrupt(source, hooks);
  source.emit('SIGINT');
  stop();
  jest.advanceTimersByTime(60_000);
  expect(source.exits).toEqual([]);
});
