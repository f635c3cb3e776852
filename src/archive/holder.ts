/**
 * One process holds an archive. While it does, it answers the queries of others over a local socket,
 * and says who it is in `holder.json`. Rows cross the socket as lines of JSON, one request a
 * connection, so that back-pressure is the socket's own.
 */
import { readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, HkfsError, isHkfsError, type ErrorCode } from '../errors.js';
import { toFsPath } from '../fs/names.js';
import type { ArchiveReader } from './api.js';
import type { Layout } from './layout.js';
import { connectTo, listenAt, type SocketPlace } from './socket-path.js';

export interface Holder {
  readonly pid: number;
  /** In which the number means this process; absent where the system does not tell. */
  readonly namespace?: string | undefined;
  readonly command: string;
  /** ISO time. */
  readonly since: string;
  readonly kind: 'reader' | 'writer';
}

export type QueryMethod =
  | 'ls'
  | 'stat'
  | 'find'
  | 'locate'
  | 'du'
  | 'dups'
  | 'unique'
  | 'log'
  | 'ops'
  | 'diff'
  | 'show'
  | 'lookUp'
  | 'contents'
  | 'similar'
  | 'head'
  | 'signedHead'
  | 'prove'
  | 'tags'
  | 'orphans'
  | 'remotes'
  | 'copies'
  | 'resolveMoment';

export interface Request {
  readonly method: QueryMethod;
  readonly args: readonly unknown[];
}

type Reply =
  | { readonly row: unknown }
  | { readonly end: true }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | null } }
  | { readonly bug: string };

/** A holder that says nothing for so long is stopped or hangs. */
const SILENCE_MS = 30_000;

/** A holder that is done ends its open answers first: for so long, unless the asker takes nothing of them. */
const FINISH_MS = 30_000;
const STALLED_MS = 10_000;
const TICK_MS = 10;

/** Says who holds the archive and answers queries until it is closed. */
export class HolderService {
  private readonly layout: Layout;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly answering = new Set<Socket>();

  private constructor(layout: Layout, server: Server) {
    this.layout = layout;
    this.server = server;
  }

  static async start(layout: Layout, holder: Holder, reader: ArchiveReader): Promise<HolderService> {
    rmSync(toFsPath(layout.socket), { force: true });
    writeFileSync(toFsPath(layout.holder), `${JSON.stringify(holder)}\n`);
    const server = createServer();
    const service = new HolderService(layout, server);
    server.on('connection', (socket) => service.serve(socket, reader));
    await listenAt(server, placeOf(layout));
    server.unref();
    return service;
  }

  /** From now on nobody is let in; who asked already is answered. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    await this.finishAnswers();
    for (const socket of this.sockets) socket.destroy();
    await closed;
    rmSync(toFsPath(this.layout.socket), { force: true });
    rmSync(toFsPath(this.layout.holder), { force: true });
  }

  private async finishAnswers(): Promise<void> {
    const end = performance.now() + FINISH_MS;
    const taken = new Map<Socket, { bytes: number; since: number }>();
    for (let now = 0; this.answering.size > 0 && now < end; now = performance.now()) {
      for (const socket of this.answering) {
        const { bytesWritten: bytes } = socket;
        if (taken.get(socket)?.bytes !== bytes) taken.set(socket, { bytes, since: performance.now() });
        const isStalled = performance.now() - taken.get(socket)!.since > STALLED_MS;
        if (isStalled && socket.writableLength > 0) socket.destroy();
      }
      await sleep(TICK_MS);
    }
  }

  private serve(socket: Socket, reader: ArchiveReader): void {
    this.sockets.add(socket);
    socket.unref();
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.answering.delete(socket);
    });
    socket.on('error', () => socket.destroy()); // the asker went away
    const lines = createInterface({ input: socket });
    lines.once('line', (line) => {
      lines.close();
      // Until it has all of it, and is gone.
      this.answering.add(socket);
      void answer(socket, reader, JSON.parse(line) as Request);
    });
  }
}

async function answer(socket: Socket, reader: ArchiveReader, request: Request): Promise<void> {
  const send = async (reply: Reply): Promise<void> => {
    if (socket.destroyed || socket.write(`${JSON.stringify(reply)}\n`)) return;
    await new Promise<void>((resolve) => {
      socket.once('drain', resolve);
      socket.once('close', resolve);
    });
  };
  try {
    // null stands for an argument that was left out: JSON knows no undefined.
    const args = request.args.map((arg) => arg ?? undefined);
    for await (const row of callReader(reader, { ...request, args })) {
      if (socket.destroyed) return;
      await send({ row });
    }
    await send({ end: true });
  } catch (error) {
    await send(toWire(error));
  }
  socket.end();
}

/** A query by its name: its rows, or its one answer. */
export async function* callReader(reader: ArchiveReader, request: Request): AsyncGenerator {
  const method = reader[request.method] as (...args: unknown[]) => AsyncIterable<unknown> | Promise<unknown>;
  const result = method.apply(reader, [...request.args]);
  if (Symbol.asyncIterator in result) yield* result;
  else yield await result;
}

function toWire(error: unknown): Reply {
  if (!isHkfsError(error)) return { bug: (error as Error).stack ?? String(error) };
  const { code, message, hint = null } = error;
  return { error: { code, message, hint } };
}

/** Asks the holder. @throws the errno of connecting, or the error that the holder answered */
export async function* askHolder(layout: Layout, request: Request): AsyncGenerator {
  const socket = await connectTo(placeOf(layout));
  socket.setTimeout(SILENCE_MS, () => socket.destroy(silence()));
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of createInterface({ input: socket })) {
      const reply = JSON.parse(line) as Reply;
      if ('end' in reply) return;
      if ('error' in reply) {
        const { code, message, hint } = reply.error;
        throw new HkfsError(code, message, hint === null ? {} : { hint });
      }
      if ('bug' in reply) throw new Error(`the process that holds the archive failed: ${reply.bug}`);
      yield reply.row;
    }
    throw new HkfsError('ARCHIVE_HELD', 'the process that held the archive ended while it answered', {
      hint: 'run the command again',
    });
  } finally {
    socket.destroy();
  }
}

function silence(): HkfsError {
  return new HkfsError('ARCHIVE_HELD', 'the process that holds the archive does not answer', {
    hint: 'it may be stopped; see .hkfs/holder.json for its process id',
  });
}

/** Who says to hold the archive; null when nobody does, who did was killed, or the file is half written. */
export function readHolder(layout: Layout): Holder | null {
  try {
    const holder = JSON.parse(readFileSync(toFsPath(layout.holder), 'utf8')) as Holder;
    // A number of another namespace tells nothing: the lock of the log says that somebody is there.
    return holder.namespace !== ownNamespace() || isAlive(holder.pid) ? holder : null;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

function placeOf({ hkfs }: Layout): SocketPlace {
  return { directory: hkfs, name: 'socket' };
}

/** Of process ids. */
export function ownNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}
