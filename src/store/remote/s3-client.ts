/** Signed requests to one bucket, tried again while there is hope. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { tooLong } from './bounds.js';
import type { S3Remote } from './remote-url.js';
import { checkEndpoint, endpointIn } from './remote-url.js';
import type { S3Access } from './s3-credentials.js';
import {
  codeOf,
  connectionError,
  isTransient,
  isWithoutBucket,
  s3Error,
  type S3Answer,
} from './s3-errors.js';
import { canonicalQuery, EMPTY_BODY_HASH, encodeKey, Signer } from './s3-signature.js';
import { sha256Hex } from './sha256.js';
import { isOfBody, TOO_LONG, Transport, type WaitLimits } from './s3-transport.js';
import type { Throttle } from './throttle.js';

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Below the remote's prefix; the bucket itself when left out. */
  readonly name?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | FileBody;
  readonly signal?: AbortSignal | undefined;
  /** Answers, besides those of success, that the caller knows what to do with. */
  readonly accept?: readonly number[];
  /** The longest body that can be an answer; of what answers nothing but errors, {@link MAX_PLAIN_ANSWER}. */
  readonly maxBody?: number;
  /** The answer is a document of S3's, which may tell of an error behind a status of success. */
  readonly isXml?: boolean;
  readonly patientSpans?: number;
  readonly throttle?: Throttle | undefined;
  /** An answer that came whole and is none yet: tried again. @throws what is wrong with it */
  readonly check?: (answer: S3Answer) => void;
}

/** A body too large for memory: read anew for each try. */
export interface FileBody {
  readonly hash: string;
  readonly size: number;
  readonly open: () => Readable;
}

export interface ClientOptions {
  readonly connections: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long a server that has answered before may be away. */
  readonly patienceMs?: number;
  readonly limits?: WaitLimits | undefined;
  /** Stops whatever is under way and says nothing of a signal of its own. */
  readonly signal?: AbortSignal | undefined;
  /** Told once, when a server keeps somebody waiting. */
  readonly onWaiting?: ((text: string) => void) | undefined;
  readonly tellAfterMs?: number | undefined;
}

/** Answers to what asks for no bytes. */
const MAX_PLAIN_ANSWER = 1 << 20;
/** Who waits for so long hears why. */
const TELL_AFTER_MS = 5_000;

/** A server that comes back from a crash is given so long. */
const PATIENCE_MS = 90_000;
/** Where nobody ever answered, as at a wrong endpoint, only these tries are given, */
const FIRST_TRIES = 4;
/** and where somebody was there and hung up, these. */
const FIRST_CUT_TRIES = 12;
const MAX_TRIES = 50;
/** Of an answer that came whole and is none. */
const CHECKED_TRIES = 5;
/** Of one that is too long: at the second time it is so at the remote. */
const LONG_TRIES = 2;
const BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 5_000;

export interface TriedAnswer extends S3Answer {
  /** An earlier try may have done its work without our hearing of it. */
  readonly wasTriedBefore: boolean;
}

export class S3Client {
  /** The bucket and prefix, for messages. */
  readonly where: string;
  private readonly transport: Transport;
  private readonly signer: Signer;
  private readonly basePath: string;
  private readonly bucketPath: string;
  private readonly prefix: string;
  private readonly patienceMs: number;
  private readonly signal: AbortSignal | undefined;
  private readonly onWaiting: (text: string) => void;
  private readonly tellAfterMs: number;
  private isWaitingTold = false;
  private readonly signals = new WeakSet<AbortSignal>();
  /** When the server last answered as one does. */
  private lastGood = 0;
  requests = 0;

  constructor(remote: S3Remote, access: S3Access, options: ClientOptions) {
    const { bucket, prefix } = remote;
    this.prefix = prefix;
    const endpoint = endpointOf(remote, access.region, options.env);
    const isPathStyle = remote.pathStyle ?? endpoint.isCustom;
    const url = new URL(endpoint.url);
    if (!isPathStyle) url.hostname = `${bucket}.${url.hostname}`;
    const root = url.pathname.replace(/\/$/, '');
    this.bucketPath = isPathStyle ? `${root}/${encodeKey(bucket)}` : root;
    this.basePath = `${this.bucketPath}/${encodeKey(prefix)}`;
    this.where = `${bucket} at ${url.host}`;
    this.signer = new Signer(access.credentials, access.region);
    this.transport = new Transport(url, {
      connections: options.connections,
      caBundle: options.env.AWS_CA_BUNDLE,
      limits: options.limits,
    });
    this.patienceMs = options.patienceMs ?? PATIENCE_MS;
    this.signal = options.signal;
    this.tellAfterMs = options.tellAfterMs ?? TELL_AFTER_MS;
    this.onWaiting = options.onWaiting ?? (() => {});
  }

  /**
   * The answer, of a status below 300 or one that is accepted.
   * @throws HkfsError REMOTE_UNREACHABLE, REMOTE_DENIED, NO_BUCKET, NO_SPACE, BAD_URL; an AbortError
   */
  async send(asked: S3Request): Promise<TriedAnswer> {
    const request = { ...asked, signal: asked.signal ?? this.signal };
    this.expectListeners(request.signal);
    const failure: { error?: Error } = {};
    const timer = setTimeout(() => this.tellWaiting(failure), this.tellAfterMs);
    try {
      return await this.sendUntilAnswered(request, failure);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param failure takes why the last try failed */
  private async sendUntilAnswered(request: S3Request, failure: { error?: Error }): Promise<TriedAnswer> {
    const began = Date.now();
    let wasTriedBefore = false;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.attempt(request);
      if (outcome.answer) return { ...outcome.answer, wasTriedBefore };
      if (attempt >= outcome.tries || !this.hasPatience(began)) throw outcome.error;
      wasTriedBefore = true;
      failure.error = outcome.error;
      if (Date.now() - began >= this.tellAfterMs) this.tellWaiting(failure);
      await sleep(backoff(attempt), undefined, request.signal ? { signal: request.signal } : {});
    }
  }

  /** The whole key of a blob. */
  keyOf(name: string): string {
    return this.prefix + name;
  }

  close(): void {
    this.transport.close();
  }

  private tellWaiting({ error }: { error?: Error }): void {
    if (this.isWaitingTold || error === undefined) return;
    this.isWaitingTold = true;
    this.onWaiting(`${error.message}; trying again for up to ${Math.round(this.patienceMs / 1000)} seconds`);
  }

  /** One signal stops all transfers that are under way, more than the ten at which Node suspects a leak. */
  private expectListeners(signal: AbortSignal | undefined): void {
    if (signal === undefined || this.signals.has(signal)) return;
    this.signals.add(signal);
    setMaxListeners(0, signal);
  }

  private async attempt(request: S3Request): Promise<Outcome> {
    let answer: S3Answer;
    try {
      answer = await this.sendOnce(request);
    } catch (error) {
      if (request.signal?.aborted === true) throw request.signal.reason;
      if (isOfBody(error)) throw error;
      const { name = 'the answer', maxBody = MAX_PLAIN_ANSWER } = request;
      if ((error as { code?: unknown }).code === TOO_LONG)
        return { error: tooLong(`${name} of ${this.where}`, maxBody), tries: LONG_TRIES };
      return { error: connectionError(error, this.where), tries: triesFor(error, this.lastGood > 0) };
    }
    const isError = answer.status >= 300 || (request.isXml === true && codeOf(answer) !== '');
    if (isError && !isExpected(request, answer))
      return { error: s3Error(answer, this.where), tries: isTransient(answer) ? MAX_TRIES : 1 };
    this.lastGood = Date.now();
    this.isWaitingTold = false;
    try {
      request.check?.(answer);
    } catch (error) {
      return { error: error as Error, tries: CHECKED_TRIES };
    }
    return { answer };
  }

  private sendOnce(request: S3Request): Promise<S3Answer> {
    const { method, name, query, headers = {}, body, signal, throttle, patientSpans } = request;
    this.requests += 1;
    const path = name === undefined ? this.bucketPath || '/' : this.basePath + encodeKey(name);
    const signed = this.signer.sign(
      {
        method,
        path,
        headers: { ...headers, host: this.transport.host },
        bodyHash: hashOf(body),
        ...(query ? { query } : {}),
      },
      new Date(),
    );
    if (body !== undefined || method === 'PUT' || method === 'POST')
      signed['content-length'] = String(
        body === undefined ? 0 : body instanceof Uint8Array ? body.length : body.size,
      );
    const target = query === undefined ? path : `${path}?${canonicalQuery(query)}`;
    const bytes = body === undefined || body instanceof Uint8Array ? body : body.open;
    return this.transport.send({
      method,
      path: target,
      headers: signed,
      signal,
      throttle,
      patientSpans,
      maxBody: request.maxBody ?? MAX_PLAIN_ANSWER,
      ...(bytes ? { body: bytes } : {}),
    });
  }

  private hasPatience(began: number): boolean {
    return Date.now() - Math.max(began, this.lastGood) < this.patienceMs;
  }
}

type Outcome =
  | { readonly answer: S3Answer; readonly error?: undefined }
  | { readonly answer?: undefined; readonly error: Error; readonly tries: number };

/** One that the caller knows what to do with; that there is no bucket is never "no such blob". */
function isExpected({ accept = [] }: S3Request, answer: S3Answer): boolean {
  return accept.includes(answer.status) && !isTransient(answer) && !isWithoutBucket(answer);
}

function hashOf(body: S3Request['body']): string {
  if (body === undefined) return EMPTY_BODY_HASH;
  return body instanceof Uint8Array ? sha256Hex(body) : body.hash;
}

const HOPELESS = /CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|^EPROTO$|ERR_INVALID/;
const NOBODY_THERE = /ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|^HPE_/;

function triesFor(error: unknown, hasAnswered: boolean): number {
  const { code = '' } = error as { code?: string };
  if (HOPELESS.test(code)) return 1;
  if (hasAnswered) return MAX_TRIES;
  return NOBODY_THERE.test(code) ? FIRST_TRIES : FIRST_CUT_TRIES;
}

/** Twice as long each time, and a random part of it, so that many do not come back at once. */
function backoff(attempt: number): number {
  return Math.random() * Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** attempt);
}

function endpointOf(
  remote: S3Remote,
  region: string,
  env: ClientOptions['env'],
): { url: string; isCustom: boolean } {
  const custom = remote.endpoint ?? endpointIn(env);
  if (custom) return { url: checkEndpoint(custom), isCustom: true };
  return { url: `https://s3.${region}.amazonaws.com`, isCustom: false };
}
