// A proxy without TLS that routes gRPC by path, as an ingress does: what comes under its prefix goes on to a server without
// it, anything else is answered with 404.

import { connect, createServer, type ClientHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

export interface PrefixProxy {
  /** With the prefix. */
  url: string;
  /** Paths that came, in order. */
  seen: string[];
  end(): Promise<void>;
}

export async function prefixProxy(target: string, prefix: string): Promise<PrefixProxy> {
  const upstream = connect(target);
  const seen: string[] = [];
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    const path = String(headers[':path']);
    seen.push(path);
    if (path.startsWith(`${prefix}/`))
      pass(stream, upstream, { ...headers, ':path': path.slice(prefix.length) });
    else stream.respond({ ':status': 404 }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    seen,
    end: async () => {
      upstream.destroy();
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pass(
  stream: ServerHttp2Stream,
  upstream: ClientHttp2Session,
  headers: Record<string, unknown>,
): void {
  const onward = upstream.request(headers as Record<string, string>);
  onward.on('response', (answer) => {
    stream.respond(answer, { waitForTrailers: true });
    onward.pipe(stream);
  });
  let trailers: Record<string, unknown> = {};
  onward.on('trailers', (given) => (trailers = given));
  stream.on('wantTrailers', () => stream.sendTrailers(trailers as Record<string, string>));
  stream.pipe(onward);
  for (const one of [stream, onward]) one.on('error', () => stream.destroy());
}
