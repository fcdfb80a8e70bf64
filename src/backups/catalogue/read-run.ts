// The runs of one cluster in a store: what started.json and backup.json say of each, and which of them are dated in the
// future. Promises the order that "latest" is judged by: newest first, and what claims to be of the future behind all
// others, for its time is not known. One list request for a thousand runs; a run itself is read by its keys.

import type { z } from 'zod';
import {
  backupKey,
  clusterFolder,
  isBackupId,
  startedKey,
  timeOfBackup,
} from '../../model/format/backup-names.js';
import { parseDocument } from '../../model/format/parse-document.js';
import {
  backupDocumentSchema,
  startedDocumentSchema,
  type BackupDocument,
  type StartedDocument,
} from '../../model/format/run-documents.js';
import { FerryError } from '../../model/errors.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { sharesPeer } from '../../cluster/pin.js';
import { readIfThere } from '../../shards/read-text.js';

/** Clocks of workers and stores differ by this much without anybody being to blame. */
export const CLOCK_SKEW_MS = 5 * 60_000;

export interface Run {
  backup: string;
  /** Where it has ended, and backup.json is valid. */
  document?: BackupDocument;
  started?: StartedDocument;
  /** Why one of them cannot be used. */
  fault?: string;
  isFuture: boolean;
}

/** Newest first, those of the future last. */
export async function runsOf(store: ObjectStore, cluster: string, now = new Date()): Promise<string[]> {
  const ids: string[] = [];
  for await (const name of store.folders(clusterFolder(cluster))) if (isBackupId(name)) ids.push(name);
  return inOrder(ids, now);
}

export function inOrder(ids: readonly string[], now: Date): string[] {
  const newestFirst = [...ids].sort().reverse();
  const future = newestFirst.filter((id) => isLaterThan(id, now));
  return [...newestFirst.filter((id) => !isLaterThan(id, now)), ...future];
}

function isLaterThan(id: string, time: Date): boolean {
  return (timeOfBackup(id)?.getTime() ?? 0) > time.getTime() + CLOCK_SKEW_MS;
}

/** A run that began after its own documents were stored is of the future too: its worker's clock was wrong. */
export async function readRun(
  store: ObjectStore,
  cluster: string,
  backup: string,
  { now = new Date(), signal }: { now?: Date; signal?: AbortSignal | undefined } = {},
): Promise<Run> {
  const run: Run = { backup, isFuture: isLaterThan(backup, now) };
  const stored = await store.head(backupKey(cluster, backup));
  const first = stored ?? (await store.head(startedKey(cluster, backup)));
  if (first && isLaterThan(backup, new Date(first.modifiedAt))) run.isFuture = true;
  try {
    if (stored) run.document = await backupDocument(store, cluster, backup, signal);
    else if (first) run.started = await startedDocument(store, cluster, backup, signal);
  } catch (error) {
    if (!isUnusable(error)) throw error;
    run.fault = error.happened;
  }
  return run;
}

export function startedDocument(
  store: ObjectStore,
  cluster: string,
  backup: string,
  signal?: AbortSignal,
): Promise<StartedDocument> {
  return ownDocument(startedDocumentSchema, startedKey(cluster, backup), { store, cluster, backup, signal });
}

function backupDocument(
  store: ObjectStore,
  cluster: string,
  backup: string,
  signal?: AbortSignal,
): Promise<BackupDocument> {
  return ownDocument(backupDocumentSchema, backupKey(cluster, backup), { store, cluster, backup, signal });
}

async function ownDocument<T extends { cluster: string; backup: string }>(
  schema: z.ZodType<T>,
  key: string,
  of: { store: ObjectStore; cluster: string; backup: string; signal: AbortSignal | undefined },
): Promise<T> {
  const document = parseDocument(schema, (await readIfThere(of.store, key, of.signal)) ?? '', key);
  if (document.cluster === of.cluster && document.backup === of.backup) return document;
  const happened = `The document belongs to another backup: ${document.cluster}/${document.backup}`;
  throw new FerryError('ManifestInvalid', happened, { context: { key } });
}

/** The document is there and cannot be used, now or ever. */
export function isUnusable(error: unknown): error is FerryError {
  const codes = ['ManifestInvalid', 'ManifestTooNew', 'ObjectArchived', 'ObjectDamaged', 'ObjectMissing'];
  return error instanceof FerryError && codes.includes(error.code);
}

/** Empty where it is not known. */
export function identityOf({ document, started }: Run): readonly string[] {
  return (document ?? started)?.clusterIdentity ?? [];
}

/** Peers of a cluster come and go: each run that shares one with those before it adds its own. Unknown ones pass. */
export class SameCluster {
  readonly #known = new Set<string>();

  get peers(): string[] {
    return [...this.#known];
  }

  has(identity: readonly string[]): boolean {
    return identity.length === 0 || this.#known.size === 0 || sharesPeer(identity, this.peers);
  }

  add(identity: readonly string[]): void {
    for (const peer of identity) this.#known.add(peer);
  }
}

/** "peer 193757618734320", or "peers …7320, …": enough of each to tell clusters apart. */
export function clusterText(identity: readonly string[]): string {
  if (identity.length === 0) return 'a cluster without a known identity';
  const shown = identity.slice(0, 3).join(', ');
  const more = identity.length > 3 ? `, and ${identity.length - 3} more` : '';
  return `the cluster of peer ${shown}${more}`;
}
