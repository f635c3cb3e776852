/**
 * Named steps of the durable recipes, where tests make the process die or a call fail.
 * `HKFS_FAILPOINT=STEP=ACTION[@N]`: at the N-th time (1 when left out) that STEP is reached, ACTION is
 * `kill` (SIGKILL to the whole process, as a power cut would for this process), `pause` (SIGSTOP) or
 * an errno name to be thrown. Several are separated by commas.
 */
import { getSystemErrorMap } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { errnoNumber } from '../errors.js';

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
  else throw injected(point.action, step);
}

/** As Node throws it: for an errno that libuv does not know it has no name. */
function injected(errno: string, step: string): Error {
  const number = errnoNumber(errno) ?? 0;
  const isNamed = number === 0 || getSystemErrorMap().has(-number);
  const code = isNamed ? errno : `Unknown system error ${-number}`;
  return Object.assign(new Error(`${code}: injected at ${step}`), { code, errno: -number });
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
