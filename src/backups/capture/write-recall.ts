// The document of a baseline, beside the snapshots it belongs to. Promises to write it once: who finds one there returns
// it, for the manifest may name it already. Where nothing could be searched there is none.
//
// A baseline is, for each vector name, some stored points and what the source finds nearest to them, exactly and
// approximately. Nothing that goes wrong with a search is more than a sentence: the first refusal or time-out of a vector
// ends that vector, so that a source which is busy or strict is not asked again and again.

import type { WriteRecallInput, WriteRecallResult } from '../../model/contracts/backup-activities.js';
import { recallKey } from '../../model/format/backup-names.js';
import { MANIFEST_VERSION } from '../../model/format/fields.js';
import { parseDocument } from '../../model/format/parse-document.js';
import { FerryError } from '../../model/errors.js';
import { fairShare, spreadOver } from '../../model/format/recall.js';
import {
  queriesIn,
  recallDocumentSchema,
  type RecallDocument,
  type RecallQuery,
} from '../../model/format/recall-document.js';
import { documentText } from '../../model/format/document-text.js';
import { objectAt, type JsonObject } from '../../model/json.js';
import { mapInOrder } from '../../model/map-in-order.js';
import { settingsOf, vectorsOf } from '../../model/settings/collection-settings.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { ClusterControl } from '../../cluster/control-port.js';
import { shardKeysOf, strictLimit } from '../../cluster/look.js';
import type { SearchPlace, Searches } from '../../cluster/snapshots-port.js';
import { readIfThere, sha256OfText } from '../../shards/read-text.js';

/** What a backup may be longer by, at most. */
const BUDGET_MS = 5 * 60_000;
const MOST_NAMED = 5;

export interface RecallDeps {
  store: ObjectStore;
  control: ClusterControl;
  searches: Searches;
  budgetMs?: number;
}

export async function writeRecall(
  { store, control, searches, budgetMs = BUDGET_MS }: RecallDeps,
  input: WriteRecallInput,
  signal: AbortSignal,
): Promise<WriteRecallResult> {
  const { collection, queries } = input;
  const key = recallKey(input.cluster, input.backup, collection);
  const there = await readIfThere(store, key, signal);
  if (there !== undefined) return resultOf(key, there, parseDocument(recallDocumentSchema, there, key));
  const startedAt = new Date().toISOString();
  const taken = await takeRecall({ control, searches, collection, queries, budgetMs, signal });
  if (taken.vectors.length === 0) return { notes: notesOn(taken) };
  const document = documentOf(input, startedAt, taken);
  const text = documentText(document);
  await store.put(key, Buffer.from(text), { ifAbsent: true, contentType: 'application/json' });
  return resultOf(key, text, document);
}

function documentOf(
  { cluster, backup, collection }: WriteRecallInput,
  startedAt: string,
  taken: Taken,
): RecallDocument {
  return {
    format: 'qdrant-ferry/recall',
    version: MANIFEST_VERSION,
    backup,
    cluster,
    collection,
    startedAt,
    finishedAt: new Date().toISOString(),
    ...taken,
  };
}

function resultOf(key: string, text: string, document: RecallDocument): WriteRecallResult {
  const recall = { key, bytes: Buffer.byteLength(text), sha256: sha256OfText(text) };
  return { recall, queries: queriesIn(document), notes: notesOn(document) };
}

function notesOn({ leftOut }: Taken): string[] {
  const named = leftOut.slice(0, MOST_NAMED);
  return named.map(({ vector, why }) => {
    const which = vector === '' ? 'the unnamed vector' : `the vector "${vector}"`;
    return `Not every search of the baseline for ${which} was answered (${why})`;
  });
}

const NEIGHBOURS = 10;
/** Enough to keep a node busy, too few to be noticed by those who use it. */
const SEARCHES_AT_ONCE = 2;

interface TakingRecall {
  control: ClusterControl;
  searches: Searches;
  collection: string;
  /** Points to search by, for each vector name. */
  queries: number;
  /** No search begins later. */
  budgetMs: number;
  signal: AbortSignal;
}

type Taken = Pick<RecallDocument, 'limit' | 'vectors' | 'leftOut'>;

export async function takeRecall(taking: TakingRecall): Promise<Taken> {
  const { control, collection, signal } = taking;
  const until = performance.now() + taking.budgetMs;
  const settings = settingsOf((await control.info(collection, signal)).config);
  const most = strictLimit(settings, 'max_query_limit') ?? Infinity;
  const keys = await keysOf(control, collection, settings, signal);
  const taken: Taken = { limit: Math.min(NEIGHBOURS, most), vectors: [], leftOut: [] };
  for (const vector of vectorNames(settings)) {
    const queries: RecallQuery[] = [];
    const why = await askAbout(taking, { vector, keys, until, most, limit: taken.limit }, queries);
    if (queries.length > 0) taken.vectors.push({ vector, queries });
    if (why !== undefined) taken.leftOut.push({ vector, why });
  }
  return taken;
}

function vectorNames(settings: JsonObject): string[] {
  return [...Object.keys(vectorsOf(settings)), ...Object.keys(objectAt(settings.sparse_vectors))];
}

/** Without custom sharding a search needs no key. */
async function keysOf(
  control: ClusterControl,
  collection: string,
  settings: JsonObject,
  signal: AbortSignal,
): Promise<(ShardKey | undefined)[]> {
  if (settings.sharding_method !== 'custom') return [undefined];
  return shardKeysOf(await control.layout(collection, signal)).map((one) => one.key);
}

interface Subject {
  vector: string;
  keys: (ShardKey | undefined)[];
  until: number;
  /** What strict mode lets one request ask for. */
  most: number;
  limit: number;
}

/** Adds to `queries`; why it ended before its time, if it did. */
async function askAbout(
  taking: TakingRecall,
  { vector, keys, until, most, limit }: Subject,
  queries: RecallQuery[],
): Promise<string | undefined> {
  const { searches, collection, signal } = taking;
  const asked = spreadOver(keys, taking.queries);
  try {
    for (const [at, shardKey] of asked.entries()) {
      const place = { collection, vector, ...(shardKey === undefined ? {} : { shardKey }) };
      const wanted = Math.min(most, fairShare(taking.queries - queries.length, asked.length - at));
      if (wanted < 1) break;
      const points = await searches.sample(place, wanted, signal);
      await mapInOrder(points, SEARCHES_AT_ONCE, async (point) => {
        if (performance.now() > until)
          throw new FerryError('QdrantUnavailable', 'The time for the searches was over');
        const query = await search(taking, place, point, limit);
        if (query) queries.push(query);
      });
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof FerryError)) throw error;
    return `${error.code}: ${error.happened}`.slice(0, 300);
  }
}

/** Undefined where nothing is near, or the point is gone by now. */
async function search(
  { searches, signal }: TakingRecall,
  place: SearchPlace,
  point: string,
  limit: number,
): Promise<RecallQuery | undefined> {
  const found = await searches.nearest(place, point, limit, signal);
  if (found === undefined || found.exact.length === 0) return undefined;
  return { ...(place.shardKey === undefined ? {} : { shardKey: place.shardKey }), point, ...found };
}
