/** A few worker threads that do file-system tasks with synchronous calls (docs/design.md, "Speed"). */
import { closeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { heldRoots, openRoot, useRoots, type HeldRoot, type RootOptions } from './held-directories.js';
import type { Posix } from './posix.js';
import type { Task, TaskResults } from './tasks.js';

/** Tasks a worker has at hand at once: one under way, one waiting, so that it never idles. */
const DEPTH = 2;
const MAX_WORKERS = 8;
/** A thread's tasks leave nothing behind: with more room its garbage would only lie longer. */
const YOUNG_GENERATION_MIB = 6;

export interface WorkerRequest {
  readonly id: number;
  readonly task: Task;
}

/** What the threads are to hold from their next task on. */
export interface WorkerRoots {
  readonly roots: readonly HeldRoot[];
}

export interface HoldOptions extends RootOptions {
  /** What is below and not reached through the held directory. */
  readonly except?: string;
  readonly posix: Posix | null;
}

export type WorkerReply =
  | { readonly ready: true }
  | { readonly id: number; readonly value: TaskResults[keyof TaskResults] }
  | { readonly id: number; readonly error: TaskError }
  | { readonly progress: number };

export interface TaskError {
  readonly message: string;
  readonly code?: string | undefined;
  readonly stack?: string | undefined;
  /** The archive's own file system failed, not a source. */
  readonly inStaging: boolean;
}

interface Pending {
  readonly request: WorkerRequest;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly running: Map<number, Pending>;
  readonly ready: Promise<void>;
}

export class WorkerPool {
  private readonly threads: Thread[] = [];
  private readonly queue: Pending[] = [];
  private readonly cancelled = new Int32Array(new SharedArrayBuffer(4));
  private roots: readonly HeldRoot[] = [];
  private posix: Posix | null = null;
  /** Descriptors that no further task uses; one under way may. */
  private readonly released: number[] = [];
  private nextId = 1;
  private isClosed = false;
  private failure: Error | null = null;
  /** Called with bytes of a large file as they are read. */
  onBytes: (bytes: number) => void = () => {};

  /** @param size threads; by default one for each core, at most 8 */
  constructor(size = Math.min(availableParallelism(), MAX_WORKERS)) {
    for (let i = 0; i < size; i += 1) this.threads.push(this.start());
  }

  get size(): number {
    return this.threads.length;
  }

  run<T extends Task>(task: T): Promise<TaskResults[T['task']]> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) return reject(closed());
      if (this.failure !== null) return reject(this.failure);
      const request = { id: this.nextId++, task };
      this.queue.push({ request, resolve, reject });
      this.dispatch();
    });
  }

  /**
   * From here on every thread, this one too, reaches the directory and what is below it through a descriptor:
   * see held-directories. Null where nothing can be held. Errors of open pass through.
   */
  hold(path: string, { except, posix, ...options }: HoldOptions): HeldRoot | null {
    const opened = openRoot(path, options);
    if (opened === null) return null;
    const root = { ...opened, except: except ?? null };
    this.use([...this.roots, root]);
    this.posix = posix;
    useRoots([...heldRoots(), root], posix, false);
    return root;
  }

  release(root: HeldRoot | null): void {
    if (root === null || !this.roots.includes(root)) return;
    this.use(this.roots.filter((other) => other !== root));
    this.forget([root]);
    this.closeReleased();
  }

  /** Its threads reach what the other holds in the same way; the other holds it for as long. */
  borrow(other: WorkerPool): void {
    this.tell(other.roots);
  }

  private use(roots: readonly HeldRoot[]): void {
    this.roots = roots;
    this.tell(roots);
  }

  private tell(roots: readonly HeldRoot[]): void {
    for (const { worker } of this.threads) worker.postMessage({ roots } satisfies WorkerRoots);
  }

  private forget(gone: readonly HeldRoot[]): void {
    useRoots(
      heldRoots().filter((root) => !gone.includes(root)),
      this.posix,
      false,
    );
    this.released.push(...gone.map(({ fd }) => fd));
  }

  /** A number that was given back may be another file's at once. */
  private closeReleased(): void {
    if (this.queue.length > 0 || this.threads.some(({ running }) => running.size > 0)) return;
    for (const fd of this.released.splice(0)) closeSync(fd);
  }

  /** Makes reads of large files stop at their next block; their tasks fail with code ECANCELED. */
  cancel(): void {
    Atomics.store(this.cancelled, 0, 1);
  }

  /**
   * Waits for the threads to be ready first: ending one while it loads koffi aborts the process. What was
   * still asked for fails with code ECANCELED: nobody waits for the answer of a thread that is gone.
   */
  async close(): Promise<void> {
    this.isClosed = true;
    // An idle thread does not keep the process alive: it would exit here, with the thread half way.
    for (const { worker } of this.threads) worker.ref();
    await Promise.allSettled(this.threads.map((thread) => thread.ready));
    await Promise.allSettled(this.threads.map((thread) => thread.worker.terminate()));
    this.fail(closed());
    this.forget(this.roots);
    this.roots = [];
    this.closeReleased();
  }

  private start(): Thread {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: this.cancelled,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    const running = new Map<number, Pending>();
    let markReady = (): void => {};
    const ready = new Promise<void>((resolve) => (markReady = resolve));
    const thread: Thread = { worker, running, ready };
    worker.on('message', (reply: WorkerReply) => {
      if ('ready' in reply) markReady();
      else if ('progress' in reply) this.onBytes(reply.progress);
      else this.settle(thread, reply);
    });
    worker.on('error', (error: Error) => {
      markReady();
      this.fail(error);
    });
    worker.on('exit', () => {
      markReady();
      if (!this.isClosed) this.fail(new Error('a worker thread ended by itself'));
    });
    worker.unref();
    return thread;
  }

  private settle(thread: Thread, reply: Extract<WorkerReply, { id: number }>): void {
    const pending = thread.running.get(reply.id);
    thread.running.delete(reply.id);
    // While the threads are being ended, they are all that keeps the process.
    if (thread.running.size === 0 && !this.isClosed) thread.worker.unref();
    this.dispatch();
    if (this.released.length > 0) this.closeReleased();
    if (pending === undefined) return;
    if ('error' in reply) pending.reject(Object.assign(new Error(reply.error.message), reply.error));
    else pending.resolve(reply.value as never);
  }

  /** A thread that is gone answers nothing more: whoever waits is told, and whoever asks from now on. */
  private fail(error: Error): void {
    this.failure ??= error;
    const running = this.threads.flatMap((thread) => [...thread.running.values()]);
    for (const thread of this.threads) thread.running.clear();
    for (const { reject } of [...running, ...this.queue.splice(0)]) reject(this.failure);
  }

  private dispatch(): void {
    while (this.queue.length > 0 && !this.isClosed) {
      const idlest = this.threads.reduce((a, b) => (b.running.size < a.running.size ? b : a));
      if (idlest.running.size >= DEPTH) return;
      const pending = this.queue.shift()!;
      idlest.worker.ref();
      idlest.running.set(pending.request.id, pending);
      idlest.worker.postMessage(pending.request);
    }
  }
}

function closed(): Error {
  return Object.assign(new Error('the threads were ended'), { code: 'ECANCELED' });
}
