// A plain web server over one folder, with ranges as most have them, or without. It wants a signature where it is told to.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface FileServer {
  url: string;
  stop(): Promise<void>;
}

export interface FileServerOptions {
  ranges?: boolean;
  signature?: string;
}

export async function serveFiles(folder: string, options: FileServerOptions = {}): Promise<FileServer> {
  const server = createServer((request, response) => {
    answer(folder, options, request, response).catch(() => response.writeHead(404).end('not here'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

async function answer(
  folder: string,
  { ranges = true, signature }: FileServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://here');
  if (signature !== undefined && searchParams.get('signature') !== signature) {
    response.writeHead(403).end('no');
    return;
  }
  const path = join(folder, decodeURIComponent(pathname));
  const { size } = await stat(path);
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (!ranges || from === undefined || to === undefined) {
    response.writeHead(200, { 'content-length': size });
    createReadStream(path).pipe(response);
    return;
  }
  const [start, end] = [Number(from), Math.min(Number(to), size - 1)];
  const headers = { 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${size}` };
  response.writeHead(206, headers);
  createReadStream(path, { start, end }).pipe(response);
}
