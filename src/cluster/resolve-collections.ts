// From the names in a job's input to pairs of real collections. Promises that both clusters answered, that every name exists
// on the source, and that no two collections go to one name, before anything is written. Fails at once, without
// retries: the user waits for it.

import type { ResolveCollectionsInput, ResolveCollectionsResult } from '../model/contracts/activities.js';
import { FerryError } from '../model/errors.js';
import { DATA_QUEUE } from '../model/names.js';
import { pointsNeed, type NeedyOperation } from '../model/contracts/needs.js';
import type { Alias, ClusterControl, Controls } from './control-port.js';
import { requireNeeds } from './require-needs.js';
import { compareClusters, requireKnownCluster } from './same-cluster.js';

type Pair = ResolveCollectionsResult['collections'][number];

const PAGE_BYTES = 10_240;

export async function resolveCollections(
  controls: Controls,
  input: ResolveCollectionsInput,
  signal?: AbortSignal,
): Promise<ResolveCollectionsResult> {
  const [source, target] = [controls.of(input.source), controls.of(input.target)];
  const operation = operationOf(input);
  const notes = await Promise.all([
    requireNeeds(source, pointsNeed(operation, 'source'), signal),
    requireNeeds(target, pointsNeed(operation, 'target'), signal),
  ]);
  const [names, aliases, taken] = await Promise.all([
    source.collections(signal),
    source.aliases(signal),
    target.aliases(signal),
  ]);
  const pairs = pairsOf(input, names, aliases);
  refuseSharedTargets(pairs);
  if (!input.namesMayBeAliases) refuseTakenNames(pairs, taken, input.target);
  await refuseItself(pairs, source, target, signal);
  if (input.writes) await refuseChains(pairs, source, target, signal);
  const dataQueue = controls.taskQueueOf(input.target) ?? controls.taskQueueOf(input.source) ?? DATA_QUEUE;
  return {
    ...pageOf(pairs, input.after),
    dataQueue,
    ...(input.after === undefined ? { notes: notes.flat() } : {}),
  };
}

function operationOf({ writes, namesMayBeAliases }: ResolveCollectionsInput): NeedyOperation {
  if (!writes) return 'verifyCollections';
  return namesMayBeAliases ? 'snapshotMigration' : 'scrollMigration';
}

function pairsOf(input: ResolveCollectionsInput, names: string[], aliases: Alias[]): Pair[] {
  const behind = new Map(aliases.map((one) => [one.alias, one.collection]));
  const there = new Set(names);
  const asked = input.collections ?? names;
  refuseUnusedNames(input, asked);
  const pairs = asked.map((name): Pair => {
    const source = there.has(name) ? name : behind.get(name);
    if (source === undefined) throw notFound(input.source, name, [...names, ...behind.keys()]);
    const as = input.as && Object.hasOwn(input.as, name) ? input.as[name] : undefined;
    return { asked: name, source, target: as ?? source };
  });
  return pairs.sort((a, b) => (a.source < b.source ? -1 : a.source > b.source ? 1 : 0));
}

function notFound(cluster: string, name: string, known: string[]): FerryError {
  const shown = known.sort().slice(0, 10).join(', ') || 'none';
  const more = known.length > 10 ? `, and ${known.length - 10} more` : '';
  const happened = `The cluster "${cluster}" has no collection or alias "${name}". It has: ${shown}${more}`;
  return new FerryError('CollectionNotFound', happened, { context: { cluster, collection: name } });
}

function refuseUnusedNames({ as }: ResolveCollectionsInput, asked: string[]): void {
  const unused = Object.keys(as ?? {}).filter((name) => !asked.includes(name));
  if (unused.length === 0) return;
  const happened = `\`as\` names "${unused.slice(0, 10).join('", "')}", which this job does not include`;
  throw new FerryError('InvalidInput', happened);
}

function refuseSharedTargets(pairs: Pair[]): void {
  const sources = new Map<string, Pair>();
  const targets = new Map<string, Pair>();
  for (const pair of pairs) {
    const twice = sources.get(pair.source);
    if (twice) {
      const happened = `"${twice.asked}" and "${pair.asked}" are the same collection, "${pair.source}"`;
      throw new FerryError('InvalidInput', happened);
    }
    const other = targets.get(pair.target);
    if (other) {
      const happened = `"${other.asked}" and "${pair.asked}" would both be written to "${pair.target}" on the target`;
      throw new FerryError('InvalidInput', happened);
    }
    sources.set(pair.source, pair);
    targets.set(pair.target, pair);
  }
}

function refuseTakenNames(pairs: Pair[], aliases: Alias[], cluster: string): void {
  const behind = new Map(aliases.map((one) => [one.alias, one.collection]));
  const taken = pairs.find((pair) => behind.has(pair.target));
  if (!taken) return;
  const happened =
    `"${taken.target}" is an alias on the cluster "${cluster}" (of "${behind.get(taken.target)}"), ` +
    'so no collection can have that name';
  throw new FerryError('NameTakenByAlias', happened, { context: { cluster, collection: taken.target } });
}

async function refuseItself(
  pairs: Pair[],
  source: ClusterControl,
  target: ClusterControl,
  signal?: AbortSignal,
): Promise<void> {
  const itself = pairs.find((pair) => pair.source === pair.target);
  if (!itself || (await compareClusters(source, target, signal)) !== 'same') return;
  const both =
    source.alias === target.alias ? `"${source.alias}"` : `"${source.alias}" and "${target.alias}"`;
  const happened =
    `Source and target are one cluster (${both}), so "${itself.source}" would be copied onto itself. ` +
    'Give it another name with `as`';
  throw new FerryError('InvalidInput', happened, { context: { collection: itself.source } });
}

/** Inside one cluster no collection may be read that the same job writes. */
async function refuseChains(
  pairs: Pair[],
  source: ClusterControl,
  target: ClusterControl,
  signal?: AbortSignal,
): Promise<void> {
  const read = new Map(pairs.map((pair) => [pair.source, pair]));
  const chained = pairs.flatMap((pair) => {
    const next = read.get(pair.target);
    return next === undefined || next === pair ? [] : [{ pair, next }];
  });
  const [first] = chained;
  if (!first || (await requireKnownCluster(source, target, signal)) !== 'same') return;
  const { pair, next } = first;
  const through = next.asked === next.source ? '' : ` (the alias "${next.asked}" leads to it)`;
  const happened =
    `"${pair.source}" would be written to "${pair.target}"${through}, which this job itself reads to write ` +
    `"${next.target}": ${pair.source} -> ${pair.target} -> ${next.target} inside one cluster. Run one job after the other`;
  throw new FerryError('InvalidInput', happened, { context: { collection: pair.target } });
}

function pageOf(pairs: Pair[], after: string | undefined): Omit<ResolveCollectionsResult, 'dataQueue'> {
  const rest = after === undefined ? pairs : pairs.filter((pair) => pair.source > after);
  const page: Pair[] = [];
  let bytes = 0;
  for (const pair of rest) {
    bytes += Buffer.byteLength(JSON.stringify(pair)) + 1;
    if (page.length > 0 && bytes > PAGE_BYTES) break;
    page.push(pair);
  }
  const last = page.at(-1);
  return page.length < rest.length && last ? { collections: page, next: last.source } : { collections: page };
}
