/** A file system that can be made anew on the same device, so that the same inode numbers come again. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
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

  gone(): void {
    try {
      execFileSync('umount', ['-l', this.path], { stdio: 'ignore' });
    } catch {
      // Not mounted by now.
    }
    sh(`losetup -d ${this.device}; rm -f '${this.image}'`);
  }
}
