/** One HTTP request and its whole answer, over connections that stay open. */
import * as http from 'node:http';
import * as https from 'node:https';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Readable } from 'node:stream';
import type { S3Answer } from './s3-errors.js';

/** A connection on which nothing moves for so long counts as cut. */
const IDLE_MS = 30_000;
/** More of an answer than was asked for is none. */
const MAX_ANSWER = 256 << 20;

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Opened anew for each try. */
  readonly body?: Uint8Array | (() => Readable);
  readonly signal?: AbortSignal | undefined;
}

export class Transport {
  private readonly base: http.RequestOptions;
  private readonly request: typeof http.request;
  private readonly agent: http.Agent;
  readonly host: string;

  constructor(endpoint: URL, options: { connections: number; caBundle?: string | undefined }) {
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

  /** @throws the error of the connection, or that the answer ended before its length */
  send({ method, path, headers, body, signal }: HttpRequest): Promise<S3Answer> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const request = this.request({ ...this.base, method, path, headers });
      const abort = (): void => void request.destroy(signal!.reason as Error);
      signal?.addEventListener('abort', abort, { once: true });
      const settle = (act: () => void): void => {
        signal?.removeEventListener('abort', abort);
        act();
      };
      const fail = (error: Error): void => settle(() => reject(error));
      request.setTimeout(IDLE_MS, () => request.destroy(timedOut()));
      request.on('error', fail);
      request.on('response', (response) => {
        collect(response, method).then(
          (answer) => settle(() => resolve(answer)),
          (error: Error) => {
            request.destroy();
            fail(error);
          },
        );
      });
      if (typeof body === 'function') pipeBody(body(), request);
      else request.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

const IN_BODY = Symbol('the file that was to be sent failed, not the connection');

export function isOfBody(error: unknown): boolean {
  return typeof error === 'object' && error !== null && IN_BODY in error;
}

function pipeBody(body: Readable, request: http.ClientRequest): void {
  body.on('error', (error) => request.destroy(Object.assign(error, { [IN_BODY]: true })));
  request.on('close', () => body.destroy());
  body.pipe(request);
}

function collect(response: http.IncomingMessage, method: string): Promise<S3Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_ANSWER) reject(new Error('the answer does not end'));
    });
    response.on('error', reject);
    response.on('end', () => {
      const announced = response.headers['content-length'];
      const isShort = method !== 'HEAD' && announced !== undefined && Number(announced) !== length;
      if (!response.complete || isShort) return reject(cut());
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
      resolve({ status: response.statusCode!, headers: response.headers, body });
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

function cut(): Error {
  return Object.assign(new Error('the answer was cut off'), { code: 'ECONNRESET' });
}
