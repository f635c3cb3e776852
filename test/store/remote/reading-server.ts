/** The little of S3 that reads: a directory remote behind HTTP, which can stop answering for contents. */
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export class ReadingServer {
  /** Contents that are answered; what is asked after them waits for ever. */
  answers = Infinity;
  /** Names of the contents that were asked for. */
  readonly asked: string[] = [];
  private readonly root: string;
  private readonly server = http.createServer((request, response) => this.answer(request, response));

  constructor(root: string) {
    this.root = root;
  }

  async up(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  get url(): string {
    const endpoint = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return `s3://bucket?endpoint=${endpoint}&pathStyle=true`;
  }

  private answer({ method, url }: http.IncomingMessage, response: http.ServerResponse): void {
    const { pathname, searchParams } = new URL(url!, 'http://localhost');
    const name = decodeURIComponent(pathname).replace(/^\/bucket\/?/, '');
    if (name === '') return void response.end(this.list(searchParams));
    if (method === 'GET' && name.startsWith('objects/')) {
      this.asked.push(name);
      if (this.asked.length > this.answers) return;
    }
    const file = join(this.root, name);
    if (!fs.existsSync(file)) return void response.writeHead(404).end('<Code>NoSuchKey</Code>');
    const bytes = fs.readFileSync(file);
    response.writeHead(200, { 'content-length': bytes.length });
    response.end(method === 'HEAD' ? undefined : bytes);
  }

  private list(query: URLSearchParams): string {
    const after = query.get('start-after') ?? '';
    const names = fs
      .readdirSync(this.root, { recursive: true, encoding: 'utf8' })
      .filter((name) => fs.statSync(join(this.root, name)).isFile())
      .filter((name) => name.startsWith(query.get('prefix') ?? '') && name > after)
      .sort();
    const rows = names.map((name) => {
      const { size } = fs.statSync(join(this.root, name));
      return `<Contents><Key>${encodeURIComponent(name)}</Key><Size>${size}</Size></Contents>`;
    });
    return `<ListBucketResult><IsTruncated>false</IsTruncated>${rows.join('')}</ListBucketResult>`;
  }
}
