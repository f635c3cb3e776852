/** The built program as a child process that can be killed, paused and made to fail. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = join(import.meta.dirname, '../../bin/run.js');

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** STEP=ACTION[@N], see src/fs/failpoints.ts. */
  readonly failpoint?: string | undefined;
  readonly onStart?: (child: ChildProcess) => void;
  /** Called with all of stderr whenever it grew. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
}

export function hkfs(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { failpoint, onStart, onStderr } = options;
  const { HKFS_FAILPOINT: _none, HKFS_ARCHIVE: _other, ...inherited } = process.env;
  const env = { ...inherited, NODE_OPTIONS: '', ...(failpoint ? { HKFS_FAILPOINT: failpoint } : {}) };
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
    onStderr?.(stderr, child);
  });
  onStart?.(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) =>
      resolve({ status, signal, stdout: Buffer.concat(out).toString(), stderr }),
    );
  });
}

/** The rows of a command under --json. @throws what the command said when its exit status is another */
export async function rows<T>(args: readonly string[], expected: readonly number[] = [0]): Promise<T[]> {
  const ended = await hkfs([...args, '--json']);
  if (!expected.includes(ended.status ?? -1)) throw new Error(`hkfs ${args.join(' ')}: ${describe(ended)}`);
  const lines = ended.stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as T);
}

export async function row<T>(args: readonly string[], expected?: readonly number[]): Promise<T> {
  const [first] = await rows<T>(args, expected);
  return first!;
}

export function describe({ status, signal, stdout, stderr }: Ended): string {
  return `ended with ${status ?? signal}\n${stdout.slice(0, 2000)}${stderr.slice(0, 2000)}`;
}

export async function withScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'hkfs-crash-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** An empty archive and a path for a source beside it. */
export function withArchive<T>(use: (archive: string, source: string) => Promise<T>): Promise<T> {
  return withScratch(async (directory) => {
    const archive = join(directory, 'archive');
    await row(['init', archive]);
    return use(archive, join(directory, 'source'));
  });
}
