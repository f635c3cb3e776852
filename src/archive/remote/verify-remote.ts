/**
 * The use case: what a remote has against what our log says that it has. Each part that was looked at is an
 * event, so that the next run goes on where this one has stopped.
 */
import { HkfsError } from '../../errors.js';
import type { CopiesVerified, Hash, Position } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import { RemoteCopies } from '../../projections/copies.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import type { DamagedRow, RemoteVerifySummary, VerifyRemoteOptions } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { Operation } from '../operation.js';
import { checkRemoteLog, type LogCheck } from './check-remote-log.js';
import {
  chunksOf,
  groupsByAge,
  listCandidates,
  listedFinding,
  readCandidates,
  type Candidate,
  type ObjectFinding,
} from './check-remote-objects.js';
import { damagedRow } from './damaged-row.js';
import { isRemote } from './format.js';
import { mendFiles, mendObjects, refuseBundle } from './mend-remote.js';
import { openRemoteStore } from './open-remote.js';
import { isPureClone } from './origin.js';
import { publicKey } from './public-key.js';
import { registeredRemote, type RegisteredRemote } from './registered.js';
import { archivesOf, RemoteArchive } from './remote-archive.js';

/** What was read becomes an event after so long: a kill costs no more. */
const EVENT_MS = 10_000;

/** @throws HkfsError REMOTE_NOT_FOUND, REMOTE_FOREIGN, REMOTE_DIVERGED, KEY_MISMATCH and what the kind says */
export async function verifyRemote(
  archive: OpenArchive,
  options: VerifyRemoteOptions,
  clock: () => number,
): Promise<RemoteVerifySummary> {
  const started = clock();
  const registered = await registeredRemote(archive, options.remote);
  const store = await openRemoteStore(registered.url, options);
  try {
    if (options.heal) refuseBundle(store);
    const verification = new RemoteVerification(archive, { options, registered, store, clock, started });
    return await verification.run();
  } finally {
    await store.close();
  }
}

interface Parts {
  readonly options: VerifyRemoteOptions;
  readonly registered: RegisteredRemote;
  readonly store: BlobStore;
  readonly clock: () => number;
  readonly started: number;
}

type Region = Pick<CopiesVerified, 'size' | 'before' | 'after' | 'upTo'>;

const NOWHERE = { before: 0, after: null, upTo: null, size: 0 } as const;

class RemoteVerification {
  private readonly archive: OpenArchive;
  private readonly parts: Parts;
  private readonly remote: RemoteArchive;
  private readonly found = new Map<Hash, ObjectFinding>();
  private operation: Operation | null = null;
  private objects = 0;
  private bytes = 0;
  private remaining = 0;

  constructor(archive: OpenArchive, parts: Parts) {
    this.archive = archive;
    this.parts = parts;
    this.remote = new RemoteArchive(parts.store, archive.file.id);
  }

  async run(): Promise<RemoteVerifySummary> {
    const { quick = false, heal = false, signal } = this.parts.options;
    signal?.addEventListener('abort', () => this.archive.pool.cancel(), { once: true });
    try {
      const { copies, log } = await this.begin(quick);
      const { from, size } = log;
      const candidates = await listCandidates(this.archive, this.parts.store, { copies, from, size });
      await this.takeListing(candidates, size, quick);
      if (!quick) await this.readAll(candidates, size);
      const healed = heal ? await this.heal(log) : { objects: [], files: [] };
      await this.end(log, healed);
      return await this.summary(log, healed);
    } catch (error) {
      await this.operation?.fail(error instanceof Error ? error.message : String(error), this.counts());
      throw error;
    }
  }

  private async begin(quick: boolean): Promise<{ copies: RemoteCopies; log: LogCheck }> {
    const { archive, remote } = this;
    const { name, since } = this.parts.registered;
    const copies = await RemoteCopies.load(archive.views.level, name, { since, at: archive.now });
    await this.refuseEmpty();
    const key = publicKey(archive);
    const log = await checkRemoteLog(archive.log, remote, { key, known: copies.size, quick });
    if (log.size === 0)
      throw new HkfsError('REMOTE_FOREIGN', `${remote.store.url} has no backup of this archive yet`, {
        hint: `make one with \`hkfs backup ${name}\``,
      });
    return { copies, log };
  }

  /** The disk of a remote that is not mounted has not lost everything. */
  private async refuseEmpty(): Promise<void> {
    const { store } = this.parts;
    const hasFormat = await isRemote(store).catch(() => true);
    if (hasFormat || (await archivesOf(store)).length > 0) return;
    throw new HkfsError('REMOTE_FOREIGN', `${store.url} holds nothing of hkfs any more`, {
      hint: 'mount the disk that belongs there; if all was lost, `hkfs backup NAME --mend` begins again',
    });
  }

  /** A listing that tells nothing new is worth an event only where nothing is read. */
  private async takeListing(candidates: readonly Candidate[], size: Position, quick: boolean): Promise<void> {
    let isNews = false;
    for (const candidate of candidates) {
      const finding = listedFinding(candidate);
      if (finding) this.found.set(candidate.hash, finding);
      isNews ||= finding !== null || candidate.wasMissing;
    }
    if (quick) for (const candidate of candidates) this.count(candidate);
    if (!quick && !isNews) return;
    await this.tell([...this.found.values()], {
      ...{ quick: true, size, before: this.archive.log.size, after: null, upTo: null },
      objects: candidates.length,
      bytes: quick ? this.bytes : 0,
    });
  }

  private async readAll(candidates: readonly Candidate[], size: Position): Promise<void> {
    for (const group of groupsByAge(candidates)) {
      if (this.isOver()) this.remaining += group.length;
      else await this.readGroup(group, size);
    }
  }

  /** Of objects that were read at the same time, in the order of their hashes. */
  private async readGroup(group: readonly Candidate[], size: Position): Promise<void> {
    const before = group[0]!.readAt + 1;
    let after: Hash | null = null;
    let done = 0;
    let part: { objects: number; bytes: number; found: ObjectFinding[]; sinceMs: number } = this.newPart();
    for (const chunk of chunksOf(group)) {
      if (this.isOver()) break;
      const found = await this.read(chunk);
      if (found === null) break;
      done += chunk.length;
      part.objects += chunk.length;
      for (const candidate of chunk) part.bytes += candidate.size;
      part.found.push(...found);
      if (this.parts.clock() - part.sinceMs < EVENT_MS && done < group.length) continue;
      const upTo: Hash | null = done === group.length ? null : chunk.at(-1)!.hash;
      await this.tell(part.found, { quick: false, ...part, size, before, after, upTo });
      after = upTo;
      part = this.newPart();
    }
    if (part.objects > 0) {
      const upTo = group[done - 1]!.hash;
      await this.tell(part.found, { quick: false, ...part, size, before, after, upTo });
    }
    this.remaining += group.length - done;
  }

  /** Null where it was stopped in the middle. */
  private async read(chunk: readonly Candidate[]): Promise<ObjectFinding[] | null> {
    try {
      const found = await readCandidates(this.archive, this.parts.store, chunk);
      for (const finding of found) this.found.set(finding.hash, finding);
      for (const candidate of chunk) this.count(candidate);
      this.parts.options.onProgress?.({
        phase: 'verifying',
        files: this.objects,
        bytes: this.bytes,
        totalFiles: null,
        totalBytes: null,
      });
      return found;
    } catch (error) {
      if (this.parts.options.signal?.aborted) return null;
      throw error;
    }
  }

  private async heal(log: LogCheck): Promise<{ objects: Hash[]; files: string[] }> {
    const { signal, onMessage = () => {} } = this.parts.options;
    const findings = [...this.found.values()];
    const objects =
      findings.length === 0
        ? []
        : await mendObjects(this.archive, this.parts.store, { findings, signal, onMessage });
    const files =
      log.findings.length === 0
        ? []
        : await mendFiles(this.archive, this.remote, {
            ...{ findings: log.findings, size: log.size },
            ...{ signal, onMessage },
          });
    const again = new Set(objects);
    if (objects.length > 0)
      await this.tell(
        findings.filter(({ hash }) => again.has(hash)),
        { quick: true, objects: 0, bytes: 0, ...NOWHERE, healed: objects },
      );
    return { objects, files };
  }

  private count({ size, names }: Candidate): void {
    if (names.length === 0) return;
    this.objects += 1;
    this.bytes += size;
  }

  private async tell(
    found: readonly ObjectFinding[],
    {
      healed = [],
      ...rest
    }: Region & { quick: boolean; objects: number; bytes: number; healed?: readonly Hash[] },
  ): Promise<void> {
    if (isPureClone(this.archive)) return;
    const { quick, objects, bytes, size, before, after, upTo } = rest;
    const hashes = (finding: string): Hash[] =>
      found.filter((object) => object.finding === finding).map(({ hash }) => hash);
    const { committer } = await this.started();
    committer.push({
      type: 'copies.verified',
      ...{ remote: this.parts.registered.name, quick, objects, bytes, healed },
      ...{ damaged: hashes('damaged'), missing: hashes('missing'), size, before, after, upTo },
    });
    await committer.flush();
    failpoint('verify-remote.told');
  }

  private async started(): Promise<Operation> {
    const { options, clock } = this.parts;
    this.operation ??= await Operation.start(this.archive, {
      command: 'verify',
      args: describe(options),
      sources: [],
      clock,
      onMessage: options.onMessage ?? (() => {}),
    });
    return this.operation;
  }

  private async end(log: LogCheck, healed: { objects: Hash[]; files: string[] }): Promise<void> {
    const counts = {
      ...this.counts(),
      files: log.findings.length,
      healed: healed.objects.length + healed.files.length,
    };
    if (this.parts.options.signal?.aborted) await this.operation?.fail('interrupted', counts);
    else await this.operation?.complete(counts);
  }

  private counts(): Record<string, number> {
    const { objects, bytes, remaining } = this;
    const number = (finding: string): number =>
      [...this.found.values()].filter((object) => object.finding === finding).length;
    return { objects, bytes, damaged: number('damaged'), missing: number('missing'), remaining };
  }

  private isOver(): boolean {
    const { options, clock, started } = this.parts;
    const { budgetSeconds = Infinity, signal } = options;
    return signal?.aborted === true || clock() >= started + budgetSeconds * 1000;
  }

  private newPart(): { objects: number; bytes: number; found: ObjectFinding[]; sinceMs: number } {
    return { objects: 0, bytes: 0, found: [], sinceMs: this.parts.clock() };
  }

  private async summary(
    log: LogCheck,
    healed: { objects: readonly Hash[]; files: readonly string[] },
  ): Promise<RemoteVerifySummary> {
    const { objects, bytes, remaining } = this;
    const { registered, clock, started } = this.parts;
    const again = new Set<string>([...healed.objects, ...healed.files]);
    const rows = async (finding: string): Promise<DamagedRow[]> => {
      const found = [...this.found.values()].filter((object) => object.finding === finding);
      const sorted = found.sort((a, b) => (a.hash < b.hash ? -1 : 1));
      const made: DamagedRow[] = [];
      for (const { hash, reason } of sorted) {
        const row = await damagedRow(this.archive, hash, reason);
        made.push(again.has(hash) ? { ...row, healedFrom: 'here' } : row);
      }
      return made;
    };
    return {
      ...{ operation: this.operation?.number ?? null, remote: registered.name, url: registered.url },
      ...{ size: log.size, objects, bytes, damaged: await rows('damaged'), missing: await rows('missing') },
      files: log.findings.map(({ name, reason }) => ({ name, reason, healed: again.has(name) })),
      ...{ remaining, seconds: (clock() - started) / 1000 },
    };
  }
}

function describe({ remote, quick, heal, budgetSeconds }: VerifyRemoteOptions): string[] {
  return [
    ...['--remote', remote],
    ...(quick ? ['--quick'] : []),
    ...(heal ? ['--heal'] : []),
    ...(budgetSeconds === undefined ? [] : ['--budget', `${budgetSeconds}s`]),
  ];
}
