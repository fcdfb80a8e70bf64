// The baseline of searches of a real Qdrant 1.16.3: what is written down, and what a recovered 1.17.0 finds of it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { showBackup } from '../../src/backups/catalogue/catalogue.js';
import { backupSource } from '../../src/backups/backup-source.js';
import { pointCodec } from '../../src/qdrant/points/stored-points.js';
import { readManifest } from '../../src/backups/catalogue/check-objects.js';
import type { Searches } from '../../src/cluster/snapshots-port.js';
import { readText, sha256OfText } from '../../src/shards/read-text.js';
import { replayRecall } from '../../src/recovery/replay-recall.js';
import { takeRecall, writeRecall } from '../../src/backups/capture/write-recall.js';
import { backupIdOf, recallKey } from '../../src/model/format/backup-names.js';
import type { ClusterConnection } from '../../src/model/cluster.js';
import {
  queriesIn,
  recallDocumentSchema,
  type RecallDocument,
} from '../../src/model/format/recall-document.js';
import type { ReplayRecallResult } from '../../src/model/contracts/recovery-activities.js';
import { shardKeyText } from '../../src/model/state/slice.js';
import { qdrantSearches } from '../../src/qdrant/searches.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { seededRandom } from '../../demo/seeded-random.js';
import { awaitReady } from '../../src/cluster/await-ready.js';
import { takePin } from '../../src/cluster/pin.js';
import { startControlSides, type ControlSides } from '../support/control-sides.js';
import { damageIn, makeBackup, type Made } from '../support/make-backup.js';
import { filePlaceForTests, type StorePlace } from '../support/object-stores.js';
import { recover } from '../support/recover-in-process.js';
import { collectionPath, recreateCollection, rest, upsertTexts } from '../support/rest-text.js';
import { fillWorst } from '../support/worst-collection.js';
import { fillSharded } from '../support/worst-sharded.js';

const WIDE_IDS = [
  '9007199254740993',
  '9007199254740995',
  '18446744073709551614',
  '18446744073709551615',
  'c0ffee00-0000-4000-8000-000000000001',
  'c0ffee00-0000-4000-8000-000000000002',
];
const never = new AbortController().signal;

let sides: ControlSides;
let place: StorePlace;
let store: ObjectStore;
let clusters: Record<string, ClusterConnection>;
const searchesOf = (cluster: string): Searches => qdrantSearches(clusters)(cluster);

beforeAll(async () => {
  sides = await startControlSides();
  place = await filePlaceForTests();
  store = openStore(place.connection);
  clusters = {
    source: { alias: 'source', nodes: [sides.source] },
    target: { alias: 'target', nodes: [sides.target] },
  };
  await fillWorst(sides.source, 'worst', { shards: 2, large: false, ordinary: 200 });
  await fillSharded(sides.source, 'keyed', 40);
  await recreateCollection(sides.source, 'wide', '{"vectors":{"size":2,"distance":"Euclid"}}');
  const points = WIDE_IDS.map((id, at) => `{"id":${jsonOf(id)},"vector":[${at}.5,${at * at}.25]}`);
  await upsertTexts(sides.source, 'wide', points);
});
afterAll(async () => {
  await sides?.stop();
  await place?.end();
});

const jsonOf = (id: string) => (id.length === 36 ? `"${id}"` : id);

function backUp(collection: string, queries = 20): Promise<Made> {
  return makeBackup(store, clusters['source'] as ClusterConnection, collection, 'auto', queries);
}

async function baselineOf(made: Made): Promise<RecallDocument> {
  const { recall } = await readManifest(store, made);
  const text = await readText(store, recall?.key ?? '');
  expect(recall).toEqual({
    key: recallKey(made.cluster, made.backup, made.collection),
    bytes: Buffer.byteLength(text),
    sha256: sha256OfText(text),
  });
  return recallDocumentSchema.parse(JSON.parse(text));
}

interface Recovered {
  as: string;
  replay(searches?: Searches): Promise<ReplayRecallResult>;
}

async function recovered(made: Made, as: string): Promise<Recovered> {
  const { cluster, backup, collection } = made;
  const from = { store: store.alias, cluster, backup, collection };
  const { manifestSha256, hasRecall } = await recover({ clusters, store, from, to: 'target', as });
  expect(hasRecall).toBe(true);
  const target = { cluster: 'target', collection: as };
  const control = sides.controls.of('target');
  const targetPin = await takePin(control, as, await control.info(as));
  const replay = (searches = searchesOf('target')) =>
    replayRecall(
      { source: backupSource(() => store, pointCodec), searches },
      { from, target, targetPin, manifestSha256 },
      never,
    );
  return { as, replay };
}

describe('the baseline of a collection', () => {
  it('is by every vector name, multivectors and sparse ones too, and found again on what was recovered', async () => {
    const made = await backUp('worst');
    const baseline = await baselineOf(made);
    expect(baseline.leftOut).toEqual([]);
    const dense = ['bytes', 'cosine', 'dense', 'half', 'half rows', 'rows', 'ünïcode 🦀'];
    expect(baseline.vectors.map((one) => one.vector)).toEqual([...dense, 'half words', 'words']);
    expect(baseline.vectors.every((one) => one.queries.length > 0 && one.queries.length <= 20)).toBe(true);
    const { replay } = await recovered(made, 'worst-again');
    const { recall, notes } = await replay();
    expect(notes).toEqual([]);
    expect(recall).toEqual({ exact: 1, approximate: 1, atCapture: 1, queries: queriesIn(baseline) });
  });

  it('keeps ids over 2^53 and UUIDs as they are', async () => {
    const made = await backUp('wide');
    const { vectors } = await baselineOf(made);
    expect(vectors.map((one) => one.vector)).toEqual(['']);
    const queries = vectors[0]?.queries ?? [];
    expect(queries.map((one) => one.point).sort()).toEqual([...WIDE_IDS].sort());
    for (const { point, exact } of queries) {
      const others = WIDE_IDS.filter((id) => id !== point).sort();
      expect(exact.map((one) => one.id).sort()).toEqual(others);
    }
    const { replay } = await recovered(made, 'wide-again');
    const shares = { exact: 1, approximate: 1, atCapture: 1, queries: WIDE_IDS.length };
    expect(await replay()).toEqual({ recall: shares, notes: [] });
  });

  it('searches each shard key by its own points, though the ids are the same under all', async () => {
    const made = await backUp('keyed');
    const queries = (await baselineOf(made)).vectors[0]?.queries ?? [];
    const keys = queries.map((one) => shardKeyText(one.shardKey));
    expect([...new Set(keys)].sort()).toEqual(['18446744073709551615', '7', 'eu', 'us']);
    for (const { shardKey, point, exact } of queries) {
      expect([point, exact[0]?.score]).toEqual([point, expect.closeTo(bestScore(shardKey, point), 1)]);
    }
    const { replay } = await recovered(made, 'keyed-again');
    expect(await replay()).toEqual({
      recall: { exact: 1, approximate: 1, atCapture: 1, queries: queries.length },
      notes: [],
    });
  });

  it.each([
    ['points', '{"vectors":{"size":2,"distance":"Dot"}}', []],
    ['vectors', '{"vectors":{}}', ['{"id":1,"vector":{}}']],
    ['a second point', '{"vectors":{"size":2,"distance":"Dot"}}', ['{"id":1,"vector":[1,2]}']],
  ])('is none without %s, and the backup is complete', async (_, settings, points) => {
    await recreateCollection(sides.source, 'bare', settings);
    if (points.length > 0) await upsertTexts(sides.source, 'bare', points);
    const made = await backUp('bare');
    const manifest = await readManifest(store, made);
    expect([manifest.recall, manifest.notes]).toEqual([undefined, []]);
    expect(await showBackup(store, made)).toMatchObject({ complete: true });
  });

  it('is a sentence in the manifest where strict mode forbids the searches', async () => {
    const strict = '"strict_mode_config":{"enabled":true,"filter_max_conditions":0}';
    await recreateCollection(sides.source, 'strict', `{"vectors":{"size":2,"distance":"Dot"},${strict}}`);
    await upsertTexts(sides.source, 'strict', ['{"id":1,"vector":[1,2]}', '{"id":2,"vector":[2,1]}']);
    const manifest = await readManifest(store, await backUp('strict'));
    expect(manifest.recall).toBeUndefined();
    expect(manifest.notes).toEqual([expect.stringMatching(/unnamed vector .*StrictModeLimit/)]);
  });

  it('asks for no more at once than strict mode allows', async () => {
    const strict = '"strict_mode_config":{"enabled":true,"max_query_limit":3}';
    await recreateCollection(sides.source, 'narrow', `{"vectors":{"size":2,"distance":"Dot"},${strict}}`);
    const points = Array.from({ length: 9 }, (_, id) => `{"id":${id},"vector":[1,${id}]}`);
    await upsertTexts(sides.source, 'narrow', points);
    const { limit, vectors, leftOut } = await baselineOf(await backUp('narrow'));
    expect([limit, vectors[0]?.queries.length, leftOut]).toEqual([3, 3, []]);
  });

  it('ends when its time is up, and says which vectors are missing', async () => {
    const control = sides.controls.of('source');
    const searches = searchesOf('source');
    const asking = { control, searches, collection: 'wide', queries: 20, budgetMs: -1, signal: never };
    expect(await takeRecall(asking)).toEqual({
      limit: 10,
      vectors: [],
      leftOut: [{ vector: '', why: expect.stringContaining('time') as string }],
    });
  });

  it('is written once: who comes later returns it', async () => {
    const control = sides.controls.of('source');
    const pin = await takePin(control, 'wide', await control.info('wide'));
    const backup = backupIdOf(new Date(), '0123abcd');
    const input = { store: 'disk', cluster: 'source', backup, collection: 'wide', pin, queries: 2 };
    const room = { store, control, searches: searchesOf('source') };
    const first = await writeRecall(room, input, never);
    expect(first).toMatchObject({ queries: 2, notes: [] });
    expect(await writeRecall(room, input, never)).toEqual(first);
  });
});

describe('a replay', () => {
  it('finds by a poor index as little as the source did, and exactly all of it', async () => {
    await fillPoorlyIndexed('poor', 4_000);
    const made = await backUp('poor', 40);
    const { as, replay } = await recovered(made, 'poor-again');
    await settled('target', as);
    const { recall = { exact: 0, approximate: 0, atCapture: 1 }, notes } = await replay();
    process.stdout.write(`at capture ${recall.atCapture}, recovered ${recall.approximate}\n`);
    expect(recall.exact).toBe(1);
    expect(recall.atCapture).toBeGreaterThan(0.2);
    expect(recall.atCapture).toBeLessThan(0.95);
    expect(recall.approximate).toBeGreaterThan(recall.atCapture - 0.05);
    expect(notes).toEqual([]);
  });

  it('counts what is not found, and leaves out points that the backup does not hold', async () => {
    const made = await backUp('wide');
    const { as, replay } = await recovered(made, 'wide-less');
    await removePoints(as, WIDE_IDS.slice(0, 2));
    const { recall, notes } = await replay();
    expect(recall).toEqual({ exact: 0.6, approximate: 0.6, atCapture: 1, queries: 4 });
    expect(notes[0]).toMatch(/^2 of 6 points searched for by the unnamed vector are not in the backup/);
  });

  it('says so when approximate search finds noticeably less than the source’s own did', async () => {
    const { replay } = await recovered(await backUp('wide'), 'wide-worse');
    const searches = searchesOf('target');
    const worse: Searches = {
      sample: (...asked) => searches.sample(...asked),
      nearest: async (...asked) => {
        const found = await searches.nearest(...asked);
        return found && { ...found, approximate: found.approximate.slice(0, 3) };
      },
    };
    const { recall, notes } = await replay(worse);
    expect(recall).toMatchObject({ exact: 1, approximate: 0.6, atCapture: 1 });
    expect(notes).toEqual([expect.stringContaining('finds 60.0 % of the nearest points')]);
  });
});

describe('a baseline that is not as it was written', () => {
  const tamper = async (made: Made, change: (text: string) => string | undefined) => {
    const key = recallKey(made.cluster, made.backup, made.collection);
    const changed = change(await readText(store, key));
    await store.delete(key);
    if (changed !== undefined) await store.put(key, Buffer.from(changed));
  };

  it('is named by a full check, and no recovery trips over it', async () => {
    const made = await backUp('wide');
    await tamper(made, (text) => text.replace('9007199254740993', '9007199254740992'));
    expect(await damageIn(store, made, 'quick')).toEqual([]);
    expect(await damageIn(store, made, 'full')).toEqual([
      expect.stringMatching(/^recall\.json: bytes 0 to \d+ are not what was written$/),
    ]);
    const { replay } = await recovered(made, 'wide-tampered');
    expect(await replay()).toEqual({
      notes: ['The baseline of searches was passed over: it is not what was written'],
    });
  });

  it('is missed by every check when it is gone', async () => {
    const made = await backUp('wide');
    await tamper(made, () => undefined);
    expect(await damageIn(store, made, 'quick')).toEqual(['recall.json: missing']);
    const { collections } = await showBackup(store, made);
    expect(collections).toMatchObject([
      { state: 'complete', reason: expect.stringMatching(/^recall\.json is missing/) },
    ]);
    const { replay } = await recovered(made, 'wide-without');
    expect((await replay()).recall).toBeUndefined();
  });
});

/** Of points `[key length . number, …]` the one with the largest weight but the point itself; see fillSharded. */
function bestScore(
  shardKey: RecallDocument['vectors'][number]['queries'][number]['shardKey'],
  id: string,
): number {
  const key = shardKey === undefined ? '' : 'keyword' in shardKey ? `"${shardKey.keyword}"` : shardKey.number;
  const number = id.length === 36 ? Number.parseInt(id.slice(-12), 16) : Number(id);
  const weight = (i: number) => Number(`${key.length}.${i}`);
  const others = Array.from({ length: 40 }, (_, i) => i).filter((i) => i !== number);
  return Math.max(...others.map(weight)) * weight(number) + 1.25;
}

/** A graph with few links: approximate search misses much. */
async function fillPoorlyIndexed(name: string, count: number): Promise<void> {
  const graph = '"hnsw_config":{"m":6,"ef_construct":16,"full_scan_threshold":10}';
  const optimizers = '"optimizers_config":{"indexing_threshold":10,"default_segment_number":1}';
  const settings = `{"vectors":{"size":32,"distance":"Cosine"},${graph},${optimizers}}`;
  await recreateCollection(sides.source, name, settings);
  const random = seededRandom(7);
  const vector = () => Array.from({ length: 32 }, () => String(Math.fround(random.next() * 2 - 1))).join();
  const points = Array.from({ length: count }, (_, id) => `{"id":${id},"vector":[${vector()}]}`);
  for (let from = 0; from < count; from += 500) {
    await upsertTexts(sides.source, name, points.slice(from, from + 500));
  }
  await settled('source', name);
}

async function settled(cluster: string, collection: string): Promise<void> {
  const answer = await awaitReady(sides.controls, { target: { cluster, collection }, waitMs: 60_000 });
  expect(answer).toEqual({ ready: true });
}

async function removePoints(collection: string, ids: string[]): Promise<void> {
  const body = `{"points":[${ids.map(jsonOf).join()}]}`;
  await rest(sides.target, 'POST', `${collectionPath(collection)}/points/delete?wait=true`, body);
}
