// The transport against a server that misbehaves in ways a real Qdrant cannot be asked to.

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { RestNode } from '../../src/qdrant/rest.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function nodeThat(answers: RequestListener): Promise<RestNode> {
  const listening = createServer(answers);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  return new RestNode(url, { alias: 'a', nodes: [{ url, grpcUrl: url }], apiKey: 'hidden-key' });
}

test('hands on text byte for byte, asked for without compression and with the key', async () => {
  const text = '{"result":{"id":18446744073709551615,"f":1.0,"s":"\\u00e9é"},"x": 1e400}';
  const node = await nodeThat(({ headers }, answer) => {
    expect(headers).toMatchObject({ 'api-key': 'hidden-key', 'accept-encoding': 'identity' });
    answer.end(text);
  });
  expect(await node.request('GET', '/')).toBe(text);
});

test.each([
  [400, '{"status":{"error":"Wrong input: no"}}', 'QdrantRejected', 'Wrong input: no'],
  [404, '{"status":{"error":"Not found: Collection `c` doesn\'t exist!"}}', 'CollectionNotFound', '`c`'],
  [404, '<html>nothing here', 'QdrantRejected', '404: nothing here.'],
  [
    502,
    '<html>\n<head><style>\nb { x: y }\n</style>\n<title>Bad</title></head>\n<p>no\n</html>',
    ...(['QdrantUnavailable', '502: Bad no.'] as const),
  ],
  [
    500,
    '{"status":{"error":"Service internal error: File IO error: failed to unpack `/t/a.tar`"}}',
    ...([
      'QdrantUnavailable',
      '`/t/a.tar` (it gives no reason; most often the disk of that node is full)',
    ] as const),
  ],
  [401, 'Must provide an API key', 'ClusterKeyRefused', 'refused the API key'],
  [403, '{"status":{"error":"Forbidden"}}', 'ClusterUnauthorized', 'refused the permissions of the API key'],
  [500, '{"status":{"error":"Service internal error"}}', 'QdrantUnavailable', 'internal error'],
  [503, '', 'QdrantUnavailable', 'without a reason'],
  [507, '{"status":{"error":"Insufficient storage: Disk usage is at 96%"}}', 'QdrantDiskFull', 'is at 96%'],
  [
    507,
    '{"status":{"error":"Insufficient storage: Resident memory is at 9%"}}',
    'QdrantOutOfMemory',
    'at 9%',
  ],
  [500, '{"status":{"error":"Service internal error: Out of memory, free: 9, x"}}', 'QdrantOutOfMemory', 'x'],
  [503, '{"status":{"error":"Shard temporarily unavailable: y"}}', 'QdrantUnavailable', 'unavailable: y'],
  [403, '{"status":{"error":"Storage locked: upkeep"}}', 'QdrantReadOnly', 'locked: upkeep'],
  [
    403,
    '{"status":{"error":"Forbidden: Global manage access is required"}}',
    'ClusterUnauthorized',
    'manage',
  ],
])('turns an answer %i into an error with Qdrant’s own reason', async (status, text, code, reason) => {
  const node = await nodeThat((_, answer) => answer.writeHead(status).end(text));
  await expect(node.request('GET', '/collections/c')).rejects.toMatchObject({
    code,
    message: expect.stringContaining(reason) as string,
  });
});

test.each([
  [401, 'Must provide an API key', 'ClusterKeyRefused', 'refused the API key'],
  [403, '{"status":{"error":"Forbidden"}}', 'ClusterUnauthorized', 'refused the permissions of the API key'],
  [500, '{"status":{"error":"Service internal error"}}', 'QdrantUnavailable', 'internal error'],
  [502, '<html><p>no</html>', 'QdrantUnavailable', '502: no.'],
  [302, '', 'QdrantRejected', '302'],
])('turns an answer %i to the official client into the same errors', async (status, text, code, reason) => {
  const node = await nodeThat((_, answer) => answer.writeHead(status, { location: '/elsewhere' }).end(text));
  await expect(node.official((api, init) => api.getCollections({}, init))).rejects.toMatchObject({
    code,
    message: expect.stringContaining(reason) as string,
  });
});

test('gives the official client the key, the path of a proxy, a limit on the time, and the caller’s abort', async () => {
  const seen: unknown[] = [];
  const node = await nodeThat(({ headers, url, method }, answer) => {
    seen.push(`${method} ${url}`, headers['api-key'], headers['accept-encoding']);
    if (url === '/a/collections')
      answer.end('{"result":{"collections":[{"name":"c"}]},"status":"ok","time":0}');
  });
  const under = new RestNode(`${node.url}/a/`, node.connection);
  expect((await under.official((api, init) => api.getCollections({}, init))).result).toEqual({
    collections: [{ name: 'c' }],
  });
  expect(seen).toEqual(['GET /a/collections', 'hidden-key', 'identity']);
  const aliases = (options: Parameters<typeof node.official>[1]) =>
    node.official((api, init) => api.getCollectionsAliases({}, init), options);
  await expect(aliases({ timeoutMs: 50 })).rejects.toMatchObject({
    code: 'QdrantUnavailable',
    message: expect.stringContaining('did not answer in time') as string,
  });
  const abort = new AbortController();
  const reason = new Error('paused');
  setTimeout(() => abort.abort(reason), 50);
  await expect(aliases({ signal: abort.signal })).rejects.toBe(reason);
});

test('tells the official client’s silence, throttling and blocked ports apart', async () => {
  const node = await nodeThat((_, answer) => answer.writeHead(429, { 'retry-after': '3' }).end('{}'));
  const collections = (to: RestNode) => to.official((api, init) => api.getCollections({}, init));
  await expect(collections(node)).rejects.toMatchObject({ code: 'QdrantThrottled', retryAfterMs: 3_000 });
  const nobody = new RestNode('http://127.0.0.1:9', node.connection);
  await expect(collections(nobody)).rejects.toMatchObject({ code: 'InvalidConfig' });
  server?.close();
  server?.closeAllConnections();
  await expect(collections(new RestNode(node.url, node.connection))).rejects.toMatchObject({
    code: 'ClusterUnreachable',
  });
});

test('keeps the time that Qdrant asks to wait', async () => {
  const node = await nodeThat((_, answer) => answer.writeHead(429, { 'retry-after': '3' }).end('{}'));
  await expect(node.request('GET', '/')).rejects.toMatchObject({
    code: 'QdrantThrottled',
    retryAfterMs: 3_000,
  });
});

test('never repeats the query of a presigned URL', async () => {
  const said = '{"status":{"error":"failed to get https://s3.example/b/k?X-Amz-Signature=abc&x=1: 403"}}';
  const node = await nodeThat((_, answer) => answer.writeHead(400).end(said));
  const error = (await node.request('PUT', '/x').catch((thrown: unknown) => thrown)) as Error;
  expect(error.message).toContain('https://s3.example/b/k');
  expect(error.message).not.toContain('abc');
});

test('rethrows the reason of the caller who gave up, whether waiting or not yet begun', async () => {
  const node = await nodeThat(() => {});
  const reason = new Error('paused');
  const control = new AbortController();
  const waiting = node.request('GET', '/', { signal: control.signal });
  setTimeout(() => control.abort(reason), 50);
  await expect(waiting).rejects.toBe(reason);
  await expect(node.request('GET', '/', { signal: control.signal })).rejects.toBe(reason);
});

test('gives up on a node that takes the request and never answers', async () => {
  const node = await nodeThat(() => {});
  await expect(node.request('GET', '/', { timeoutMs: 500 })).rejects.toMatchObject({
    code: 'QdrantUnavailable',
    retryable: true,
    happened: expect.stringContaining('did not answer in time') as string,
  });
});

test('calls a connection that breaks in the middle of an answer worth another try', async () => {
  const node = await nodeThat((_, answer) => {
    answer.writeHead(200, { 'content-length': '100' });
    answer.write('half', () => answer.destroy());
  });
  await expect(node.request('GET', '/')).rejects.toMatchObject({
    code: 'QdrantUnavailable',
    retryable: true,
  });
});
