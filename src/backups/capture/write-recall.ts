// The document of a baseline, beside the snapshots it belongs to. Promises to write it once: who finds one there returns
// it, for the manifest may name it already. Where nothing could be searched there is none.

import type { WriteRecallInput, WriteRecallResult } from '../../model/contracts/backup-activities.js';
import { recallKey } from '../../model/format/backup-names.js';
import { MANIFEST_VERSION, parseDocument } from '../../model/format/manifest.js';
import { queriesIn, recallDocumentSchema, type RecallDocument } from '../../model/format/recall-document.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { ClusterControl } from '../../cluster/control-port.js';
import type { Searches } from '../../cluster/snapshots-port.js';
import { readIfThere, sha256OfText } from '../../shards/read-text.js';
import { takeRecall, type Taken } from './take-recall.js';

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
  const text = `${JSON.stringify(document, null, 1)}\n`;
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
