// A whole backup by the room's own functions, without Temporal: for tests of what lies in the store afterwards.

import { captureShard } from '../../src/backup/capture-shard.js';
import { freshCapture } from '../../src/backup/capture-snapshot.js';
import { checkObjects, freshCheck } from '../../src/backup/check-objects.js';
import { planCapture } from '../../src/backup/plan-capture.js';
import { writeBackup } from '../../src/backup/write-backup.js';
import { writeManifest } from '../../src/backup/write-manifest.js';
import type { CaptureMode, CheckObjectsInput } from '../../src/model/backup-activities.js';
import { backupIdOf } from '../../src/model/backup-names.js';
import type { ClusterConnection } from '../../src/model/cluster.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { snapshotNodes } from '../../src/qdrant/snapshot-nodes.js';
import type { ObjectStore } from '../../src/storage/object-store.js';

export interface Made {
  cluster: string;
  backup: string;
  collection: string;
  /** Peers that the shards were planned to come from. */
  peers: (string | undefined)[];
}

const never = new AbortController().signal;

export async function makeBackup(
  store: ObjectStore,
  connection: ClusterConnection,
  collection: string,
  capture: 'auto' | CaptureMode = 'auto',
): Promise<Made> {
  const cluster = connection.alias;
  const controls = qdrantControls({ [cluster]: connection });
  const nodes = snapshotNodes({ [cluster]: connection });
  const startedAt = new Date().toISOString();
  const run = Math.floor(Math.random() * 0xffffffff)
    .toString(16)
    .padStart(8, '0');
  const ref = { store: store.alias, cluster, backup: backupIdOf(new Date(startedAt), run), collection };
  const plan = await planCapture(controls, { source: { cluster, collection }, capture });
  for (const shard of plan.shards) {
    const { pin, mode } = plan;
    const input = { ...ref, what: `shard ${shard.id}`, pin, mode, shard, startedAt, stallAfterAttempts: 1 };
    const attempt = { state: freshCapture(), onProgress: () => undefined, signal: never, stop: never };
    await captureShard({ store, nodes }, input, attempt);
  }
  const room = { store, control: controls.of(cluster), ferryVersion: '0.0.0' };
  const { pin, mode, points, notes } = plan;
  await writeManifest(room, { ...ref, pin, mode, points, startedAt, notes, planned: plan.shards.length });
  const document = { ...ref, startedAt, qdrantVersion: pin.version, workflowId: 'a test', collections: [] };
  await writeBackup({ store, ferryVersion: '0.0.0' }, document);
  return { cluster, backup: ref.backup, collection, peers: plan.shards.map((shard) => shard.peer) };
}

/** The sentences of damage. */
export async function damageIn(
  store: ObjectStore,
  made: Made,
  verify: CheckObjectsInput['verify'],
): Promise<string[]> {
  const input = { ...made, store: store.alias, what: 'check', verify, budgetMs: Infinity };
  const attempt = { state: freshCheck(), onProgress: () => undefined, signal: never, stop: never };
  return (await checkObjects(store, input, attempt)).damage;
}
