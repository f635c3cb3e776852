/** What has to hold of an archive whose disk lost its power: asked as its owner would, by commands. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Archive } from 'hkfs';
import { hashOfFile } from '../source-tree.js';
import type { Random } from '../random.js';
import { namesAt, type Acknowledged, type Entry, type Recording } from './recording.js';
import { hkfsAfterBoot, type Run } from './after-boot.js';
import { STEPS } from './steps.js';

export interface Cut {
  readonly ns: bigint;
  readonly root: string;
  readonly random: Random;
}

const CLONE = STEPS.findIndex(({ name }) => name === 'clone');
const BACKUPS = STEPS.flatMap(({ logged }, index) => (logged === 'backup' ? [index] : []));
const PULL = STEPS.findIndex(({ name }) => name === 'pull');
const RESTORE = STEPS.findIndex(({ name }) => name === 'restore');

/** @throws what is wrong, in words */
export async function checkCut(recording: Recording, cut: Cut): Promise<void> {
  const { steps } = recording;
  const done = steps.findLast(({ endNs }) => endNs <= cut.ns);
  const next = steps.find(({ byHandNs, endNs }) => byHandNs <= cut.ns && endNs > cut.ns);
  const owner = new Owner(cut);
  try {
    if (done) await owner.findsAcknowledged(done);
    if (next) await owner.goesOn(next);
    else await owner.findsNothingWrong('a');
    await owner.findsOtherPlaces(steps, done);
  } finally {
    owner.leave();
  }
}

class Owner {
  private readonly cut: Cut;
  private readonly scratch = mkdtempSync(join(tmpdir(), 'hkfs-cut-'));
  private readonly run: Run;

  constructor(cut: Cut) {
    this.cut = cut;
    this.run = hkfsAfterBoot(this.scratch);
  }

  leave(): void {
    rmSync(this.scratch, { recursive: true, force: true });
  }

  /** Names and contents as the log had them when the command ended. */
  async findsAcknowledged({ size, names, step }: Acknowledged): Promise<void> {
    same(`the names after ${STEPS[step]!.name}`, await namesAt(this.path('a'), size), names);
  }

  /** The command that the cut met, once more; what it was to do is done then. */
  async goesOn({ step, names, startNs }: Acknowledged): Promise<void> {
    const { name, args, byHand, isHurt } = STEPS[step]!;
    const isUntouched = isHurt !== true && byHand === undefined;
    if (isUntouched && step > 0) await this.findsNothingWrong('a');
    const { status, said } = await this.run([...args(this.cut.root), '--json']);
    const isExpected = [0, 1, 2, 3].includes(status) || (isHurt === true && status === 4);
    if (!isExpected) throw new Error(`${name} again: exit ${status}\n${said}`);
    // An earlier step of the hurt ones found the damage, and nobody has healed it yet.
    if (isHurt === true) await this.run(['heal', '-a', this.path('a')]);
    if (byHand !== undefined || startNs > this.cut.ns)
      await this.run(['sync', '--yes', '-a', this.path('a')]);
    else same(`the names after ${name} again`, await namesAt(this.path('a')), names);
    await this.findsNothingWrong('a');
  }

  /** Whichever of the two comes first finds what the cut left. */
  async findsNothingWrong(archive: string): Promise<void> {
    const checks = [() => this.syncsNothing(archive), () => this.verifies(archive)];
    if (this.cut.random() < 0.5) checks.reverse();
    for (const check of checks) await check();
  }

  async verifies(archive: string): Promise<void> {
    const { summary, replayed } = await opened(this.path(archive), async (open) => ({
      summary: await open.verify({}),
      replayed: await open.replay({ check: true }),
    }));
    same(`the views of ${archive}`, replayed.differences, []);
    const { damaged, missing, views, unlinked, ...row } = summary;
    const untracked = row.untracked.filter(({ path }) => !path.startsWith('.hkfs/objects/'));
    const clean = { damaged: [], missing: [], views: [], unlinked: [], untracked: [] };
    same(`verify of ${archive}`, { damaged, missing, views, unlinked, untracked }, clean);
  }

  async syncsNothing(archive: string): Promise<void> {
    if (archive !== 'a') return;
    const { renamed, added, removed, changed } = await opened(this.path(archive), (open) =>
      open.sync({ yes: true }),
    );
    same('sync', { renamed, added, removed, changed }, { renamed: 0, added: 0, removed: 0, changed: 0 });
  }

  async findsOtherPlaces(steps: readonly Acknowledged[], done: Acknowledged | undefined): Promise<void> {
    const last = done?.step ?? -1;
    const backup = BACKUPS.findLast((index) => index <= last);
    if (backup !== undefined && this.cut.random() < 0.4)
      await this.clones({ ...steps[backup - 1]!, step: backup });
    if (last >= CLONE) {
      const from = last >= PULL ? BACKUPS[1]! : BACKUPS[0]!;
      const { size, names } = steps[from - 1]!;
      same('the names of the clone', await namesAt(this.path('clone'), size), names);
      await this.verifies('clone');
    }
    if (last >= RESTORE) this.findsRestored(steps[RESTORE]!.names);
  }

  /** A backup that was acknowledged is one: another archive can be made of it. */
  private async clones({ step, size, names }: Acknowledged): Promise<void> {
    const { status, said } = await this.run(['clone', this.path('remote'), `${this.scratch}/clone`]);
    if (status !== 0) throw new Error(`clone after ${STEPS[step]!.name}: exit ${status}\n${said}`);
    same('the names of another clone', await namesAt(`${this.scratch}/clone`, size), names);
  }

  private findsRestored(names: readonly Entry[]): void {
    const wrong = names.filter(({ path, kind, hash }) => {
      const file = join(this.path('restored'), path);
      return !existsSync(file) || (kind === 'file' && hash !== null && hashOfFile(file) !== hash);
    });
    same('what was restored', wrong, []);
  }

  private path(name: string): string {
    return join(this.cut.root, name);
  }
}

async function opened<T>(directory: string, act: (archive: Archive) => Promise<T>): Promise<T> {
  const archive = await Archive.open(directory, { mode: 'write' });
  try {
    return await act(archive);
  } finally {
    await archive.close();
  }
}

function same(what: string, found: unknown, wanted: unknown): void {
  const [left, right] = [found, wanted].map((value) => JSON.stringify(value));
  if (left === right) return;
  throw new Error(`${what}: ${difference(found, wanted)}`);
}

/** Of long lists only what is in one of them. */
function difference(found: unknown, wanted: unknown): string {
  if (!Array.isArray(found) || !Array.isArray(wanted)) return JSON.stringify(found).slice(0, 3000);
  const texts = [found, wanted].map((list) => (list as unknown[]).map((item) => JSON.stringify(item)));
  const [here, there] = texts as [string[], string[]];
  const surplus = here.filter((text) => !there.includes(text));
  const lacking = there.filter((text) => !here.includes(text));
  return `lacks ${lacking.join(' ').slice(0, 1500)}; has too much ${surplus.join(' ').slice(0, 1500)}`;
}
