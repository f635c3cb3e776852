/** One HTTP request and its whole answer, over connections that stay open. */
import * as http from 'node:http';
import * as https from 'node:https';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { Readable } from 'node:stream';
import { throttled, type Throttle } from './throttle.js';
import type { S3Answer } from './s3-errors.js';

/** How long an answer is waited for (docs/remote-format.md, "Bounds"). */
export interface WaitLimits {
  /** A connection on which nothing moves for so long counts as cut. */
  readonly idleMs: number;
  /** Once a request has gone over, each span of so long has to bring */
  readonly spanMs: number;
  /** so many bytes of the answer: also 32 bodies at once over a slow line are faster. */
  readonly spanBytes: number;
}

export const WAIT_LIMITS: WaitLimits = { idleMs: 30_000, spanMs: 60_000, spanBytes: 1024 };

/** Of an answer that tells of an error: enough for its code. */
const MAX_ERROR_BODY = 1 << 20;
/** Servers say once or twice that they are about to answer. */
const MAX_INTERIM_ANSWERS = 100;

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Opened anew for each try. */
  readonly body?: Uint8Array | (() => Readable);
  readonly signal?: AbortSignal | undefined;
  /** A longer body than that is refused, with the code TOO_LONG. */
  readonly maxBody: number;
  /** While it works the server may send a byte now and then for so many spans: S3 does, to keep a connection. */
  readonly patientSpans?: number | undefined;
  /** Called before bytes of the body go, where there is a limit to their rate. */
  readonly throttle?: Throttle | undefined;
}

export class Transport {
  private readonly base: http.RequestOptions;
  private readonly request: typeof http.request;
  private readonly agent: http.Agent;
  private readonly limits: WaitLimits;
  readonly host: string;

  constructor(
    endpoint: URL,
    options: { connections: number; caBundle?: string | undefined; limits?: WaitLimits | undefined },
  ) {
    this.limits = options.limits ?? WAIT_LIMITS;
    const isSecure = endpoint.protocol === 'https:';
    const settings = { keepAlive: true, maxSockets: options.connections, scheduling: 'lifo' } as const;
    this.agent = isSecure
      ? new https.Agent({ ...settings, ...authorities(options.caBundle) })
      : new http.Agent(settings);
    this.request = isSecure ? https.request : http.request;
    this.host = endpoint.host;
    this.base = {
      agent: this.agent,
      host: endpoint.hostname.replaceAll(/^\[|\]$/g, ''),
      ...(endpoint.port === '' ? {} : { port: endpoint.port }),
    };
  }

  /** @throws the error of the connection, or that the answer ended before its length or is too long */
  send(wanted: HttpRequest): Promise<S3Answer> {
    const { method, path, headers, body, signal } = wanted;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const request = this.request({ ...this.base, method, path, headers });
      const abort = (): void => void request.destroy(signal!.reason as Error);
      signal?.addEventListener('abort', abort, { once: true });
      const watch = watchPace(request, { ...this.limits, patientSpans: wanted.patientSpans ?? 0 });
      const settle = (act: () => void): void => {
        signal?.removeEventListener('abort', abort);
        clearInterval(watch);
        act();
      };
      const fail = (error: Error): void => settle(() => reject(error));
      request.setTimeout(this.limits.idleMs, () => request.destroy(timedOut()));
      request.on('error', fail);
      refuseInterim(request);
      request.on('response', (response) => {
        collect(response, wanted).then(
          (answer) => settle(() => resolve(answer)),
          (error: Error) => {
            request.destroy();
            fail(error);
          },
        );
      });
      sendBody(request, body, wanted);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

export const TOO_LONG = 'TOO_LONG';

const IN_BODY = Symbol('the file that was to be sent failed, not the connection');

export function isOfBody(error: unknown): boolean {
  return typeof error === 'object' && error !== null && IN_BODY in error;
}

function sendBody(
  request: http.ClientRequest,
  body: HttpRequest['body'],
  { throttle, signal }: HttpRequest,
): void {
  if (body === undefined || (throttle === undefined && typeof body !== 'function')) request.end(body);
  else if (throttle === undefined) pipeBody((body as () => Readable)(), request);
  else
    pipeBody(
      Readable.from(throttled(typeof body === 'function' ? body() : [body], throttle, signal)),
      request,
    );
}

function pipeBody(body: Readable, request: http.ClientRequest): void {
  body.on('error', (error) => request.destroy(Object.assign(error, { [IN_BODY]: true })));
  request.on('close', () => body.destroy());
  body.pipe(request);
}

/** An answer may come slowly, but not a byte now and then for ever. */
function watchPace(
  request: http.ClientRequest,
  { spanMs, spanBytes, patientSpans }: WaitLimits & { patientSpans: number },
): NodeJS.Timeout {
  let before: number | null = null;
  let patience = patientSpans;
  return setInterval(() => {
    if (!request.writableFinished) return;
    const read = request.socket?.bytesRead ?? 0;
    const isSlow = before !== null && read - before < spanBytes;
    before = read;
    if (isSlow && patience-- <= 0) request.destroy(timedOut());
  }, spanMs);
}

/** A server that says for ever that it is about to answer never does. */
function refuseInterim(request: http.ClientRequest): void {
  let count = 0;
  const refuse = (): void => {
    if (++count > MAX_INTERIM_ANSWERS) request.destroy(cut());
  };
  request.on('information', refuse);
  request.on('continue', refuse);
}

function collect(
  response: http.IncomingMessage,
  { method, maxBody }: Pick<HttpRequest, 'method' | 'maxBody'>,
): Promise<S3Answer> {
  const { statusCode: status = 0, headers } = response;
  const isError = status >= 300;
  const max = isError ? MAX_ERROR_BODY : maxBody;
  const announced = method === 'HEAD' ? undefined : headers['content-length'];
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const answer = (): void => {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
      resolve({ status, headers, body });
    };
    const refuse = (): void => {
      if (!isError) return reject(tooLong());
      // Its status tells enough.
      response.destroy();
      answer();
    };
    response.on('error', reject);
    if (!isError && Number(announced ?? 0) > max) return refuse();
    response.on('data', (chunk: Buffer) => {
      if (length > max) return;
      chunks.push(chunk);
      length += chunk.length;
      if (length > max) refuse();
    });
    response.on('end', () => {
      const isShort = announced !== undefined && Number(announced) !== length;
      if (!response.complete || isShort) return reject(cut());
      answer();
    });
  });
}

/** What the system trusts, and the authority that was named. */
function authorities(file: string | undefined): { ca?: string[] } {
  return file ? { ca: [...rootCertificates, readFileSync(file, 'utf8')] } : {};
}

function timedOut(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
}

function tooLong(): Error {
  return Object.assign(new Error('the answer is longer than what was asked for'), { code: TOO_LONG });
}

function cut(): Error {
  return Object.assign(new Error('the answer was cut off'), { code: 'ECONNRESET' });
}
