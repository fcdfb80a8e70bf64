// The beginning of a run, before anything of it is written. Promises to refuse a cluster that is not the one whose backups
// lie under this alias, and an empty one where earlier backups hold collections. Then started.json keeps what is known at
// this one moment: the cluster's identity, its aliases, and the collections that are to be in the backup.

import type { OpenBackupInput, OpenBackupResult } from '../../model/contracts/backup-activities.js';
import { startedKey } from '../../model/format/backup-names.js';
import { FerryError } from '../../model/errors.js';
import { MANIFEST_VERSION } from '../../model/format/fields.js';
import { type StartedDocument } from '../../model/format/run-documents.js';
import { documentText } from '../../model/format/document-text.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { ClusterControl } from '../../cluster/control-port.js';
import { sharesPeer } from '../../cluster/pin.js';
import {
  clusterText,
  identityOf,
  readRun,
  runsOf,
  startedDocument,
  type Run,
} from '../catalogue/read-run.js';
import { collectionsMeant } from './resolve-backup.js';

export interface OpeningDeps {
  store: ObjectStore;
  control: ClusterControl;
  ferryVersion: string;
}

/** Among so many of the newest runs one is looked for that knows its cluster. */
const RUNS_ASKED = 30;

export async function openBackup(
  { store, control, ferryVersion }: OpeningDeps,
  input: OpenBackupInput,
  signal?: AbortSignal,
): Promise<OpenBackupResult> {
  const { cluster, backup } = input;
  const key = startedKey(cluster, backup);
  if (await store.head(key)) return opened(await startedDocument(store, cluster, backup, signal), []);
  const [names, aliases, qdrantVersion, clusterIdentity] = await Promise.all([
    control.collections(signal),
    control.aliases(signal),
    control.version(signal),
    control.identity(undefined, signal),
  ]);
  const earlier = await earlierRun(store, input, signal);
  if (names.length === 0) refuseEmptied(cluster, earlier);
  const { newCluster, notes } = compare(store, input, clusterIdentity, earlier);
  const document: StartedDocument = {
    format: 'qdrant-ferry/started',
    version: MANIFEST_VERSION,
    ...{ backup, cluster, clusterIdentity, ...newCluster },
    ...{ startedAt: input.startedAt, qdrantVersion, ferryVersion, workflowId: input.workflowId },
    ...scopeOf(input),
    aliases,
    collections: [...collectionsMeant(input, names, aliases).names].sort(),
  };
  const body = Buffer.from(documentText(document));
  await store.put(key, body, { ifAbsent: true, contentType: 'application/json' });
  return opened(document, notes);
}

/** What a schedule takes by patterns, it takes every time: what is missing in it has gone, as in a run of all. */
function scopeOf({ collections, exclude, policy }: OpenBackupInput) {
  const isAll = collections === undefined && exclude === undefined;
  const selection = { ...(collections && { collections }), ...(exclude && { exclude }) };
  const named = policy === undefined ? { scope: 'named' as const } : { scope: 'policy' as const, selection };
  return { ...(isAll ? { scope: 'all' as const } : named), ...(policy === undefined ? {} : { policy }) };
}

function opened({ clusterIdentity }: StartedDocument, notes: string[]): OpenBackupResult {
  return { clusterIdentity, notes };
}

interface Earlier {
  /** The newest of which the cluster is known, or the newest. */
  run?: Run;
  /** The newest that holds something. */
  holding?: Run;
}

async function earlierRun(
  store: ObjectStore,
  { cluster, backup }: OpenBackupInput,
  signal?: AbortSignal,
): Promise<Earlier> {
  const earlier: Earlier = {};
  const ids = (await runsOf(store, cluster)).filter((id) => id !== backup);
  for (const id of ids.slice(0, RUNS_ASKED)) {
    const run = await readRun(store, cluster, id, { signal });
    if (earlier.run === undefined || identityOf(earlier.run).length === 0) earlier.run = run;
    if (earlier.holding === undefined && heldBy(run) > 0) earlier.holding = run;
    if (identityOf(earlier.run).length > 0 && earlier.holding !== undefined) break;
  }
  return earlier;
}

function heldBy({ document }: Run): number {
  return document?.collections.filter(({ outcome }) => outcome === 'complete').length ?? 0;
}

/** An empty cluster that is backed up without a word is how the last good backup gets old. */
function refuseEmptied(cluster: string, { holding }: Earlier): void {
  if (holding === undefined) return;
  const happened = `The cluster "${cluster}" has no collections, but its backup ${holding.backup} holds ${heldBy(holding)}`;
  throw new FerryError('ClusterEmpty', happened, { context: { cluster, backup: holding.backup } });
}

function compare(
  store: ObjectStore,
  { cluster, newCluster }: OpenBackupInput,
  identity: readonly string[],
  { run }: Earlier,
): { newCluster?: Pick<StartedDocument, 'newCluster'>; notes: string[] } {
  if (run === undefined) return { notes: [] };
  const before = [...identityOf(run)];
  if (before.length > 0 && identity.length > 0) {
    if (sharesPeer(before, identity)) return { notes: [] };
    if (newCluster) return { newCluster: { newCluster: { before, backup: run.backup } }, notes: [] };
    const happened = `The store "${store.alias}" holds backups of "${cluster}" from ${clusterText(before)} (the newest is ${run.backup}), and "${cluster}" now leads to ${clusterText(identity)}`;
    throw new FerryError('StoreOfAnotherCluster', happened, { context: { store: store.alias, cluster } });
  }
  const whose = before.length > 0 ? `"${cluster}"` : `the backup ${run.backup}`;
  return {
    notes: [
      `The identity of ${whose} is unknown, so it was not checked that the earlier backups are of the same cluster.`,
    ],
  };
}
