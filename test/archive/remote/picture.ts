/** All that can be seen of a directory, to compare it with what it was. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';

/** A line for each name below: kind, mode, owner, inode, times, and what it holds. */
export function pictureOf(root: string, without: readonly string[] = []): string[] {
  return ['', ...fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()]
    .filter((path) => !without.some((top) => path === top || path.startsWith(`${top}/`)))
    .map((path) => line(join(root, path), path, without));
}

function line(full: string, path: string, without: readonly string[]): string {
  const stat = fs.lstatSync(full, { bigint: true });
  const { ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs } = stat;
  // What is left out of a directory changes its times.
  const isOpen = stat.isDirectory() && without.some((top) => dirnameOf(top) === path);
  const rest = isOpen ? [] : [nlink, size, mtimeNs, ctimeNs];
  return [path, ino, mode.toString(8), uid, gid, ...rest, contentOf(full, stat)].join(' ');
}

function contentOf(full: string, stat: fs.BigIntStats): string {
  if (stat.isSymbolicLink()) return fs.readlinkSync(full);
  return stat.isFile() ? createHash('sha256').update(fs.readFileSync(full)).digest('hex') : '';
}

function dirnameOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}
