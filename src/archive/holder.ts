/**
 * One process holds an archive. While it does, it answers the queries of others over a local socket,
 * and says who it is in `holder.json`. Rows cross the socket as lines of JSON, one request a
 * connection, so that back-pressure is the socket's own.
 */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { errnoOf, HkfsError, isHkfsError, type ErrorCode } from '../errors.js';
import { toFsPath } from '../fs/names.js';
import type { ArchiveReader } from './api.js';
import type { Layout } from './layout.js';

export interface Holder {
  readonly pid: number;
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

/** Longest path of a Unix socket, in bytes, on Linux (sun_path without its NUL). */
const MAX_SOCKET_PATH = 107;

/** Says who holds the archive and answers queries until it is closed. */
export class HolderService {
  private readonly layout: Layout;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

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
    await withSocketPath(layout, (path) => listen(server, path));
    server.unref();
    return service;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    rmSync(toFsPath(this.layout.socket), { force: true });
    rmSync(toFsPath(this.layout.holder), { force: true });
  }

  private serve(socket: Socket, reader: ArchiveReader): void {
    this.sockets.add(socket);
    socket.unref();
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => socket.destroy()); // the asker went away
    const lines = createInterface({ input: socket });
    lines.once('line', (line) => {
      lines.close();
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
  const socket = await withSocketPath(layout, connect);
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
    return isAlive(holder.pid) ? holder : null;
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

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** A socket's path is short; a long one is reached through a descriptor of its directory. */
async function withSocketPath<T>(layout: Layout, use: (path: string) => Promise<T>): Promise<T> {
  const { socket } = layout;
  if (socket.isWellFormed() && Buffer.byteLength(socket) <= MAX_SOCKET_PATH) return use(socket);
  const fd = openSync(toFsPath(layout.hkfs), 'r');
  try {
    return await use(`/proc/self/fd/${fd}/socket`);
  } finally {
    closeSync(fd);
  }
}
