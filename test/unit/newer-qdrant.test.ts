// Settings that are newer than the servers of the other tests, between two fake nodes of a Qdrant to come. They keep what
// a create request, a PATCH and an index request bring, and answer as Qdrant does.

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  mergePatch,
  objectAt,
  parseJson,
  writeJson,
  type Json,
  type JsonObject,
} from '../../src/model/json.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { compareConfigurations } from '../../src/target/compare-configurations.js';
import { planCollection } from '../../src/target/plan-collection.js';
import { prepareTarget } from '../../src/target/prepare-target.js';
import { releaseTarget } from '../../src/target/release-target.js';

interface FakeCollection {
  config: JsonObject;
  schema: JsonObject;
}

const servers: Server[] = [];
const [here, there] = [new Map<string, FakeCollection>(), new Map<string, FakeCollection>()];
let controls: ReturnType<typeof qdrantControls>;

const SOURCE = parseJson(`{
  "params":{"vectors":{
      "cold":{"size":4,"distance":"Cosine","memory":"cold"},
      "turbo":{"size":4,"distance":"Dot","datatype":"turbo4"}},
    "shard_number":1,"replication_factor":1,"read_fan_out_factor":2,
    "payload":{"memory":"cold"},"of_version_1_21":{"a":[1,2.0]}},
  "hnsw_config":{"m":16,"memory":"pinned"},
  "optimizer_config":{"indexing_threshold":20000},
  "quantization_config":{"turbo":{"bits":4,"memory":"cached"}},
  "strict_mode_config":{"enabled":true,"search_max_batchsize":9,"max_resident_memory_percent":80},
  "config_of_version_1_22":{"b":18446744073709551615},
  "metadata":{"owner":"search"}}`) as JsonObject;
const SCHEMA = parseJson(`{
  "price":{"data_type":"integer","params":{"type":"integer","memory":"cold"},"points":0},
  "tags[].name":{"data_type":"nested","params":{"type":"nested","path":"tags","of":{"type":"keyword","prefix":true}},"points":0},
  "plain":{"data_type":"keyword","points":0}}`) as JsonObject;

beforeAll(async () => {
  here.set('docs', { config: SOURCE, schema: SCHEMA });
  const [source, target] = [await fakeNode('71', here), await fakeNode('72', there)];
  controls = qdrantControls({
    a: { alias: 'a', nodes: [{ url: source, grpcUrl: source }] },
    b: { alias: 'b', nodes: [{ url: target, grpcUrl: target }] },
  });
});

afterAll(() => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

test('survive a migration between equals, known to this ferry or not', async () => {
  const sides = {
    source: { cluster: 'a', collection: 'docs' },
    target: { cluster: 'b', collection: 'docs' },
  };
  const plan = await planCollection(controls, { ...sides, onExisting: 'fail' });
  const { sourcePin, targetState, heldBack } = plan;
  const prepared = await prepareTarget(controls, {
    ...{ ...sides, onExisting: 'fail', job: 'a-job' },
    ...{ sourcePin, targetState, heldBack },
  });
  const { targetPin } = prepared;
  await releaseTarget(controls, { target: sides.target, targetPin, job: 'a-job', heldBack, owned: true });
  expect(await compareConfigurations(controls, sides)).toEqual({ differences: [] });
  const made = there.get('docs')?.config;
  expect(objectAt(made, 'params')).toEqual(objectAt(SOURCE, 'params'));
  expect(objectAt(made, 'config_of_version_1_22')).toEqual(objectAt(SOURCE, 'config_of_version_1_22'));
  expect(objectAt(made, 'strict_mode_config')).toEqual(objectAt(SOURCE, 'strict_mode_config'));
  expect(there.get('docs')?.schema).toEqual(SCHEMA);
});

async function fakeNode(peer: string, collections: Map<string, FakeCollection>): Promise<string> {
  const server = createServer((request, response) => {
    void answerTo(request, peer, collections).then(({ status, body }) =>
      response.writeHead(status).end(body),
    );
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function answerTo(request: IncomingMessage, peer: string, collections: Map<string, FakeCollection>) {
  const { pathname } = new URL(request.url ?? '', 'http://fake');
  const sent = await text(request);
  if (pathname === '/') return { status: 200, body: '{"version":"1.22.0"}' };
  const result = resultOf(`${request.method} ${pathname}`, sent, peer, collections);
  if (result === undefined)
    return {
      status: 404,
      body: '{"status":{"error":"Not found: Collection `docs` doesn\'t exist!"},"time":0}',
    };
  return { status: 200, body: `{"result":${writeJson(result)},"status":"ok","time":0}` };
}

function resultOf(
  call: string,
  sent: string,
  peer: string,
  collections: Map<string, FakeCollection>,
): Json | undefined {
  const body = sent === '' ? {} : (parseJson(sent) as JsonObject);
  const known = collections.get('docs');
  if (call === 'GET /cluster') return parseJson(`{"status":"enabled","peers":{"${peer}":{"uri":""}}}`);
  if (call === 'GET /collections') return { collections: [...collections.keys()].map((name) => ({ name })) };
  if (call === 'GET /aliases') return { aliases: [] };
  if (call === 'PUT /collections/docs') {
    collections.set('docs', { config: configOf(body), schema: {} });
    return true;
  }
  if (known === undefined) return undefined;
  if (call === 'GET /collections/docs') {
    const counts = parseJson('{"status":"green","optimizer_status":"ok","points_count":0}') as JsonObject;
    return { ...counts, config: known.config, payload_schema: known.schema };
  }
  if (call === 'GET /collections/docs/cluster')
    return parseJson(
      `{"peer_id":${peer},"local_shards":[{"shard_id":0,"state":"Active","points_count":0}],"remote_shards":[],"shard_transfers":[]}`,
    );
  if (call === 'POST /collections/docs/points/count') return parseJson('{"count":0}');
  if (call === 'PATCH /collections/docs') known.config = changed(known.config, body);
  if (call === 'PUT /collections/docs/index') {
    const [field, schema] = [body.field_name as string, body.field_schema as Json];
    known.schema = { ...known.schema, [field]: indexOf(schema) };
  }
  return true;
}

/** As Qdrant shows it: what concerns the shards and the points under `params`. */
function configOf(body: JsonObject): JsonObject {
  const apart = [
    'hnsw_config',
    'quantization_config',
    'strict_mode_config',
    'metadata',
    'config_of_version_1_22',
  ];
  const { optimizers_config: optimizers, ...rest } = body;
  const entries = Object.entries(rest);
  return {
    params: Object.fromEntries(entries.filter(([key]) => !apart.includes(key))),
    ...Object.fromEntries(entries.filter(([key]) => apart.includes(key))),
    optimizer_config: optimizers ?? null,
  };
}

function changed(config: JsonObject, { optimizers_config: optimizers, ...patch }: JsonObject): JsonObject {
  const moved = optimizers === undefined ? patch : { ...patch, optimizer_config: optimizers };
  const { metadata, ...rest } = moved;
  const merged = mergePatch(config, rest) as JsonObject;
  // Of metadata Qdrant replaces the keys at the top, each as a whole.
  return metadata === undefined
    ? merged
    : { ...merged, metadata: { ...objectAt(merged.metadata), ...objectAt(metadata) } };
}

function indexOf(schema: Json): JsonObject {
  const points = parseJson('0');
  if (typeof schema === 'string') return { data_type: schema, points };
  return { data_type: objectAt(schema).type ?? null, params: schema, points };
}
