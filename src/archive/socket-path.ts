/** A socket's path is short; a long one is reached through a descriptor of its directory. */
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { createConnection, type Server, type Socket } from 'node:net';
import { toFsPath } from '../fs/names.js';

/** Longest path of a Unix socket, in bytes, on Linux (sun_path without its NUL). */
const MAX_SOCKET_PATH = 107;
/** Who connects needs the right to write. */
const PRIVATE = 0o600;

export interface SocketPlace {
  readonly directory: string;
  readonly name: string;
}

/**
 * Bound in a folder that nobody else may enter, and moved to its place once its mode is right: so nobody else can
 * connect at any moment. The umask will not do: it is that of all threads, which make files meanwhile.
 * What has the name is replaced. @throws the errno of making the folder, of binding, of renaming
 */
export async function listenPrivately(server: Server, place: SocketPlace): Promise<void> {
  const path = `${place.directory}/${place.name}`;
  const folder = `${path}.new`;
  rmSync(toFsPath(folder), { recursive: true, force: true });
  mkdirSync(toFsPath(folder), 0o700);
  try {
    await listenAt(server, { directory: folder, name: place.name });
    renameSync(toFsPath(`${folder}/${place.name}`), toFsPath(path));
  } finally {
    rmSync(toFsPath(folder), { recursive: true, force: true });
  }
}

/** For this user alone, but for the moment before its mode is set. @throws the errno of binding, EADDRINUSE where the name is taken */
export async function listenAt(server: Server, place: SocketPlace): Promise<void> {
  const { path, release } = reach(place);
  // Closing removes the name again by the path that it was bound with, so that has to mean the same until then.
  server.once('close', release);
  try {
    await bind(server, path);
  } catch (error) {
    server.off('close', release);
    release();
    throw error;
  }
  chmodSync(toFsPath(`${place.directory}/${place.name}`), PRIVATE);
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** @throws the errno of connecting */
export async function connectTo(place: SocketPlace): Promise<Socket> {
  const { path, release } = reach(place);
  try {
    return await connect(path);
  } finally {
    release();
  }
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

/** A path that fits, good until it is released. */
function reach({ directory, name }: SocketPlace): { path: string; release: () => void } {
  const path = `${directory}/${name}`;
  if (path.isWellFormed() && Buffer.byteLength(path) <= MAX_SOCKET_PATH) return { path, release: () => {} };
  const fd = openSync(toFsPath(directory), 'r');
  return { path: `/proc/self/fd/${fd}/${name}`, release: () => closeSync(fd) };
}
