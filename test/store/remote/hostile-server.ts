/** The little of S3 that hkfs uses, kept in memory, which answers honestly until a test has it do otherwise. */
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Asked {
  readonly method: string;
  /** The key of a blob; empty for the bucket itself. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
}

/** @returns whether it has answered, or never will */
export type Trick = (asked: Asked, response: http.ServerResponse) => boolean;

export class HostileServer {
  readonly blobs = new Map<string, Buffer>();
  /** What this does not answer is answered honestly. */
  trick: Trick = () => false;
  asked = 0;
  private port = 0;
  private server: http.Server | undefined;

  /** On the same port each time. */
  async up(): Promise<void> {
    const server = http.createServer((request, response) => {
      response.on('error', () => {});
      this.answer(request, response).catch(() => request.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  down(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  get url(): string {
    return `s3://bucket/?endpoint=http://127.0.0.1:${this.port}&pathStyle=true`;
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.asked += 1;
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
    const key = decodeURIComponent(pathname).replace(/^\/bucket\/?/, '');
    const { method = 'GET', headers } = request;
    const body = await buffer(request);
    if (this.trick({ method, key, query: searchParams, headers }, response)) return;
    if (key === '') return void response.end(listing([...this.blobs], searchParams));
    if (method === 'PUT') return this.put(key, body, response);
    const blob = this.blobs.get(key);
    if (method === 'DELETE') this.blobs.delete(key);
    if (blob === undefined) return void response.writeHead(404).end(errorOf('NoSuchKey'));
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
    if (from === undefined) return void response.writeHead(200, { 'content-length': blob.length }).end(blob);
    const part = blob.subarray(Number(from), to === '' ? undefined : Number(to) + 1);
    if (part.length === 0) return void response.writeHead(416).end(errorOf('InvalidRange'));
    const range = `bytes ${from}-${Number(from) + part.length - 1}/${blob.length}`;
    response.writeHead(206, { 'content-length': part.length, 'content-range': range }).end(part);
  }

  private put(key: string, body: Buffer, response: http.ServerResponse): void {
    if (this.blobs.has(key)) return void response.writeHead(412).end(errorOf('PreconditionFailed'));
    this.blobs.set(key, body);
    response.writeHead(200, { etag: '"none"' }).end();
  }
}

export function errorOf(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`;
}

export function page(inside: string, next?: string): string {
  const more =
    next === undefined
      ? '<IsTruncated>false</IsTruncated>'
      : `<IsTruncated>true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>`;
  return `<?xml version="1.0"?><ListBucketResult>${more}${inside}</ListBucketResult>`;
}

export function keyed(key: string, size: number | string = 1): string {
  return `<Contents><Key>${key}</Key><Size>${size}</Size></Contents>`;
}

function listing(blobs: readonly [string, Buffer][], query: URLSearchParams): string {
  const [prefix, after] = [query.get('prefix') ?? '', query.get('start-after') ?? ''];
  const wanted = blobs.filter(([key]) => key.startsWith(prefix) && key > after);
  return page(
    wanted
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { length }]) => keyed(key, length))
      .join(''),
  );
}
