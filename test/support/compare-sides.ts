// Compares two collections without anything of the product: not its reader, wire code, digest or parser. What the
// product proves is held against this.

import { compareSettings, settingsOf } from './compare-configuration.js';
import { printsOverGrpc } from './grpc-prints.js';
import { officialClient } from './official-client.js';
import { type PointPrint, type PointPrints, printsOverRest, shardKeys } from './point-prints.js';
import { collectionPath, rest, type RestSide } from './rest-text.js';

export interface Side extends RestSide {
  collection: string;
  /** Given on both sides: read over gRPC too. */
  grpcUrl?: string;
}

export interface FoundDifference {
  id: string;
  /** JSON text of the custom shard key. */
  shardKey?: string;
  kind: 'missing' | 'changed' | 'extra';
  /** "payload", "vector dense" */
  parts: string[];
}

export interface ComparedSides {
  points: number;
  /** Over REST, and what gRPC showed beyond that. */
  differences: FoundDifference[];
  /** Settings, payload indexes and exact counts, a sentence each. */
  configuration: string[];
}

export async function compareSides(source: Side, target: Side): Promise<ComparedSides> {
  return compareTaken(await takeSide(source), await takeSide(target));
}

/** Everything of a side that can be compared, kept for when the side itself is gone. */
export interface TakenSide {
  overRest: PointPrints;
  overGrpc?: PointPrints;
  settings: Map<string, string>;
  count: number;
}

export async function takeSide(side: Side): Promise<TakenSide> {
  const { grpcUrl, collection } = side;
  const overRest = await printsOverRest(side, collection);
  const taken = { overRest, settings: await settingsOf(side), count: await countByClient(side) };
  if (grpcUrl === undefined) return taken;
  return { ...taken, overGrpc: await printsOverGrpc(grpcUrl, collection, await shardKeys(side, collection)) };
}

export function compareTaken(a: TakenSide, b: TakenSide): ComparedSides {
  const differences = comparePrints(a.overRest, b.overRest);
  if (a.overGrpc !== undefined && b.overGrpc !== undefined) {
    const known = new Set(differences.map(placeOf));
    const beyond = comparePrints(a.overGrpc, b.overGrpc);
    differences.push(...beyond.filter((found) => !known.has(placeOf(found))));
  }
  const counts = a.count === b.count ? [] : [`exact count: ${a.count} and ${b.count}`];
  const configuration = [...compareSettings(a.settings, b.settings), ...counts];
  return { points: a.overRest.size, differences, configuration };
}

/** Names under which Qdrant also knows the collection, sorted. */
export async function aliasesOf(side: Side): Promise<string[]> {
  const { aliases } = await officialClient(side).getCollectionAliases(side.collection);
  return aliases.map((alias) => alias.alias_name).sort();
}

/** The client cannot be told of an authority of its own. */
async function countByClient(side: Side): Promise<number> {
  if (side.ca !== undefined) return countPoints(side);
  return (await officialClient(side).count(side.collection, { exact: true })).count;
}

export async function countPoints(side: Side): Promise<number> {
  const text = await rest(side, 'POST', `${collectionPath(side.collection)}/points/count`, '{"exact":true}');
  return (JSON.parse(text) as { result: { count: number } }).result.count;
}

function comparePrints(source: PointPrints, target: PointPrints): FoundDifference[] {
  const found: FoundDifference[] = [];
  for (const [key, print] of source) {
    const other = target.get(key);
    if (other === undefined) found.push(difference(print, 'missing', []));
    else if (partsThatDiffer(print, other).length > 0)
      found.push(difference(print, 'changed', partsThatDiffer(print, other)));
  }
  for (const [key, print] of target) if (!source.has(key)) found.push(difference(print, 'extra', []));
  return found;
}

function partsThatDiffer(a: PointPrint, b: PointPrint): string[] {
  const names = new Set([...Object.keys(a.vectors), ...Object.keys(b.vectors)]);
  const vectors = [...names]
    .filter((name) => a.vectors[name] !== b.vectors[name])
    .map((name) => `vector ${name}`);
  return a.payload === b.payload ? vectors : ['payload', ...vectors];
}

function difference(print: PointPrint, kind: FoundDifference['kind'], parts: string[]): FoundDifference {
  const where = print.shardKey === undefined ? {} : { shardKey: print.shardKey };
  return { id: print.id, ...where, kind, parts };
}

const placeOf = (found: FoundDifference) => `${found.shardKey ?? ''} ${found.id}`;
