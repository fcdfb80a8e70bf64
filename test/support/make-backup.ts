// A whole backup by the room's own functions, without Temporal: for tests of what lies in the store afterwards.

import { captureShard } from '../../src/shards/capture-shard.js';
import { freshCapture } from '../../src/shards/node-file.js';
import { checkObjects, freshCheck } from '../../src/backups/catalogue/check-objects.js';
import { planCapture } from '../../src/backups/capture/plan-capture.js';
import { openBackup } from '../../src/backups/capture/open-backup.js';
import { writeBackup } from '../../src/backups/capture/write-backup.js';
import { writeComplete } from '../../src/backups/capture/write-complete.js';
import { writeManifest } from '../../src/backups/capture/write-manifest.js';
import { writeRecall } from '../../src/backups/capture/write-recall.js';
import type {
  CapturedShard,
  CaptureMode,
  CheckObjectsInput,
} from '../../src/model/contracts/backup-activities.js';
import { backupIdOf } from '../../src/model/format/backup-names.js';
import type { ClusterConnection } from '../../src/model/cluster.js';
import type { RecallRef } from '../../src/model/format/manifest.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { qdrantSearches } from '../../src/qdrant/searches.js';
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
  recallQueries = 0,
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
  const where = { store, control: controls.of(cluster), ferryVersion: '0.0.0' };
  await openBackup(where, { ...ref, collections: [collection], startedAt, workflowId: 'a test' });
  const captured: CapturedShard[] = [];
  for (const shard of plan.shards) {
    const { pin, mode } = plan;
    const input = { ...ref, what: `shard ${shard.id}`, pin, mode, shard, startedAt, stallAfterAttempts: 1 };
    const attempt = { state: freshCapture(), onProgress: () => undefined, signal: never, stop: never };
    captured.push({ id: shard.id, name: (await captureShard({ store, nodes }, input, attempt)).name });
  }
  const control = controls.of(cluster);
  const { pin, mode, points, notes } = plan;
  const searches = qdrantSearches({ [cluster]: connection })(cluster);
  const asked = { ...ref, pin, queries: recallQueries };
  const kept =
    recallQueries > 0 ? await writeRecall({ store, control, searches }, asked, never) : { notes: [] };
  const planned = { pin, mode, points, startedAt, countedAt: startedAt, captured };
  const { manifestSha256 } = await writeManifest(where, {
    ...ref,
    ...planned,
    notes: [...notes, ...kept.notes],
    ...recallIn(kept),
  });
  await writeComplete(store, { ...ref, manifestSha256, verify: 'full' });
  await writeBackup(store, { ...ref, failed: [] });
  return { cluster, backup: ref.backup, collection, peers: plan.shards.map((shard) => shard.peer) };
}

function recallIn({ recall }: { recall?: RecallRef }) {
  return recall === undefined ? {} : { recall };
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
