/**
 * One process holds an archive. While it does, it answers the queries of others over a local socket,
 * and says who it is in `holder.json`. Rows cross the socket as lines of JSON, one request a
 * connection, so that back-pressure is the socket's own. Whatever comes in is judged before it is used
 * (`holder/queries.ts`), and nothing that comes in ends the process that holds the archive.
 */
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHkfsError, type ErrorCode } from '../errors.js';
import { toFsPath } from '../fs/names.js';
import type { ArchiveReader } from './api.js';
import { writeHolder, type Holder } from './holder/holder-file.js';
import { isOwnPeer } from './holder/peer.js';
import { QUERIES, readRequest, type Request } from './holder/queries.js';
import { QuestionRoom, readQuestion } from './holder/question.js';
import type { Layout } from './layout.js';
import { listenPrivately, type SocketPlace } from './socket-path.js';

export type Reply =
  | { readonly row: unknown }
  | { readonly end: true }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | null } }
  | { readonly bug: string };

/** A holder that is done ends its open answers first: for so long, unless the asker takes nothing of them. */
const FINISH_MS = 30_000;
const STALLED_MS = 10_000;
const TICK_MS = 10;
/** A pager may stand for a while; an answer of which nothing is taken for so long is given up. */
const UNTAKEN_MS = 3_600_000;
/** One more, and who asked nothing yet has to go. */
const MAX_CONNECTIONS = 128;

/** Says who holds the archive and answers queries until it is closed. */
export class HolderService {
  private readonly layout: Layout;
  private readonly server: Server;
  private readonly room = new QuestionRoom();
  /** In the order in which they came. */
  private readonly sockets = new Set<Socket>();
  private readonly answering = new Set<Socket>();

  private constructor(layout: Layout, server: Server) {
    this.layout = layout;
    this.server = server;
  }

  static async start(layout: Layout, holder: Holder, reader: ArchiveReader): Promise<HolderService> {
    rmSync(toFsPath(layout.socket), { force: true });
    writeHolder(layout, holder);
    const server = createServer();
    const service = new HolderService(layout, server);
    server.on('connection', (socket) => {
      void service.serve(socket, reader).catch(() => socket.destroy());
    });
    await listenPrivately(server, placeOf(layout));
    // Somebody could not be let in (no descriptor is left, say), who asks again: no reason to end.
    server.on('error', () => {});
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

  private async serve(socket: Socket, reader: ArchiveReader): Promise<void> {
    this.sockets.add(socket);
    socket.unref();
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.answering.delete(socket);
    });
    socket.on('error', () => socket.destroy()); // the asker went away
    if (!this.hasRoom() || !isOwnPeer(socket)) return void socket.destroy();
    const question = readQuestion(socket, this.room);
    const isAsked = await question.then((line) => line !== null).catch(() => true);
    if (!isAsked) return void socket.destroy();
    this.answering.add(socket);
    // The kernel has all of it then, and hands it out whatever becomes of this process.
    socket.once('finish', () => this.answering.delete(socket));
    // What comes behind the question is not listened to, but the end of the connection is.
    socket.once('data', () => socket.destroy()).resume();
    await answer(socket, reader, question);
  }

  /** Who stands there and asks nothing keeps nobody out. */
  private hasRoom(): boolean {
    if (this.sockets.size <= MAX_CONNECTIONS) return true;
    const idle = [...this.sockets].find((socket) => !this.answering.has(socket) && !socket.destroyed);
    idle?.destroy();
    return this.answering.size < MAX_CONNECTIONS;
  }
}

/** @param question rejects where it was refused already */
async function answer(
  socket: Socket,
  reader: ArchiveReader,
  question: Promise<string | null>,
): Promise<void> {
  const send = async (reply: Reply): Promise<void> => {
    if (socket.destroyed || socket.write(`${JSON.stringify(reply)}\n`)) return;
    await untilTaken(socket);
  };
  try {
    const request = readRequest((await question) ?? '');
    for await (const row of callReader(reader, request)) {
      if (socket.destroyed) return;
      await send({ row });
    }
    await send({ end: true });
  } catch (error) {
    await send(toWire(error));
  }
  socket.end();
}

async function untilTaken(socket: Socket): Promise<void> {
  const timer = setTimeout(() => socket.destroy(), UNTAKEN_MS).unref();
  await new Promise<void>((resolve) => {
    const go = (): void => {
      socket.off('drain', go).off('close', go);
      resolve();
    };
    socket.on('drain', go).on('close', go);
  });
  clearTimeout(timer);
}

/** A query by its name: its rows, or its one answer. */
export async function* callReader(reader: ArchiveReader, { method, args }: Request): AsyncGenerator {
  const call = reader[method] as (...args: unknown[]) => AsyncIterable<unknown> | Promise<unknown>;
  const result = call.apply(reader, [...args]);
  if (QUERIES[method].gives === 'rows') yield* result as AsyncIterable<unknown>;
  else yield await (result as Promise<unknown>);
}

function toWire(error: unknown): Reply {
  if (!isHkfsError(error)) return { bug: (error as Error).stack ?? String(error) };
  const { code, message, hint = null } = error;
  return { error: { code, message, hint } };
}

export function placeOf({ hkfs }: Layout): SocketPlace {
  return { directory: hkfs, name: 'socket' };
}
