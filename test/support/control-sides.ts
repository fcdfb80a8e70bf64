// Two real Qdrants in cluster mode, of the versions we move between, for tests of planning and preparing.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'lossless-json';
import { freePorts, startQdrant, type QdrantServer, type QdrantVersion } from '../../src/local/index.js';
import type { PlanCollectionInput, PrepareTargetInput } from '../../src/model/contracts/activities.js';
import { objectAt, type Json, type JsonObject } from '../../src/model/json.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import type { Controls } from '../../src/cluster/control-port.js';
import { planCollection } from '../../src/target/plan-collection.js';
import { collectionPath, rest, type RestSide } from './rest-text.js';

export interface ControlSides {
  folder: string;
  source: QdrantServer;
  target: QdrantServer;
  controls: Controls;
  stop(): Promise<void>;
}

export async function startControlSides(): Promise<ControlSides> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-control-'));
  const source = await startClustered('1.16.3', join(folder, 'source'));
  const target = await startClustered('1.17.0', join(folder, 'target'));
  const controls = qdrantControls({
    source: { alias: 'source', nodes: [source] },
    target: { alias: 'target', nodes: [target] },
  });
  const stop = async () => {
    await source.stop();
    await target.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { folder, source, target, controls, stop };
}

async function startClustered(version: QdrantVersion, storageDir: string): Promise<QdrantServer> {
  const [port] = await freePorts(1);
  return startQdrant({
    version,
    storageDir,
    extraEnv: { QDRANT__CLUSTER__ENABLED: 'true', QDRANT__CLUSTER__P2P__PORT: String(port) },
    extraArgs: ['--uri', `http://127.0.0.1:${port}`],
  });
}

export function planFor(
  from: string,
  to = from,
  more: Partial<PlanCollectionInput> = {},
): PlanCollectionInput {
  return {
    source: { cluster: 'source', collection: from },
    target: { cluster: 'target', collection: to },
    onExisting: 'fail',
    ...more,
  };
}

/** Of the jobs of a test. */
export const JOB = 'scrollMigration/source-to-target/test';

export async function planned(controls: Controls, input: PlanCollectionInput): Promise<PrepareTargetInput> {
  const { sourcePin, targetState, replaced, heldBack } = await planCollection(controls, input);
  const deleted = replaced === undefined ? {} : { replaced };
  return { ...input, sourcePin, targetState, ...deleted, heldBack, job: JOB };
}

export const PLAIN = '{"vectors":{"size":4,"distance":"Dot"}}';

export async function make(side: RestSide, name: string, points = 0, body = PLAIN): Promise<void> {
  await rest(side, 'PUT', collectionPath(name), body);
  if (points === 0) return;
  const list = Array.from({ length: points }, (_, id) => `{"id":${id},"vector":[1,2,3,${id}]}`);
  const upsert = `{"points":[${list.join(',')}]}`;
  await rest(side, 'PUT', `${collectionPath(name)}/points?wait=true`, upsert);
}

export async function configOf(side: RestSide, name: string): Promise<JsonObject> {
  const text = await rest(side, 'GET', collectionPath(name));
  return objectAt(parse(text) as Json, 'result', 'config');
}
