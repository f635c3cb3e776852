/** The machine on which the examples of the documents run; see world.sh. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasTool, isRoot } from '../../fs/scratch.js';

const PROJECT = join(import.meta.dirname, '../../..');

/** What stands in the way of such a machine here; null where nothing does. */
export function whyNoWorld(): string | null {
  if (!isRoot) return 'needs root for a mount namespace';
  const missing = ['unshare', 'nsenter', 'setpriv', 'faketime', 'jq', 'b3sum'].find((tool) => !hasTool(tool));
  return missing === undefined ? null : `needs ${missing}`;
}

export interface Ran {
  readonly status: number | null;
  /** Of both streams, in the order in which it came. */
  readonly output: string;
}

export class World {
  /** For commands that begin in it; as a shell keeps it. */
  cwd = '/home/alice';
  archive = '/data/archive';
  private readonly holder: ChildProcess;
  private readonly directory: string;

  private constructor(holder: ChildProcess, directory: string) {
    this.holder = holder;
    this.directory = directory;
  }

  static async start(): Promise<World> {
    const directory = mkdtempSync(join(tmpdir(), 'hkfs-world-'));
    const script = join(import.meta.dirname, 'world.sh');
    const args = ['--mount', '--uts', 'bash', script, directory, PROJECT, process.execPath];
    const holder = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('exit', (code) => reject(new Error(`world.sh left with ${code}`)));
    });
    return new World(holder, directory);
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.holder.once('exit', resolve));
    this.holder.stdin?.end();
    await gone;
    rmSync(this.directory, { recursive: true });
  }

  /** What alice types into bash. */
  run(command: string): Ran {
    return this.as(1000, `cd '${this.cwd}' && export HKFS_ARCHIVE='${this.archive}' || exit 99\n${command}`);
  }

  /** @throws Error where it does not go well */
  prepare(script: string, user = 1000): void {
    const { status, output } = this.as(user, `set -eo pipefail; cd\n${script}`);
    if (status !== 0) throw new Error(`left with ${status}: ${script}\n${output}`);
  }

  private as(user: number, script: string): Ran {
    const words = [
      ...['--target', `${this.holder.pid}`, '--mount', '--uts', 'chroot', join(this.directory, 'root')],
      ...['setpriv', '--reuid', `${user}`, '--regid', `${user}`, '--clear-groups', 'env', '-i'],
      ...['HOME=/home/alice', 'USER=alice', 'TZ=UTC', 'LC_ALL=C.UTF-8', 'PATH=/usr/local/bin:/usr/bin:/bin'],
      ...['bash', '-c', `exec 2>&1\n${script}`],
    ];
    const { status, stdout } = spawnSync('nsenter', words, { input: '', maxBuffer: 1 << 28 });
    return { status, output: stdout.toString() };
  }
}
