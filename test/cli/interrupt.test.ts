import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';

import { listenForInterrupt } from '../../src/cli/interrupt.js';

function fakeProcess() {
  const exits: number[] = [];
  return Object.assign(new EventEmitter(), { exits, exit: (code: number) => void exits.push(code) });
}

test('the first Ctrl-C asks for a clean stop, the second leaves with 130', () => {
  const source = fakeProcess();
  const said: string[] = [];
  const { signal } = listenForInterrupt(source, (line) => said.push(line));
  source.emit('SIGINT');
  expect(signal.aborted).toBe(true);
  expect(said).toHaveLength(1);
  expect(source.exits).toEqual([]);
  source.emit('SIGINT');
  expect(source.exits).toEqual([130]);
});

test('SIGTERM asks for the same clean stop', () => {
  const source = fakeProcess();
  const { signal } = listenForInterrupt(source, () => undefined);
  source.emit('SIGTERM');
  expect(signal.aborted).toBe(true);
});

test('after the work no listener is left', () => {
  const source = fakeProcess();
  listenForInterrupt(source, () => undefined).stop();
  expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0);
});
