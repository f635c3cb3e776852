/** Who is at the other end of a local socket. */
import type { Socket } from 'node:net';
import { loadPosix } from '../../fs/posix.js';

/**
 * Whether the user at the other end may ask: the one who holds the archive, or root. Where the kernel cannot be
 * asked (no koffi) the mode of the socket, 0600, has let in nobody else.
 */
export function isOwnPeer(socket: Socket): boolean {
  const fd = descriptorOf(socket);
  const uid = fd === null ? null : (posix()?.peerUid(fd) ?? null);
  return uid === null || uid === 0 || uid === process.geteuid?.();
}

let known: ReturnType<typeof loadPosix> | undefined;

/** Loaded when somebody asks at all. */
function posix(): ReturnType<typeof loadPosix> {
  return (known ??= loadPosix());
}

/** Node tells a socket's descriptor nowhere else. */
function descriptorOf(socket: Socket): number | null {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : null;
  return typeof fd === 'number' && fd >= 0 ? fd : null;
}
