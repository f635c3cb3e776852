/** Many processes at one archive: each gets its turn, and each question its whole answer. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { LogRow, OperationRow } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, parseRows } from './hkfs.js';

const isHeavy = process.env.HKFS_HEAVY === '1';
const PROCESSES = isHeavy ? 30 : 6;
const SECONDS = isHeavy ? 180 : 15;
/** One of so many only asks. */
const READER = 3;

const scratch = scratchDirectory();

class Crowd {
  /** For each change, how many others were done between its start and its own turn. */
  readonly waits: number[] = [];
  readonly operations: number[] = [];
  questions = 0;
  private readonly box: Box;
  private readonly end: number;

  constructor(box: Box, seconds: number) {
    this.box = box;
    this.end = performance.now() + seconds * 1000;
  }

  async writer(id: number): Promise<void> {
    for (let turn = 0; performance.now() < this.end; turn += 1) {
      const known = this.known();
      const { status, stdout, stderr } = await this.box.start(this.change(id, turn)).ended;
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const { operation } = JSON.parse(stdout) as { operation: number };
      // All begin at once: the first turns wait for none, one, two …, and say nothing of an average.
      if (turn > 0) this.waits.push(operation - known);
      this.operations.push(operation);
    }
  }

  async reader(id: number): Promise<void> {
    for (let turn = id; performance.now() < this.end; turn += 1) {
      const known = this.known();
      await (turn % 2 === 0 ? this.askOperations(known) : this.askLog(known));
      this.questions += 1;
    }
  }

  private known(): number {
    return Math.max(1, ...this.operations);
  }

  /** Each writer moves a file of its own to and fro. */
  private change(id: number, turn: number): string[] {
    const [from, to] = turn % 2 === 0 ? ['here', 'there'] : ['there', 'here'];
    return ['mv', `source/${from}-${id}`, `source/${to}-${id}`, '--wait', '--json', '--progress', 'none'];
  }

  private async askOperations(known: number): Promise<void> {
    const rows = await this.ask<OperationRow>('ops');
    const numbers = rows.map(({ operation }) => operation).sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_number, index) => index + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(known);
  }

  private async askLog(known: number): Promise<void> {
    const rows = await this.ask<LogRow>('log');
    expect(rows.map(({ position }) => position)).toEqual(rows.map((_row, index) => index));
    expect(rows.filter(({ type }) => type === 'operation.started').length).toBeGreaterThanOrEqual(known);
  }

  private async ask<T>(command: string): Promise<T[]> {
    const { status, stdout, stderr } = await this.box.start([command, '--json']).ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return parseRows<T>(stdout);
  }
}

test(
  `${PROCESSES} processes for ${SECONDS} s: a linear history, whole answers, and turns as they came`,
  async () => {
    const box = Box.make(scratch.path);
    for (let id = 0; id < PROCESSES; id += 1) box.write({ [`here-${id}`]: `content ${id}` });
    box.ingest();
    const crowd = new Crowd(box, SECONDS);
    const began = performance.now();
    await Promise.all(
      Array.from({ length: PROCESSES }, (_, id) =>
        id % READER === 0 ? crowd.reader(id / READER) : crowd.writer(id),
      ),
    );
    const { waits, operations, questions } = crowd;
    const turn = (performance.now() - began) / operations.length;
    const average = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    const longest = Math.max(...waits);
    process.stderr.write(
      `${operations.length} turns of ${turn.toFixed(0)} ms, ${questions} answers; ` +
        `waits of ${average.toFixed(1)} turns, the longest ${longest}\n`,
    );
    expect(operations.sort((a, b) => a - b)).toEqual(operations.map((_, index) => index + 2));
    expect(questions).toBeGreaterThan(0);
    expect(longest).toBeLessThanOrEqual(average + 3);
    expect(fs.existsSync(join(box.root, '.hkfs/queue'))).toBe(false);
    box.expectSound();
    box.expectReplayed();
  },
  (SECONDS + 120) * 1000,
);
