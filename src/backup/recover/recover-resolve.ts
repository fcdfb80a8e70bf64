// From what a user asked for to one backup for each collection. Judged per collection: a broken or unfinished one makes
// an older complete one count, and is named. With a backup named, all of it is taken, and what is broken fails later, by
// itself. Reads manifests, not the objects behind them.

import { FerryError } from '../../model/errors.js';
import type { CollectionBackupRef } from '../../model/backup-activities.js';
import type { ResolveRecoveryInput, ResolveRecoveryResult } from '../../model/recovery-activities.js';
import { backupFolder, clusterFolder, isBackupId, timeOfBackup } from '../../model/backup-names.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readManifest } from './recover-manifest.js';
import type { Stores } from './recover-ports.js';

export const PAGE_BYTES = 10_240;

type Found = ResolveRecoveryResult['recoveries'][number];

export async function resolveRecovery(
  stores: Stores,
  input: ResolveRecoveryInput,
  signal?: AbortSignal,
): Promise<ResolveRecoveryResult> {
  const store = stores.open(input.store);
  const cluster = await clusterOf(store, input);
  const backups = await backupsOf(store, cluster, input);
  const names = await collectionsOf(store, cluster, backups);
  const wanted = wantedNames(input, names);
  refuseUnusedNames(input, wanted);
  const notes: string[] = [];
  const rest = wanted.filter((name) => input.after === undefined || name > input.after);
  const page: Found[] = [];
  let bytes = 0;
  for (const name of rest) {
    signal?.throwIfAborted();
    const found = await latest(store, input, { cluster, ids: names.get(name) ?? [], name, notes });
    bytes += Buffer.byteLength(JSON.stringify(found)) + 1;
    if (page.length > 0 && bytes > PAGE_BYTES)
      return { recoveries: page, next: last(page), notes: notes.slice(0, 10) };
    page.push(found);
  }
  return { recoveries: page, notes: notes.slice(0, 10) };
}

export function last(page: readonly Found[]): string {
  return page.at(-1)?.from.collection ?? '';
}

async function clusterOf(store: ObjectStore, input: ResolveRecoveryInput): Promise<string> {
  const there: string[] = [];
  // No alias begins with a dot: that is what a probe could not delete.
  for await (const name of store.folders('')) if (!name.startsWith('.')) there.push(name);
  if (input.cluster !== undefined) {
    if (there.includes(input.cluster)) return input.cluster;
    throw notFound(
      input,
      `has no backup of the cluster "${input.cluster}". It has backups of: ${listed(there)}`,
    );
  }
  const only = there.length === 1 ? there[0] : there.find((name) => name === input.target);
  if (only !== undefined) return only;
  if (there.length === 0) throw notFound(input, 'has no backup at all');
  throw notFound(
    input,
    `has backups of several clusters: ${listed(there)}. Say which one is meant with \`cluster\``,
  );
}

/** Newest first. */
async function backupsOf(
  store: ObjectStore,
  cluster: string,
  input: ResolveRecoveryInput,
): Promise<string[]> {
  const ids: string[] = [];
  for await (const name of store.folders(clusterFolder(cluster))) if (isBackupId(name)) ids.push(name);
  const before = input.before === undefined ? Infinity : Date.parse(input.before);
  const fit = ids.filter((id) => (timeOfBackup(id)?.getTime() ?? Infinity) < before);
  const chosen = input.backup === undefined ? fit : fit.filter((id) => id === input.backup);
  if (chosen.length > 0) return chosen.sort().reverse();
  const which = input.backup === undefined ? 'backup' : `backup ${input.backup}`;
  const when = input.before === undefined ? '' : ` before ${input.before}`;
  throw notFound(input, `has no ${which} of "${cluster}"${when}. It has: ${listed(ids.sort().reverse())}`);
}

/** For each collection the backups that hold something of it, newest first. */
async function collectionsOf(
  store: ObjectStore,
  cluster: string,
  backups: readonly string[],
): Promise<Map<string, string[]>> {
  const names = new Map<string, string[]>();
  for (const id of backups) {
    for await (const name of store.folders(backupFolder(cluster, id))) {
      names.set(name, [...(names.get(name) ?? []), id]);
    }
  }
  return names;
}

function wantedNames(input: ResolveRecoveryInput, names: Map<string, string[]>): string[] {
  const wanted = [...new Set(input.collections ?? names.keys())].sort();
  const missing = wanted.find((name) => !names.has(name));
  if (missing === undefined && wanted.length > 0) return wanted;
  const what = missing === undefined ? 'of any collection' : `of a collection "${missing}"`;
  throw notFound(input, `has no backup ${what}. It has: ${listed([...names.keys()].sort())}`);
}

interface Candidate {
  cluster: string;
  ids: readonly string[];
  name: string;
  notes: string[];
}

async function latest(store: ObjectStore, input: ResolveRecoveryInput, candidate: Candidate): Promise<Found> {
  const { cluster, ids, name, notes } = candidate;
  const target = (input.as && Object.hasOwn(input.as, name) ? input.as[name] : undefined) ?? name;
  const refOf = (backup: string): CollectionBackupRef => ({
    store: input.store,
    cluster,
    backup,
    collection: name,
  });
  for (const id of ids) {
    const found = await readIfSound(store, refOf(id));
    if (typeof found !== 'string') return { from: refOf(id), target, ...found };
    // A backup that was named is tried as it is: then it says of this collection what is wrong.
    if (input.backup === undefined) notes.push(`${name}: passed over ${id}: ${found}.`);
  }
  const chosen = input.backup ?? ids[0] ?? '';
  return { from: refOf(chosen), target, points: 0, bytes: 0 };
}

async function readIfSound(
  store: ObjectStore,
  from: CollectionBackupRef,
): Promise<{ points: number; bytes: number } | string> {
  try {
    const { manifest } = await readManifest(store, from);
    return { points: manifest.points, bytes: manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0) };
  } catch (error) {
    if (error instanceof FerryError && !error.retryable && error.code !== 'StoreAccessDenied')
      return error.happened;
    throw error;
  }
}

export function refuseUnusedNames({ as }: ResolveRecoveryInput, wanted: string[]): void {
  const unused = Object.keys(as ?? {}).filter((name) => !wanted.includes(name));
  if (unused.length > 0) {
    const happened = `\`as\` names "${unused.slice(0, 10).join('", "')}", which is not among the collections of this job`;
    throw new FerryError('InvalidInput', happened);
  }
  const targets = wanted.map((name) => as?.[name] ?? name);
  const twice = targets.find((name, at) => targets.indexOf(name) !== at);
  if (twice !== undefined)
    throw new FerryError('InvalidInput', `Two collections would both go to "${twice}"`);
}

export function listed(names: readonly string[]): string {
  const more = names.length > 10 ? `, and ${names.length - 10} more` : '';
  return `${names.slice(0, 10).join(', ') || 'nothing'}${more}`;
}

function notFound(input: ResolveRecoveryInput, what: string): FerryError {
  return new FerryError('BackupNotFound', `The store "${input.store}" ${what}`, {
    context: { store: input.store },
  });
}
