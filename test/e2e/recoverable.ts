/** An archive with a history, a remote and a bundle, of which copies are damaged. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { hkfs, sh, type Run } from './hkfs.js';

interface Head {
  readonly size: number;
  readonly root: string;
}

export interface Facts {
  readonly head: Head;
  readonly ops: string;
  readonly log: string;
  readonly restored: string;
}

export class Recoverable {
  readonly path: string;
  readonly root: string;
  readonly remote: string;
  readonly bundle: string;
  backedUp: Head = { size: 0, root: '' };
  bundled: Head = { size: 0, root: '' };
  size = 0;

  constructor(path: string, from?: Recoverable) {
    this.path = path;
    this.root = join(path, 'archive');
    this.remote = from?.remote ?? join(path, 'remote');
    this.bundle = from?.bundle ?? join(path, 'all.hkfsbundle');
  }

  copy(): Recoverable {
    const copy = new Recoverable(fs.mkdtempSync(join(tmpdir(), 'hkfs-recover-')), this);
    sh(`cp -a '${this.root}' '${copy.root}'`);
    return copy;
  }

  run(...args: string[]): Run {
    return hkfs([...args, '-a', this.root], { cwd: this.path });
  }

  runWith(env: Record<string, string>, ...args: string[]): Run {
    return hkfs([...args, '-a', this.root], { cwd: this.path, env });
  }

  done(...args: string[]): string {
    const run = this.run(...args);
    expect({ args, status: run.status, stderr: run.stderr }).toMatchObject({ status: 0 });
    return run.stdout;
  }

  head(): Head {
    return JSON.parse(this.done('head', '--json')) as Head;
  }

  /** What is to be the same after a recovery. */
  facts(at?: string): Facts {
    const to = fs.mkdtempSync(join(this.path, 'restored-'));
    const moment = at === undefined ? [] : ['--at', at];
    this.done('restore', '/', '--to', to, '--progress', 'none', ...moment);
    const restored = sh(
      `cd '${to}' && find . -printf '%P %y %m %s %T@ %l\\n' | grep -v '^ d' | sort; find . -type f -exec sha256sum {} + | sort`,
    );
    const last = at === undefined ? Infinity : Number(at.slice(1));
    const rows = (text: string, of: (row: { position: number }) => boolean): string =>
      text
        .split('\n')
        .filter((line) => line !== '' && of(JSON.parse(line) as { position: number }))
        .join('\n');
    return {
      head: at === undefined ? this.head() : { size: last + 1, root: '' },
      ops: at === undefined ? this.done('ops', '--json') : '',
      log: rows(this.done('log', '--json'), ({ position }) => position <= last),
      restored,
    };
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}

/** Some hundred files, so that tables have several blocks; renames, removals, links, a fifo. */
export function makeRecoverable(files = 300): Recoverable {
  const box = new Recoverable(fs.mkdtempSync(join(tmpdir(), 'hkfs-recover-')));
  const source = join(box.path, 'source');
  for (let at = 0; at < files; at += 1) {
    const folder = join(source, `d${at % 7}`);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(join(folder, `f${at}`), `content ${at % 250}\n`, { mode: at % 3 ? 0o644 : 0o600 });
  }
  sh(`cd '${source}' && ln -s d1/f1 link && touch empty && mkfifo pipe`);
  hkfs(['init', box.root]);
  box.done('ingest', source, '--progress', 'none');
  box.done('mv', '/source/d1', '/source/e1');
  box.done('rm', '/source/d6/f55', '--yes');
  box.done('tag', 'then');
  box.done('remote', 'add', 'r', box.remote);
  box.done('backup', 'r', '--progress', 'none');
  box.backedUp = newestCheckpoint(box.remote);
  box.bundled = box.head();
  box.done('bundle', 'create', box.bundle, '--progress', 'none');
  box.size = box.head().size;
  return box;
}

function newestCheckpoint(remote: string): Head {
  const folder = sh(`ls -d '${remote}'/archives/*/checkpoint`).trim();
  return { size: Number(fs.readdirSync(folder).sort().at(-1)), root: '' };
}

const known = new Map<string, Facts>();

/** The copy answers as its original does, and is sound. */
export function isRecoverable(copy: Recoverable, original: Recoverable, { at }: { at?: string } = {}): void {
  const key = at ?? '';
  if (!known.has(key)) known.set(key, original.facts(at));
  expect(copy.facts(at)).toEqual(known.get(key));
  const replayed = copy.run('replay', '--check');
  expect({ status: replayed.status, stdout: replayed.stdout }).toMatchObject({ status: 0 });
  const verified = copy.run('verify', '--json', '--progress', 'none');
  expect({ status: verified.status, stdout: verified.stdout }).toMatchObject({ status: 0 });
  expect(fs.readdirSync(join(copy.root, '.hkfs'))).not.toContain('recover');
}
