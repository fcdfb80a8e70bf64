// The jobs on Qdrant's own snapshots that need no lock: list, delete, download. Each is one activity. Listing and deleting
// are for the Temporal UI and for schedules; `ferry snapshots` does the same without Temporal.

import { setCurrentDetails } from '@temporalio/workflow';
import { parseInput } from '../../model/contracts/inputs.js';
import type {
  DeleteSnapshotResult,
  DownloadSnapshotResult,
  ListSnapshotsResult,
} from '../../model/contracts/snapshot-activities.js';
import {
  deleteSnapshotSchema,
  downloadSnapshotSchema,
  given,
  listSnapshotsSchema,
  scopeOf,
} from '../../model/contracts/snapshot-inputs.js';
import { scopeText } from '../../model/snapshot-names.js';
import { surfacing } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';

/** Of a collection, a shard, or the whole node; on every node, or on one. Names the nodes that did not answer. */
export async function listSnapshots(input: unknown): Promise<ListSnapshotsResult> {
  return surfacing(async () => {
    const { cluster, node, snapshot: name, ...place } = parseInput(listSnapshotsSchema, input);
    const scope = scopeOf(place);
    const summary = `list snapshots of ${scopeText(scope)}`;
    return runActivity('listOnNodes', { cluster, ...scope, ...given({ node, name }) }, summary);
  });
}

/**
 * By its full name, from one node. There is no pattern and no "all": where Qdrant keeps snapshots in S3, its lists also
 * hold those of other collections and nodes.
 */
export async function deleteSnapshot(input: unknown): Promise<DeleteSnapshotResult> {
  return surfacing(async () => {
    const { cluster, node, snapshot: name, ...scope } = parseInput(deleteSnapshotSchema, input);
    const what = { cluster, node, name, ...scopeOf(scope) };
    return runActivity('deleteOnNode', what, `delete ${name} on ${node}`);
  });
}

/**
 * Into a store, under a key that has no object yet. Resumes after a kill; the object is hashed, and compared with Qdrant's
 * own checksum where it gives one.
 */
export async function downloadSnapshot(input: unknown): Promise<DownloadSnapshotResult> {
  return surfacing(async () => {
    const startedAt = Date.now();
    const parsed = parseInput(downloadSnapshotSchema, input);
    const { cluster, node, snapshot: name, object, maxMegabytesPerSecond, heartbeatSeconds } = parsed;
    const place = { cluster, store: parsed.store ?? null };
    const located = await runActivity('locateSnapshots', place, `where ${cluster} and the store are`);
    const { store = '', storeQueue = located.dataQueue } = located;
    const what = `download ${name} to ${store}`;
    setCurrentDetails(what);
    const order = { what, cluster, name, store, object, ...given({ node, maxMegabytesPerSecond }) };
    const where = { taskQueue: storeQueue, heartbeatSeconds, summary: what };
    const done = await runActivity('downloadToStore', { ...order, ...scopeOf(parsed) }, where);
    return { ...done, seconds: Math.round((Date.now() - startedAt) / 100) / 10 };
  });
}
