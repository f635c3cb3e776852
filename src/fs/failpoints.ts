/**
 * Named steps of the durable recipes, where tests make the process die or a call fail.
 * `HKFS_FAILPOINT=STEP=ACTION[@N]`: at the N-th time (1 when left out) that STEP is reached, ACTION is
 * `kill` (SIGKILL to the whole process, as a power cut would for this process), `pause` (SIGSTOP) or
 * an errno name to be thrown. Several are separated by commas.
 */
import { isMainThread } from 'node:worker_threads';

const STOPPING_MS = 500;

interface Failpoint {
  readonly action: string;
  remaining: number;
}

const failpoints = parse(process.env['HKFS_FAILPOINT']);

/** Marks a step; costs nothing unless a test asked for it. */
export function failpoint(step: string): void {
  const point = failpoints?.get(step);
  if (point === undefined || --point.remaining !== 0) return;
  if (point.action === 'kill') process.kill(process.pid, 'SIGKILL');
  else if (point.action === 'pause') pause();
  else throw Object.assign(new Error(`${point.action}: injected at ${step}`), { code: point.action });
}

/** The signal stops the process by whichever thread comes to it first: this one must not run on meanwhile. */
function pause(): void {
  process.kill(process.pid, 'SIGSTOP');
  if (!isMainThread) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STOPPING_MS);
}

function parse(text: string | undefined): Map<string, Failpoint> | undefined {
  if (!text) return undefined;
  const points = new Map<string, Failpoint>();
  for (const part of text.split(',')) {
    const match = /^([\w.-]+)=(\w+)(?:@(\d+))?$/.exec(part);
    if (!match) throw new Error(`HKFS_FAILPOINT: cannot read ${part}`);
    points.set(match[1]!, { action: match[2]!, remaining: Number(match[3] ?? 1) });
  }
  return points;
}
