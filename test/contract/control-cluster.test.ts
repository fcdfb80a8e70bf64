// A target of three nodes: shards and replicas live elsewhere than on the node that is asked.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts, startQdrant, type QdrantServer } from '../../src/local/index.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { awaitReady } from '../../src/cluster/await-ready.js';
import { compareConfigurations } from '../../src/target/compare-configurations.js';
import type { Controls } from '../../src/cluster/control-port.js';
import { shardKeysOf } from '../../src/cluster/look.js';
import { createCheckPin } from '../../src/cluster/pin.js';
import { prepareTarget } from '../../src/target/prepare-target.js';
import { releaseTarget } from '../../src/target/release-target.js';
import { planFor, planned } from '../support/control-sides.js';
import { collectionPath, rest } from '../support/rest-text.js';

let folder: string;
let controls: Controls;
const nodes: QdrantServer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-cluster-'));
  const ports = await freePorts(4);
  const uri = (at: number) => `http://127.0.0.1:${ports[at]}`;
  const start = (at: number, args: string[]) =>
    startQdrant({
      version: '1.17.0',
      storageDir: join(folder, String(at)),
      extraEnv: { QDRANT__CLUSTER__ENABLED: 'true', QDRANT__CLUSTER__P2P__PORT: String(ports[at]) },
      extraArgs: args,
    });
  nodes.push(await start(0, ['--uri', uri(0)]));
  for (const at of [1, 2]) nodes.push(await start(at, ['--bootstrap', uri(0), '--uri', uri(at)]));
  nodes.push(await start(3, ['--uri', uri(3)]));
  controls = qdrantControls({
    source: { alias: 'source', nodes: nodes.slice(3) },
    target: { alias: 'target', nodes: nodes.slice(0, 3) },
  });
});

afterAll(async () => {
  for (const node of nodes) await node.stop();
  await rm(folder, { recursive: true, force: true });
});

test('makes shards with replicas on several nodes, waits for them, and continues with the nodes that are left', async () => {
  const source = nodes[3] as QdrantServer;
  const body = '{"vectors":{"size":4,"distance":"Dot"},"sharding_method":"custom","replication_factor":2}';
  await rest(source, 'PUT', collectionPath('spread'), body);
  for (const key of ['"a"', '5']) {
    const shards = `{"shard_key":${key},"shards_number":2}`;
    await rest(source, 'PUT', `${collectionPath('spread')}/shards`, shards);
  }
  const input = await planned(controls, planFor('spread'));
  const { targetPin, targetNodes } = await prepareTarget(controls, input);
  expect(targetPin.peers).toHaveLength(3);
  expect(targetNodes).toBe(3);
  const keys = shardKeysOf(await controls.of('target').layout('spread'));
  expect(keys.map(({ shards }) => shards.map((shard) => shard.replicas.length))).toEqual([
    [2, 2],
    [2, 2],
  ]);
  await releaseTarget(controls, { target: input.target, heldBack: input.heldBack, owned: true });
  expect(await compareConfigurations(controls, input)).toEqual({ differences: [] });
  const wait = { target: input.target, waitMs: 30_000 };
  expect(await awaitReady(controls, wait)).toEqual({ ready: true });
  await nodes[0]?.stop();
  await createCheckPin(controls)('target', 'spread', targetPin);
});
