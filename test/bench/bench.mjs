/** What a row is given: its folder, its corpora, its programs, and fair comparisons. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureCorpus, SHAPES } from './corpus.mjs';
import { environment, hkfs, ProgramFailed, timed } from './programs.mjs';
import { median } from './statistics.mjs';

/** @typedef {import('./programs.mjs').Run} Run */
/**
 * One side of a comparison.
 * @typedef {object} Side
 * @property {string} name
 * @property {readonly string[]} command
 * @property {readonly string[]} [needs] programs without which it is skipped
 * @property {() => void | Promise<void>} [prepare] before each run, outside the clock
 * @property {readonly string[]} [reads] folders that are read before each run, outside the clock
 * @property {(run: Run) => void} [check] throws where the answer is wrong
 * @property {(running: Promise<Run>) => Promise<object>} [beside] what happens meanwhile; its result joins the run
 * @property {() => void} [clear] after each run, outside the clock
 * @property {boolean} [usage] false: no peak memory and CPU time, and nothing around the command
 */

const BUFFER = Buffer.allocUnsafe(4 << 20);
/** How long ext4 keeps an inode that was removed while its block is dirty: RECENTCY_DIRTY of fs/ext4/ialloc.c. */
const EXT4_RECENT_MS = 36_000;

export class Bench {
  /** @param {{ work: string, cache: string, seed: string, runs: number, smoke: boolean, million: boolean, programs: Map<string, string>, say: (text: string) => void }} options */
  constructor(options) {
    Object.assign(this, options);
    /** @type {string[]} the sides of the present row that could not run, with the reason */
    this.skipped = [];
    this.discarded = 0;
    this.env = environment(join(options.work, 'home'));
    mkdirSync(this.env.HOME, { recursive: true });
  }

  /** @param {...string} names */
  path(...names) {
    return join(this.work, ...names);
  }

  /** @param {'small' | 'large' | 'million'} name */
  corpus(name) {
    const shape = SHAPES[name][this.smoke ? 'smoke' : 'full'];
    this.say(`corpus ${name}`);
    const { folder, made } = ensureCorpus(shape, this.seed, this.cache);
    if (made) this.settle();
    return { folder, shape };
  }

  /** @param {...string} programs */
  missing(...programs) {
    return programs.filter((name) => !this.programs.has(name));
  }

  /** @param {readonly string[]} command @param {{ usage?: boolean }} [options] */
  run(command, options = {}) {
    const usage = options.usage !== false && this.programs.has('/usr/bin/time');
    return timed(command, { env: this.env, work: this.work, usage });
  }

  /** An hkfs command that answers with one JSON object, outside any comparison. */
  async ask(...args) {
    return JSON.parse((await this.run(hkfs(...args, '--json'), { usage: false })).stdout);
  }

  /** Writes everything out, so that no run pays for what was written before it. */
  settle() {
    if (!this.smoke) spawnSync('sync', ['-f', this.work]);
  }

  remove(...paths) {
    spawnSync('rm', ['-rf', '--', ...paths]);
  }

  /**
   * Puts many small files out of the way until the row is over. On ext4 whoever makes files within half a
   * minute after many were removed searches among inodes that it must not take yet, three times as long.
   */
  discard(...paths) {
    for (const path of paths)
      if (existsSync(path)) renameSync(path, this.path(`discarded-${(this.discarded += 1)}`));
  }

  /** What a row leaves, down to an empty folder. */
  async clear() {
    const names = readdirSync(this.work);
    this.remove(...names.map((name) => join(this.work, name)));
    mkdirSync(this.env.HOME, { recursive: true });
    this.skipped = [];
    this.settle();
    if (!this.smoke && names.some((name) => name.startsWith('discarded-'))) await sleep(EXT4_RECENT_MS);
  }

  /**
   * Runs the sides in turn, A B A B …, so that a machine that grows slower does so for all.
   * @param {readonly Side[]} sides
   * @param {number} [runs]
   * @returns {Promise<Map<string, Run[]>>} the sides that could run
   */
  async compare(sides, runs = this.runs) {
    const present = sides.filter((side) => this.canRun(side));
    const results = new Map(present.map(({ name }) => [name, []]));
    for (let run = 0; run < runs; run++) {
      for (const side of present) {
        this.say(`${side.name}, run ${run + 1} of ${runs}`);
        results.get(side.name).push(await this.runOnce(side));
      }
    }
    return results;
  }

  canRun({ name, needs = [] }) {
    const missing = this.missing(...needs);
    if (missing.length > 0) this.skipped.push(`${name} (no ${missing.join(', ')} here)`);
    return missing.length === 0;
  }

  /** @param {Side} side @returns {Promise<Run>} */
  async runOnce(side) {
    await side.prepare?.();
    for (const folder of side.reads ?? []) readAll(folder);
    this.settle();
    const running = this.run(side.command, { usage: side.usage });
    const [run, beside] = await allDone([running, side.beside?.(running)]);
    Object.assign(run, beside);
    side.check?.(run);
    side.clear?.();
    delete run.stdout;
    return run;
  }
}

/** Waits for all, also where one fails, so that nothing is left running. */
async function allDone(promises) {
  const settled = await Promise.allSettled(promises);
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
  return settled.map(({ value }) => value);
}

/** Reads every file once, so that each run finds the same in the cache. */
export function readAll(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) readAll(path);
    else if (entry.isFile()) readFile(path);
  }
}

function readFile(path) {
  const fd = openSync(path, 'r');
  while (readSync(fd, BUFFER) > 0);
  closeSync(fd);
}

/** @param {readonly Run[]} runs */
export function seconds(runs) {
  return runs.map((run) => run.seconds);
}

/** The sides' names, the one with the least median first. */
export function fastest(results, names) {
  return names
    .filter((name) => results.has(name))
    .sort((a, b) => median(seconds(results.get(a))) - median(seconds(results.get(b))));
}

/**
 * A check of the JSON that hkfs printed: a fast answer that is wrong is a failure.
 * @param {Record<string, unknown>} expected
 */
export function answers(expected) {
  return ({ stdout }) => {
    const actual = JSON.parse(stdout);
    for (const [key, value] of Object.entries(expected)) {
      if (JSON.stringify(actual[key]) !== JSON.stringify(value))
        throw new ProgramFailed(
          `hkfs: ${key} is ${JSON.stringify(actual[key])}, not ${JSON.stringify(value)}`,
        );
    }
  };
}
