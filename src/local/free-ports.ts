// Ports of 127.0.0.1 that are free now. Below the range from which the system takes ports for outgoing connections,
// so that a server which was killed finds its port still free when it starts again.

import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import getPort from 'get-port';

const HOST = '127.0.0.1';
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** Not given to two callers of one process; between processes chance decides, for both draw from 17,000. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await getPort({ host: HOST, port: drawnPorts() }));
  return ports;
}

function* drawnPorts(): Generator<number> {
  for (;;) yield randomInt(LOWEST, HIGHEST);
}

/** For a Temporal server and its UI: the latter where everybody looks for it, a thousand above. */
export async function freePortsForTemporal(): Promise<{ port: number; uiPort: number }> {
  for (;;) {
    const [port = 0] = await freePorts(1);
    if (await isFree(port + 1_000)) return { port, uiPort: port + 1_000 };
  }
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export async function acceptsConnections(port: number): Promise<boolean> {
  const socket = connect({ port, host: HOST });
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}
