/**
 * Who waits for an archive stands in a queue: a ticket is a socket in `.hkfs/queue` on which its process listens,
 * and its number is its place. The kernel drops it with the process, whatever ends that and whichever
 * namespace it lives in; who waits behind is connected to it, and hears that at once. The queue is for
 * fairness only: who holds the archive is decided by the lock of its log.
 */
import { mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../errors.js';
import { toFsPath } from '../fs/names.js';
import type { Layout } from './layout.js';
import { connectTo, listenAt } from './socket-path.js';

const DIGITS = 12;
/** Between binding and listening a ticket looks like that of a dead process. */
const DOUBT_MS = 50;
/** Where no ticket can be, who waits asks again and again. */
const NO_TICKETS = new Set([
  'EROFS',
  'EACCES',
  'EPERM',
  'ENOSPC',
  'EDQUOT',
  'EOPNOTSUPP',
  'ENOTSUP',
  'EINVAL',
]);

export class Ticket {
  private readonly queue: string;
  private readonly name: string;
  private readonly server: Server;
  private readonly behind = new Set<Socket>();

  private constructor(queue: string, name: string, server: Server) {
    this.queue = queue;
    this.name = name;
    this.server = server;
    server.unref();
    // Somebody could not be let in (no descriptor is left, say), who asks again: no reason to end.
    server.on('error', () => {});
    server.on('connection', (socket) => {
      this.behind.add(socket.unref());
      socket.on('error', () => socket.destroy()); // who waited behind went away
      socket.on('close', () => this.behind.delete(socket));
    });
  }

  /** The last in the queue; null where this file system has no room or no sockets for one. */
  static async take({ queue }: Layout): Promise<Ticket | null> {
    for (;;) {
      const server = createServer();
      try {
        mkdirSync(toFsPath(queue), { recursive: true });
        const name = nextName(queue);
        await listenAt(server, { directory: queue, name });
        return new Ticket(queue, name, server);
      } catch (error) {
        const errno = errnoOf(error) ?? '';
        if (NO_TICKETS.has(errno)) return null;
        // Another was quicker with this number, or left and took the empty folder away.
        if (errno !== 'EADDRINUSE' && errno !== 'ENOENT') throw error;
      }
    }
  }

  /** Waits for those before, for so long at the most. @returns whether none is left */
  async comesFirst(forMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    const end = performance.now() + forMs;
    for (let before = this.before(); before !== undefined; before = this.before()) {
      const left = end - performance.now();
      if (left <= 0 || signal?.aborted === true) return false;
      await this.waitBehind(before, left, signal);
    }
    return true;
  }

  leave(): void {
    rmSync(toFsPath(`${this.queue}/${this.name}`), { force: true });
    this.server.close();
    for (const socket of this.behind) socket.destroy();
    try {
      rmdirSync(toFsPath(this.queue));
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
    }
  }

  /** The last of those before this one. */
  private before(): string | undefined {
    return namesIn(this.queue)
      .filter((name) => name < this.name)
      .at(-1);
  }

  private async waitBehind(name: string, ms: number, signal: AbortSignal | undefined): Promise<void> {
    const place = { directory: this.queue, name };
    const socket = await connectUnlessDead(place);
    if (socket === null) return;
    if (socket === 'busy') return sleep(DOUBT_MS);
    await untilClosed(socket, ms, signal);
  }
}

/** Whether anybody waits for the archive. */
export async function isAwaited({ queue }: Layout): Promise<boolean> {
  for (const name of namesIn(queue)) {
    const socket = await connectUnlessDead({ directory: queue, name });
    if (socket === null) continue;
    if (socket !== 'busy') socket.destroy();
    return true;
  }
  return false;
}

async function untilClosed(socket: Socket, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const end = (): void => void socket.destroy();
  // It may have come while the connection was made.
  if (signal?.aborted === true) end();
  signal?.addEventListener('abort', end, { once: true });
  const timer = setTimeout(end, ms);
  await new Promise<void>((resolve) => {
    socket.on('error', end);
    socket.on('close', () => resolve());
    // An end of the other side is seen only by who reads.
    socket.resume();
  });
  clearTimeout(timer);
  signal?.removeEventListener('abort', end);
}

/** Null where nobody stands there any more; what a killed process left is removed. */
async function connectUnlessDead(place: {
  directory: string;
  name: string;
}): Promise<Socket | 'busy' | null> {
  for (let isSure = false; ; isSure = true) {
    try {
      return await connectTo(place);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT') return null;
      // So many stand behind it that its process has not come to this one yet; or it is another user's.
      if (errno === 'EAGAIN' || errno === 'EACCES') return 'busy';
      if (errno !== 'ECONNREFUSED' && errno !== 'ECONNRESET') throw error;
    }
    if (isSure) break;
    await sleep(DOUBT_MS);
  }
  rmSync(toFsPath(`${place.directory}/${place.name}`), { force: true });
  return null;
}

function nextName(queue: string): string {
  const last = namesIn(queue).at(-1) ?? '0';
  return String(Number(last) + 1).padStart(DIGITS, '0');
}

/** Tickets from the first to the last. */
function namesIn(queue: string): readonly string[] {
  try {
    return readdirSync(toFsPath(queue), 'utf8')
      .filter((name) => /^\d+$/.test(name) && name.length === DIGITS)
      .sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
