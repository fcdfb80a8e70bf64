// A real cluster of three Qdrants. Peer ids are Qdrant's own; every node knows the others when it answers.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, startQdrant, type QdrantServer, type QdrantVersion } from '../../src/local/index.js';
import type { ClusterConnection } from '../../src/model/cluster.js';

export interface ThreeNodes {
  folder: string;
  nodes: QdrantServer[];
  /** As ferry.yaml would have it, each node by its own address. */
  connection: ClusterConnection;
  /** As a fire would: kill -9 of all, and nothing stays of their storage. */
  killAndWipe(): Promise<void>;
  /** Three empty ones on the same addresses: new peers that know nothing of the old. */
  startAnew(): Promise<void>;
  stop(): Promise<void>;
}

export async function startThreeNodes(alias: string, version: QdrantVersion = '1.17.0'): Promise<ThreeNodes> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-three-'));
  const ports = await freePorts(3);
  const uri = (at: number) => `http://127.0.0.1:${ports[at]}`;
  const nodes: QdrantServer[] = [];
  const stop = async () => {
    for (const node of nodes) await node.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const at of [0, 1, 2]) {
      const args = at === 0 ? ['--uri', uri(0)] : ['--bootstrap', uri(0), '--uri', uri(at)];
      const extraEnv = { QDRANT__CLUSTER__ENABLED: 'true', QDRANT__CLUSTER__P2P__PORT: String(ports[at]) };
      nodes.push(
        await startQdrant({ version, storageDir: join(folder, String(at)), extraEnv, extraArgs: args }),
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const connection = { alias, nodes: nodes.map(({ url, grpcUrl }) => ({ url, grpcUrl })) };
  const killAndWipe = async () => {
    for (const node of nodes) await node.kill();
    for (const at of [0, 1, 2]) await rm(join(folder, String(at)), { recursive: true });
  };
  const startAnew = async () => {
    for (const node of nodes) await node.start();
  };
  return { folder, nodes, connection, killAndWipe, startAnew, stop };
}
