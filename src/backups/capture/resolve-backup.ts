// From what a user asked for to real collections, the store, and the queue whose workers see it. Promises that the
// cluster answered, that every name or pattern means something, and that a node snapshot can be had where one was asked
// for, before anything is captured.

import type { ResolveBackupInput, ResolveBackupResult } from '../../model/contracts/backup-activities.js';
import { FerryError } from '../../model/errors.js';
import type { StoreConnection } from '../../model/ferry-config.js';
import { DATA_QUEUE } from '../../model/names.js';
import { pointsNeed } from '../../model/contracts/needs.js';
import type { Alias, ClusterFacts, Controls } from '../../cluster/control-port.js';
import { requireNeeds } from '../../cluster/require-needs.js';

const PAGE_BYTES = 10_240;

export interface BackupPlaces {
  controls: Controls;
  /** The store of that alias, or the default one. */
  storeOf(alias: string | undefined): StoreConnection;
}

export async function resolveBackup(
  { controls, storeOf }: BackupPlaces,
  input: ResolveBackupInput,
  signal?: AbortSignal,
): Promise<ResolveBackupResult> {
  const store = storeOf(input.store);
  if (store.readOnly) throw readOnly(store);
  const control = controls.of(input.cluster);
  const notes = await requireNeeds(
    control,
    pointsNeed('fullBackup', 'source', { digest: input.digest !== false }),
    signal,
  );
  if (input.nodeSnapshot) await refuseSeveralNodes(control, signal);
  const [names, aliases, qdrantVersion] = await Promise.all([
    control.collections(signal),
    control.aliases(signal),
    control.version(signal),
  ]);
  const wanted = [...collectionsMeant(input, names, aliases)].sort();
  const dataQueue = store.taskQueue ?? controls.taskQueueOf(input.cluster) ?? DATA_QUEUE;
  return {
    store: store.alias,
    ...pageOf(wanted, input.after),
    dataQueue,
    qdrantVersion,
    ...(input.after === undefined ? { notes } : {}),
  };
}

function readOnly({ alias }: StoreConnection): FerryError {
  const happened = `ferry.yaml marks the store "${alias}" as \`readOnly\``;
  return new FerryError('StoreReadOnly', happened, { context: { store: alias } });
}

/** Qdrant's full storage snapshot is of one node; of a cluster it would be a part, and look like all of it. */
async function refuseSeveralNodes(control: ClusterFacts, signal?: AbortSignal): Promise<void> {
  const nodes = Math.max((await control.peers(signal)).length, control.nodeUrls.length);
  if (nodes <= 1) return;
  const happened = `\`nodeSnapshot\` is for a cluster of one node, and "${control.alias}" has ${nodes}. Without it, the backup holds every shard of all of them`;
  throw new FerryError('InvalidInput', happened, { context: { cluster: control.alias } });
}

export function collectionsMeant(
  { cluster, collections }: Pick<ResolveBackupInput, 'cluster' | 'collections'>,
  names: string[],
  aliases: Alias[],
): Set<string> {
  if (collections === undefined) return new Set(names);
  const behind = new Map(aliases.map((one) => [one.alias, one.collection]));
  const meant = new Set<string>();
  for (const asked of collections) {
    const found = meaning(asked, names, behind);
    if (found.length === 0) throw notFound(cluster, asked, [...names, ...behind.keys()]);
    for (const name of found) meant.add(name);
  }
  return meant;
}

function meaning(asked: string, names: string[], behind: Map<string, string>): string[] {
  if (names.includes(asked)) return [asked];
  const aliased = behind.get(asked);
  if (aliased !== undefined) return [aliased];
  const pattern = patternOf(asked);
  return pattern ? names.filter((name) => pattern.test(name)) : [];
}

function patternOf(text: string): RegExp | undefined {
  if (!/[*?]/.test(text)) return undefined;
  const escaped = text.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}

function notFound(cluster: string, asked: string, known: string[]): FerryError {
  const shown = known.sort().slice(0, 10).join(', ') || 'none';
  const more = known.length > 10 ? `, and ${known.length - 10} more` : '';
  const happened = `The cluster "${cluster}" has no collection, alias or match for "${asked}". It has: ${shown}${more}`;
  return new FerryError('CollectionNotFound', happened, { context: { cluster, collection: asked } });
}

function pageOf(
  names: string[],
  after: string | undefined,
): Pick<ResolveBackupResult, 'collections' | 'next'> {
  const rest = after === undefined ? names : names.filter((name) => name > after);
  const page: string[] = [];
  let bytes = 0;
  for (const name of rest) {
    bytes += Buffer.byteLength(name) + 8;
    if (page.length > 0 && bytes > PAGE_BYTES) break;
    page.push(name);
  }
  const last = page.at(-1);
  return page.length < rest.length && last !== undefined
    ? { collections: page, next: last }
    : { collections: page };
}
