/** A file system that can be made anew on the same device, so that the same inode numbers come again. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { sh } from '../e2e/hkfs.js';

export class Disk {
  readonly path: string;
  private readonly image: string;
  readonly device: string;

  constructor(path: string) {
    this.path = path;
    this.image = `${path}.img`;
    fs.mkdirSync(path, { recursive: true });
    sh(`truncate -s 64M '${this.image}'`);
    this.device = sh(`losetup -f --show '${this.image}'`).trim();
    this.format();
  }

  /**
   * Inode numbers are given in the order of the names, which each file system hashes in its own way, and with
   * blocks of this size all are of one group: the same numbers come again. A mount
   * may live on for a while in the namespace of some other process, which keeps the device in use.
   */
  format(): void {
    sh(
      `for i in $(seq 300); do mkfs.ext4 -q -F -b 4096 ${this.device} 2>/dev/null && break; sleep 0.1; done
       mount ${this.device} '${this.path}'; rmdir '${this.path}/lost+found'`,
    );
  }

  remake(): void {
    sh(`umount '${this.path}'`);
    this.format();
  }

  /** All files out, a new file system, all files back in. */
  restoreFrom(copy: string): void {
    sh(`rm -rf '${copy}'; rsync -aH '${this.path}/' '${copy}/'`);
    this.remake();
    sh(`rsync -aH '${copy}/' '${this.path}/'`);
  }

  /** The same, each inode in an order of its own: numbers are given again, to other files. */
  restoreShuffled(copy: string, seed: number): void {
    sh(`rm -rf '${copy}'; rsync -aH '${this.path}/' '${copy}/'`);
    this.remake();
    sh(`rsync -a -f '+ */' -f '- *' '${copy}/' '${this.path}/'`);
    const byInode = new Map<number, string[]>();
    for (const entry of fs.readdirSync(copy, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const { ino } = fs.lstatSync(path);
      byInode.set(ino, [...(byInode.get(ino) ?? []), path]);
    }
    for (const [from, ...others] of shuffled([...byInode.values()], seed)) {
      const to = this.path + from!.slice(copy.length);
      const { atimeMs, mtimeMs, mode } = fs.lstatSync(from!);
      fs.copyFileSync(from!, to);
      fs.chmodSync(to, mode);
      fs.utimesSync(to, atimeMs / 1000, mtimeMs / 1000);
      for (const other of others) fs.linkSync(to, this.path + other.slice(copy.length));
    }
  }

  gone(): void {
    try {
      execFileSync('umount', ['-l', this.path], { stdio: 'ignore' });
    } catch {
      // Not mounted by now.
    }
    sh(`losetup -d ${this.device}; rm -f '${this.image}'`);
  }
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed >>> 0;
  const keyed = items.map((item) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return { item, key: state };
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
