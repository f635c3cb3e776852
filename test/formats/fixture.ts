/** What an earlier hkfs left behind for each format, and what it said about it: see test/fixtures/formats/generate.mjs. */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from '@jest/globals';
import type { EntryRow, LogRow, OperationRow, TagRow } from '../../src/archive/api.js';
import type { Head } from '../../src/events/types.js';
import { hashBytes, hashToHex } from '../../src/fs/hash.js';
import { toFsPath } from '../../src/fs/names.js';
import { hkfs, parseRows } from '../e2e/hkfs.js';

const directory = join(import.meta.dirname, '../fixtures/formats');

/** The numbers of the formats that ever were. */
export const formats = readdirSync(directory).filter((name) => /^\d+$/.test(name));

export type Packed = 'archive' | 'clone' | 'catalogue' | 'remote' | 'compressed' | 'bundles';

export class Fixture {
  readonly path: string;
  readonly heads: Readonly<Record<'archive' | 'remote' | 'clone', Head>>;

  constructor(format: string) {
    this.path = join(directory, format);
    this.heads = this.json('heads.json') as Fixture['heads'];
  }

  file(name: string): string {
    return join(this.path, name);
  }

  json(name: string): unknown {
    return JSON.parse(readFileSync(this.file(name), 'utf8'));
  }

  operations(): OperationRow[] {
    return this.json('operations.json') as OperationRow[];
  }

  log(): LogRow[] {
    return this.json('log.json') as LogRow[];
  }

  tags(): TagRow[] {
    return this.json('tags.json') as TagRow[];
  }

  /** All entries at each moment that was asked for then. */
  listings(): [moment: string, rows: EntryRow[]][] {
    const { entries, moments } = this.json('listings.json') as {
      entries: EntryRow[];
      moments: [string, number[]][];
    };
    return moments.map(([moment, numbers]) => [moment, numbers.map((number) => entries[number]!)]);
  }

  /** All entries just after the last operation up to a size of the log. */
  entriesAt({ size }: Head): EntryRow[] {
    const { operation } = this.operations().findLast(({ last }) => last < size)!;
    return this.listings().find(([moment]) => moment === `op:${operation}`)![1];
  }

  has(name: Packed): boolean {
    return existsSync(this.file(`${name}.tar.gz`));
  }

  /** @returns where it is, in a directory of its own below `scratch` */
  unpack(name: Packed, scratch: string): string {
    const into = mkdtempSync(join(scratch, `${name}-`));
    execFileSync('tar', ['--warning=no-timestamp', '-xpzf', this.file(`${name}.tar.gz`), '-C', into]);
    return name === 'bundles' ? into : join(into, name);
  }
}

/** `hkfs ARGS` on an archive that was unpacked, or made from what was; it has to leave with `status`. */
export function run(archive: string, args: readonly string[], status = 0): string {
  const { stdout, stderr, ...left } = hkfs(args, { env: { HKFS_ARCHIVE: archive } });
  expect({ args, status: left.status, stderr: left.status === status ? '' : stderr }).toEqual({
    ...{ args, status, stderr: '' },
  });
  return stdout;
}

export function rows<T>(archive: string, ...args: readonly string[]): T[] {
  return parseRows<T>(run(archive, [...args, '--json']));
}

/** Of each row what was recorded is the same; a later version may say more. */
export function expectRows(found: readonly object[], recorded: readonly object[]): void {
  expect(found).toHaveLength(recorded.length);
  expect(found).toMatchObject(recorded as object[]);
}

/** Contents, links and log are right, whatever became of the inodes. */
export function expectSound(archive: string): void {
  const [summary] = rows<object>(archive, 'verify');
  expect(summary).toMatchObject({
    damaged: [],
    missing: [],
    unlinked: [],
    untracked: [],
    views: [],
    remaining: 0,
  });
  expect(rows(archive, 'replay', '--check')).toMatchObject([{ equal: true, differences: [] }]);
}

export function headOf(archive: string): Head {
  return rows<Head>(archive, 'head')[0]!;
}

/** As where the views are made anew by the version that is tested. */
export function dropCaches(archive: string): string {
  for (const name of ['views', 'outside', 'remotes'])
    rmSync(join(archive, '.hkfs', name), { recursive: true, force: true });
  return archive;
}

/** Each entry is there, with the bytes and, but for symlinks, the mode and the time that were recorded. */
export function expectRestored(to: string, entries: readonly EntryRow[]): void {
  const found = entries.map(({ path, kind, hash }) => {
    const place = toFsPath(`${to}/${path}`);
    const { mode, mtimeNs, size } = lstatSync(place, { bigint: true });
    const bytes = kind === 'file' && hash !== null ? hashToHex(hashBytes(readFileSync(place))) : null;
    const target = kind === 'symlink' ? readlinkSync(place, 'buffer').toString('latin1') : null;
    return {
      path,
      hash: bytes,
      target,
      size: kind === 'file' ? Number(size) : null,
      ...stamps(kind, mode, mtimeNs),
    };
  });
  expect(found).toEqual(
    entries.map(({ path, kind, hash, target, size, mode, mtimeNs }) => ({
      ...{ path, hash, target: target === null ? null : Buffer.from(toFsPath(target)).toString('latin1') },
      ...{ size: kind === 'file' ? size : null, ...stamps(kind, BigInt(mode), BigInt(mtimeNs)) },
    })),
  );
}

function stamps(kind: string, mode: bigint, mtimeNs: bigint): { mode: string; mtimeNs: string } | null {
  return kind === 'symlink' ? null : { mode: (mode & 0o7777n).toString(8), mtimeNs: mtimeNs.toString() };
}
