/** hkfs as after the power came back: the machine was started anew, which its boot id tells. */
import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const program = join(import.meta.dirname, '../../../bin/run.js');
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

export interface Answer {
  readonly status: number;
  readonly said: string;
}

export type Run = (args: readonly string[]) => Promise<Answer>;

/**
 * Each call stands for another start of the machine.
 *
 * @param directory for a file of its own
 */
export function hkfsAfterBoot(directory: string): Run {
  const id = join(directory, 'boot-id');
  writeFileSync(id, `${randomUUID()}\n`);
  return async (args) => {
    const script = `mount --bind '${id}' ${BOOT_ID} && exec "$@"`;
    const words = ['-m', 'sh', '-c', script, 'sh', process.execPath, program, ...args];
    const { HKFS_FAILPOINT: _none, HKFS_ARCHIVE: _other, ...env } = process.env;
    const child = spawn('unshare', words, {
      env: { ...env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr, status] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1))),
    ]);
    const said = `${stdout}${stderr}`.slice(0, 3000);
    return { status, said };
  };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
