// From what a user asked for to real collections, the store, and the queue whose workers see it. Promises that the
// cluster answered, that every name or pattern means something, and that a node snapshot can be had where one was asked
// for, before anything is captured.

import type { ResolveBackupInput, ResolveBackupResult } from '../../model/contracts/backup-activities.js';
import { FerryError } from '../../model/errors.js';
import type { StoreConnection } from '../../model/ferry-config.js';
import { listed } from '../../model/collections.js';
import { isRehearsalName, RUN_DOCUMENTS, swapAlias } from '../../model/format/backup-names.js';
import { isPattern, isSelected, matchesName } from '../../model/name-patterns.js';
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
  const meant = collectionsMeant(input, names, aliases);
  leaveOutReserved(meant, input);
  const wanted = [...meant.names].sort();
  const dataQueue = store.taskQueue ?? controls.taskQueueOf(input.cluster) ?? DATA_QUEUE;
  return {
    store: store.alias,
    ...pageOf(wanted, input.after),
    dataQueue,
    qdrantVersion,
    ...(input.after === undefined ? { notes: [...notes, ...meant.notes] } : {}),
  };
}

/** One collection of such a name would keep the documents of the run, and so all others, from being stored on a disk. */
export function leaveOutReserved(
  { names, notes }: Meant,
  { cluster, collections, onMissing }: Pick<ResolveBackupInput, 'cluster' | 'collections' | 'onMissing'>,
): void {
  for (const name of RUN_DOCUMENTS) {
    if (!names.delete(name)) continue;
    const why = 'a document of each backup has this name';
    if (collections?.includes(name) && onMissing !== 'continue') {
      const happened = `The collection "${name}" cannot be backed up: ${why}`;
      throw new FerryError('InvalidInput', happened, { context: { cluster, collection: name } });
    }
    notes.push(`Left out: "${name}" cannot be backed up, because ${why}. Copy it under another name.`);
  }
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

export interface Meant {
  names: Set<string>;
  /** What was left out, and what matched nothing. */
  notes: string[];
}

/** `onMissing: continue`: a name that is not there is taken as it is, and fails by itself. */
export function collectionsMeant(
  { cluster, collections, exclude, onMissing }: AskedCollections,
  there: string[],
  aliases: Alias[],
): Meant {
  const behind = new Map(aliases.map((one) => [one.alias, one.collection]));
  const meant: Meant = { names: new Set(), notes: [] };
  const aliased = new Set(behind.values());
  const own = new Set(there.filter((name) => !aliased.has(name) && isOwn(name, behind)));
  const living = there.filter((name) => !own.has(name));
  for (const asked of collections ?? ['*']) {
    const found = meaning(asked, { there, living, behind });
    if (found.length > 0 || collections === undefined) found.forEach((name) => meant.names.add(name));
    else if (onMissing !== 'continue') throw notFound(cluster, asked, [...there, ...behind.keys()]);
    else if (isPattern(asked)) meant.notes.push(`"${asked}" matches no collection of "${cluster}".`);
    else meant.names.add(asked);
  }
  for (const name of meant.names) if (!isSelected({ exclude }, name)) meant.names.delete(name);
  const leftOut = [...own].filter(
    (name) => !meant.names.has(name) && isSelected({ collections, exclude }, name),
  );
  if (leftOut.length > 0)
    meant.notes.push(`Left out, as remains of rehearsals and swaps: ${listed(leftOut.sort())}.`);
  return meant;
}

type AskedCollections = Pick<ResolveBackupInput, 'cluster' | 'collections' | 'exclude' | 'onMissing'>;

/** To which no alias leads: a rehearsal's, or made by a `swap` for an alias that leads to another one now, or still does. */
function isOwn(name: string, behind: Map<string, string>): boolean {
  if (isRehearsalName(name)) return true;
  const alias = swapAlias(name);
  return alias !== undefined && behind.has(alias);
}

interface Names {
  there: string[];
  /** Without ferry's own, which are meant only by their whole names. */
  living: string[];
  behind: Map<string, string>;
}

function meaning(asked: string, { there, living, behind }: Names): string[] {
  if (there.includes(asked)) return [asked];
  const aliased = behind.get(asked);
  return aliased === undefined ? living.filter((name) => matchesName(asked, name)) : [aliased];
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
