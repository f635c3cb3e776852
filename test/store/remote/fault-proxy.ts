/** A proxy in front of a real S3 server that does to requests and answers what networks and servers do. */
import * as http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

export type Fault =
  /** Answered without the server's knowing: `SlowDown`, `InternalError`. */
  | { readonly kind: 'status'; readonly status: number; readonly code: string }
  /** The server does its work, and the answer is this. */
  | { readonly kind: 'status-after'; readonly status: number; readonly code: string }
  /** The connection ends before the request arrives. */
  | { readonly kind: 'cut' }
  /** The server does its work, and the connection ends before the answer. */
  | { readonly kind: 'cut-after' }
  /** Half of the answer's body, and then the connection ends. */
  | { readonly kind: 'truncate' }
  /** Half of the answer's body, announced as if it were all. */
  | { readonly kind: 'shorten' }
  /** A bit of the answer's body is another. */
  | { readonly kind: 'alter' }
  /** A bit of the request's body is another. */
  | { readonly kind: 'alter-request' };

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  /** Counts from 1. */
  readonly number: number;
}

export class FaultProxy {
  /** What happens to a request; nothing by default. */
  fault: (request: SeenRequest) => Fault | undefined = () => undefined;
  readonly seen: SeenRequest[] = [];
  private readonly target: URL;
  private readonly agent = new http.Agent({ keepAlive: true });
  private readonly sockets = new Set<Socket>();
  private server: http.Server | undefined;
  private port = 0;

  constructor(target: string) {
    this.target = new URL(target);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** On the same port each time. */
  async up(): Promise<void> {
    const server = http.createServer((request, response) => {
      this.answer(request, response).catch(() => request.socket.destroy());
    });
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** As a killed server: connections end, and new ones are refused. */
  async down(): Promise<void> {
    const closed = new Promise<unknown>((resolve) => this.server?.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
    this.server = undefined;
  }

  async close(): Promise<void> {
    if (this.server) await this.down();
    this.agent.destroy();
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const seen = { method: request.method!, url: request.url!, number: this.seen.length + 1 };
    this.seen.push(seen);
    const fault = this.fault(seen);
    const body = await buffer(request);
    if (fault?.kind === 'cut') return void request.socket.destroy();
    if (fault?.kind === 'status') return sendError(response, fault);
    if (fault?.kind === 'alter-request') flipBit(body);
    const upstream = await this.forward(request, body);
    const answer = await buffer(upstream);
    if (fault?.kind === 'cut-after') return void request.socket.destroy();
    if (fault?.kind === 'status-after') return sendError(response, fault);
    if (fault?.kind === 'alter') flipBit(answer);
    const half = answer.subarray(0, Math.floor(answer.length / 2));
    if (fault?.kind === 'shorten') upstream.headers['content-length'] = String(half.length);
    response.writeHead(upstream.statusCode!, upstream.headers);
    if (fault?.kind !== 'truncate' || answer.length === 0)
      return void response.end(fault?.kind === 'shorten' ? half : answer);
    response.write(half, () => request.socket.destroy());
  }

  private forward(request: http.IncomingMessage, body: Buffer): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { method, url, headers } = request;
      const { hostname, port } = this.target;
      const options = { agent: this.agent, hostname, port, method, path: url, headers };
      http.request(options, resolve).on('error', reject).end(body);
    });
  }
}

function sendError(response: http.ServerResponse, { status, code }: { status: number; code: string }): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
}

function flipBit(bytes: Buffer): void {
  if (bytes.length > 0)
    bytes[Math.floor(Math.random() * bytes.length)]! ^= 1 << Math.floor(Math.random() * 8);
}
