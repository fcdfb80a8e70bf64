// What the chaos run and other tests rely on: a cut is a cut.

import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cutProxy, type CutProxy } from '../support/cut-proxy.js';
import { pause } from '../support/kill-watch.js';

let server: Server;
let proxy: CutProxy;
/** What the server has read. */
let received: string;
const clients: Socket[] = [];
const atServer: Socket[] = [];

beforeEach(async () => {
  received = '';
  server = createServer((socket) => {
    atServer.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received += bytes.toString();
      socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await cutProxy(`127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterEach(async () => {
  for (const one of [...clients.splice(0), ...atServer.splice(0)]) one.destroy();
  await proxy.end();
  await new Promise((resolve) => server.close(resolve));
});

it('passes bytes both ways, counts them, and passes on that one side has ended', async () => {
  const client = dial();
  client.socket.end('hello');
  await until(() => client.isOver());
  expect([client.got(), received, proxy.passed]).toEqual(['hello', 'hello', { up: 5, down: 5 }]);
  await until(() => proxy.connections() === 0);
});

it('delivers nothing while frozen, to nobody, and everything once healed', async () => {
  const before = await connected();
  proxy.cut('freeze');
  before.socket.write('b');
  const later = dial();
  later.socket.write('c');
  await pause(150);
  expect([received, before.isOver(), later.isOver()]).toEqual(['a', false, false]);
  proxy.heal();
  await until(() => before.got() === 'ab' && later.got() === 'c');
});

it('loses what was on its way when asked to, and resets those connections at the end', async () => {
  const before = await connected();
  proxy.cut('freeze', { dropBuffered: true });
  before.socket.write('b');
  await pause(150);
  expect(before.isOver()).toBe(false);
  proxy.heal();
  await until(() => before.isOver());
  const later = dial();
  later.socket.write('c');
  await until(() => later.got() === 'c');
  expect(received).toBe('ac');
});

it('lets new connections pass while those before are frozen, and delivers their bytes late', async () => {
  const before = await connected();
  proxy.cut('freeze-existing');
  before.socket.end('b');
  const later = dial();
  later.socket.write('c');
  await until(() => later.got() === 'c');
  expect(received).toBe('ac');
  proxy.heal();
  await until(() => received === 'acb');
});

it('resets what is connected and who comes while it refuses, and passes again once healed', async () => {
  const before = await connected();
  proxy.cut('refuse');
  await until(() => before.isOver());
  const refused = dial();
  await until(() => refused.isOver());
  proxy.heal();
  const later = dial();
  later.socket.write('c');
  await until(() => later.got() === 'c');
});

it('does not pass on that a client is gone before it is healed', async () => {
  const before = await connected();
  proxy.cut('freeze');
  before.socket.resetAndDestroy();
  await pause(150);
  expect(atServer[0]?.destroyed).toBe(false);
  proxy.heal();
  await until(() => atServer[0]?.destroyed === true);
});

it('keeps a limit, which can be changed for all connections or for those that are open', async () => {
  const before = await connected();
  proxy.limitExisting({ up: 1_000 });
  before.socket.write('b'.repeat(10_000));
  const later = dial();
  later.socket.write('c'.repeat(10_000));
  await until(() => later.got().length === 10_000);
  expect(before.got().length).toBeLessThan(5_000);
  proxy.limit({ up: Infinity });
  await until(() => before.got().length === 10_001);
});

interface Dialled {
  socket: Socket;
  got(): string;
  isOver(): boolean;
}

function dial(): Dialled {
  const socket = connect(proxy.port, '127.0.0.1');
  clients.push(socket);
  let [got, over] = ['', false];
  socket.on('data', (bytes) => (got += bytes.toString()));
  socket.on('error', () => (over = true)).on('close', () => (over = true));
  return { socket, got: () => got, isOver: () => over };
}

/** One that has sent `a` and got it back. */
async function connected(): Promise<Dialled> {
  const client = dial();
  client.socket.write('a');
  await until(() => client.got() === 'a');
  return client;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(5);
}
