/** The real command line on a fresh archive: what a person types, in a process of its own each. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from '@jest/globals';
import type {
  EntryRow,
  IngestSummary,
  OperationRow,
  RestoreSummary,
  StatRow,
  VerifySummary,
} from '../../src/archive/api.js';

export const bin = join(import.meta.dirname, '../../bin/run.js');

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it was written. */
  readonly bytes: Buffer;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command and its arguments that start the program, such as `setpriv …`. */
  readonly through?: readonly string[];
  /** What comes on standard input; not for arguments that are bytes. */
  readonly input?: string | Buffer;
}

/** `hkfs ARGS`; arguments may be bytes, which only a shell passes on as they are. */
export function hkfs(args: readonly (string | Buffer)[], options: RunOptions = {}): Run {
  const words = [...(options.through ?? []), process.execPath, bin, ...args];
  const isRaw = args.some((arg) => typeof arg !== 'string');
  const [command, ...rest] = isRaw ? ['sh'] : (words as string[]);
  const { status, stdout, stderr } = spawnSync(command!, rest, {
    ...place(options),
    input: isRaw ? Buffer.concat([Buffer.from('exec'), ...words.map(quoted)]) : (options.input ?? ''),
    maxBuffer: 1 << 30,
  });
  return { status, stdout: stdout.toString(), stderr: stderr.toString(), bytes: stdout };
}

function place({ cwd = '/', env = {} }: RunOptions): { cwd: string; env: NodeJS.ProcessEnv } {
  return { cwd, env: { PATH: process.env['PATH'], HOME: '/nonexistent', TZ: 'UTC', ...env } };
}

function quoted(word: string | Buffer): Buffer {
  const text = Buffer.from(word).toString('latin1').replaceAll("'", `'\\''`);
  return Buffer.from(` '${text}'`, 'latin1');
}

/** A process that goes on beside the test. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Run>;
}

export function start(args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(process.execPath, [bin, ...args], {
    ...place(options),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const ended = new Promise<Run>((resolve) => {
    child.on('close', (status) => {
      const bytes = Buffer.concat(out);
      resolve({ status, stdout: bytes.toString(), stderr: Buffer.concat(err).toString(), bytes });
    });
  });
  return { child, pid: child.pid!, ended };
}

/** Until a condition of the outside holds: a barrier, not a guess of how long something takes. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(10)) if (await condition()) return;
  throw new Error(`never came: ${what}`);
}

/** True once every thread of the process was stopped by a signal (a failpoint's `pause`). */
export function isStopped(pid: number): boolean {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.every((tid) => / T /.test(readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8')));
}

/** An archive that was just made: copying it takes a tenth of the time of making another. */
let template: string | undefined;

function makeArchive(root: string): void {
  if (template === undefined || !existsSync(template)) {
    expect(hkfs(['init', root])).toMatchObject({ status: 0, stderr: '' });
    template = `${dirname(dirname(root))}/template`;
    sh(`cp -a '${root}' '${template}'`);
  } else sh(`cp -a '${template}' '${root}'`);
}

/** An archive and a source directory beside it. */
export class Box {
  readonly path: string;
  readonly root: string;
  readonly source: string;

  constructor(path: string, root = join(path, 'archive'), source = join(path, 'source')) {
    this.path = path;
    this.root = root;
    this.source = source;
  }

  static make(scratch: string): Box {
    const box = new Box(mkdtempSync(join(scratch, 'box-')));
    mkdirSync(box.source);
    makeArchive(box.root);
    return box;
  }

  /** Writes files below the source, with the directories that they need. */
  write(files: Readonly<Record<string, string | Buffer>>): this {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.source, path)), { recursive: true });
      writeFileSync(join(this.source, path), content);
    }
    return this;
  }

  run(...args: (string | Buffer)[]): Run {
    return this.runWith({}, ...args);
  }

  runWith(options: RunOptions, ...args: (string | Buffer)[]): Run {
    return hkfs(args, { cwd: this.path, ...options, env: { HKFS_ARCHIVE: this.root, ...options.env } });
  }

  start(args: readonly string[], env: Record<string, string> = {}): Running {
    return start(args, { cwd: this.path, env: { HKFS_ARCHIVE: this.root, ...env } });
  }

  /** The rows of a query that has to succeed. */
  rows<T = EntryRow>(...args: (string | Buffer)[]): T[] {
    const { status, stdout, stderr } = this.run(...args, '--json');
    if (status !== 0) throw new Error(`hkfs ${args.join(' ')} left with ${status}: ${stderr}`);
    return parseRows<T>(stdout);
  }

  stat(target: string, ...args: string[]): StatRow {
    return this.rows<StatRow>('stat', target, ...args)[0]!;
  }

  ops(): OperationRow[] {
    return this.rows<OperationRow>('ops');
  }

  /** The fingerprint of the history: equal when nothing was changed. */
  head(): string {
    return this.run('head').stdout;
  }

  paths(...args: (string | Buffer)[]): string[] {
    return this.rows('ls', '-R', ...args).map(({ path }) => path);
  }

  /** An ingest of the source, unless other arguments name what to take in. */
  ingest(...args: (string | Buffer)[]): IngestSummary {
    const { summary, run } = this.ingestWith({}, ...args);
    expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
    return summary;
  }

  /** As ingest, whatever its exit status. */
  ingestWith(options: RunOptions, ...args: (string | Buffer)[]): { run: Run; summary: IngestSummary } {
    const sources = args.some((arg) => !arg.toString().startsWith('-')) && args[0]?.toString()[0] !== '-';
    const words = sources ? args : [this.source, ...args];
    const run = this.runWith(options, 'ingest', ...words, '--json', '--progress', 'none');
    return { run, summary: (run.stdout === '' ? {} : JSON.parse(run.stdout)) as IngestSummary };
  }

  /** A restore to `to` below the box, and what it says. */
  restore(path: string, to: string, ...args: string[]): { run: Run; summary: RestoreSummary } {
    return this.restoreWith({}, path, to, ...args);
  }

  restoreWith(
    options: RunOptions,
    ...[path, to, ...args]: [path: string, to: string, ...args: string[]]
  ): { run: Run; summary: RestoreSummary } {
    const words = ['restore', path, '--to', join(this.path, to), '--json', '--progress', 'none', ...args];
    const run = this.runWith(options, ...words);
    return { run, summary: (run.stdout === '' ? {} : JSON.parse(run.stdout)) as RestoreSummary };
  }

  verify(...args: string[]): { status: number | null; summary: VerifySummary } {
    const { status, stdout } = this.run('verify', '--json', '--progress', 'none', ...args);
    return { status, summary: JSON.parse(stdout) as VerifySummary };
  }

  /** Verified whole: every content, every link and the log. */
  expectSound(): void {
    const { status, summary } = this.verify();
    expect({ status, ...summary }).toMatchObject({
      ...{ status: 0, damaged: [], missing: [], unlinked: [], untracked: [], views: [], remaining: 0 },
    });
  }

  /** The views are what a replay of the log makes. */
  expectReplayed(): void {
    expect(this.rows('replay', '--check')).toMatchObject([{ equal: true, differences: [] }]);
  }

  /** A path of the tree on disk. */
  tree(path: string): string {
    return join(this.root, path);
  }

  /** The object's file of a path in the archive. */
  object(path: string): string {
    const { hash } = this.stat(path);
    return join(this.root, '.hkfs/objects', hash!.slice(0, 2), hash!.slice(2));
  }
}

export function parseRows<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

export function inode(path: string): bigint {
  return lstatSync(path, { bigint: true }).ino;
}

/** What a failing command says: one line with the code, then a hint. */
export function saying(code: string): RegExp {
  return new RegExp(`^hkfs: [^\\n]+ \\[${code}\\]\\nhint: [^\\n]+\\n$`);
}

export function sh(script: string, cwd = '/'): string {
  return execFileSync('sh', ['-ec', script], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** `test` where the condition holds; elsewhere a skipped test, with the reason printed. */
export function testWhere(condition: boolean, reason: string): typeof test | typeof test.skip {
  if (condition) return test;
  process.stderr.write(`skipped: ${reason}\n`);
  return test.skip;
}
