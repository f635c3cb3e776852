/** A socket's path is short; a long one is reached through a descriptor of its directory. */
import { closeSync, openSync } from 'node:fs';
import { createConnection, type Server, type Socket } from 'node:net';
import { toFsPath } from '../fs/names.js';

/** Longest path of a Unix socket, in bytes, on Linux (sun_path without its NUL). */
const MAX_SOCKET_PATH = 107;

export interface SocketPlace {
  readonly directory: string;
  readonly name: string;
}

/** @throws the errno of binding, EADDRINUSE where the name is taken */
export function listenAt(server: Server, place: SocketPlace): Promise<void> {
  return withSocketPath(
    place,
    (path) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => {
          server.off('error', reject);
          resolve();
        });
      }),
  );
}

/** @throws the errno of connecting */
export function connectTo(place: SocketPlace): Promise<Socket> {
  return withSocketPath(
    place,
    (path) =>
      new Promise((resolve, reject) => {
        const socket = createConnection(path);
        socket.once('error', reject);
        socket.once('connect', () => {
          socket.off('error', reject);
          resolve(socket);
        });
      }),
  );
}

async function withSocketPath<T>(
  { directory, name }: SocketPlace,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = `${directory}/${name}`;
  if (path.isWellFormed() && Buffer.byteLength(path) <= MAX_SOCKET_PATH) return use(path);
  const fd = openSync(toFsPath(directory), 'r');
  try {
    return await use(`/proc/self/fd/${fd}/${name}`);
  } finally {
    closeSync(fd);
  }
}
