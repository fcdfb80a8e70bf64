import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fetch } from 'undici';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { gateway504, giveUpOn, type Gateway504 } from '../support/gateway-504.js';
import { pause } from '../support/kill-watch.js';

let server: Server;
let gateway: Gateway504;
/** Bodies of requests that the server has read to their end. */
let whole: string[];

beforeEach(async () => {
  whole = [];
  server = createServer((question, answer) => {
    void text(question).then(
      async (body) => {
        whole.push(body);
        await pause(200);
        answer.writeHead(201, { 'content-type': 'application/json' }).end(`{"got":${body.length}}`);
      },
      () => undefined,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  gateway = await gateway504(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterEach(async () => {
  await gateway.end();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('passes on what nobody picked', async () => {
  const answer = await put('/collections/a', 'body');
  expect([answer.status, await answer.text(), gateway.givenUp]).toEqual([201, '{"got":4}', []]);
});

it('answers 504 with a page of HTML, while the call continues to its end', async () => {
  gateway.plan = giveUpOn(({ method }) => method === 'PUT', { afterMs: 20, skip: 1 });
  expect((await put('/collections/a', 'first')).status).toBe(201);
  const answer = await put('/collections/b', 'second');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([504, 'text/html']);
  expect(await answer.text()).toContain('504 Gateway Time-out');
  expect(gateway.givenUp).toEqual([{ method: 'PUT', url: '/collections/b' }]);
  while (gateway.givenUp[0]?.status === undefined) await pause(10);
  expect([gateway.givenUp[0].status, whole]).toEqual([201, ['first', 'second']]);
  expect((await put('/collections/c', 'third')).status).toBe(201);
});

it('gives up on nothing that is answered in time', async () => {
  gateway.plan = () => 5_000;
  expect((await put('/collections/a', 'body')).status).toBe(201);
  expect(gateway.givenUp).toEqual([]);
});

const put = (path: string, body: string) => fetch(`${gateway.url}${path}`, { method: 'PUT', body });
