// Removal of what a snapshot brought back, on a target that does not always tell the truth, or the whole of it.

import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { beforeEach, expect, it } from 'vitest';
import { IdSetEncoder } from '../../src/backups/ids/write-id-set.js';
import { removeReturned, type RemovalDeps } from '../../src/recovery/remove-returned.js';
import { collectionFolder, manifestKey } from '../../src/model/format/backup-names.js';
import type { Pin } from '../../src/model/collections.js';
import { FerryError } from '../../src/model/errors.js';
import { backupSource } from '../../src/backups/backup-source.js';
import { pointCodec } from '../../src/qdrant/points/stored-points.js';
import { compareIds, type PointId } from '../../src/model/point-id.js';
import type { ClusterControl } from '../../src/cluster/control-port.js';
import { keepRun } from '../support/kept-runs.js';
import { MemoryStore } from '../support/memory-store.js';

const from = { store: 'memory', cluster: 'prod', backup: '20261123_010203-0a1b2c3d', collection: 'docs' };
const target = { cluster: 'prod', collection: 'docs-back' };
const idsKey = `${collectionFolder('prod', from.backup, 'docs')}ids.gz`;
const pin: Pin = { version: '1.17.0', peers: [], identity: ['1'], shape: '' };
const never = new AbortController().signal;
const ids = (first: number, end: number): PointId[] =>
  Array.from({ length: end - first }, (_, at) => String(first + at));
/** As the backup's id set has it. */
const living = ids(1_000, 4_000);

let store: MemoryStore;
let manifestSha256: string;
/** What the target holds. */
let held: Set<PointId>;
let deleted: PointId[][];
/** Each read of the target's ids sees what the next of these makes of it. */
let reads: ((all: PointId[]) => PointId[])[];

beforeEach(async () => {
  store = new MemoryStore();
  const encoder = new IdSetEncoder();
  encoder.beginKey(undefined);
  for (const id of living) encoder.add(id);
  encoder.endKey();
  encoder.endSet();
  const body = gzipSync(encoder.take());
  const key = idsKey;
  const sha256 = createHash('sha256').update(body).digest('hex');
  store.write(key, body);
  const set = { key, bytes: body.length, sha256, count: living.length };
  keepRun(store, { backup: from.backup, collections: { docs: 'complete' }, ids: set });
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(manifestKey('prod', from.backup, 'docs'))) chunks.push(chunk);
  manifestSha256 = createHash('sha256').update(Buffer.concat(chunks)).digest('hex');
  held = new Set([...ids(0, 4_500)]);
  [deleted, reads] = [[], []];
});

it('deletes what the id set does not hold, and nothing else', async () => {
  expect(await remove()).toEqual({ points: 3_000, missing: 0, missingIds: [] });
  expect([...held].sort(compareIds)).toEqual(living);
  expect(deleted.flat()).toHaveLength(1_500);
  expect(Math.max(...deleted.map((batch) => batch.length))).toBeLessThanOrEqual(1_000);
});

it('reads once more where the count says that a read has missed a returned point', async () => {
  reads = [(all) => all.filter((id) => Number(id) >= 500)];
  expect(await remove()).toMatchObject({ points: 3_000, missing: 0 });
  expect([...held].sort(compareIds)).toEqual(living);
});

it('does not count a living point as missing that only a read has missed', async () => {
  const without = (all: PointId[]) => all.filter((id) => id !== '2345');
  reads = [without, without, without];
  expect(await remove()).toMatchObject({ points: 3_000, missing: 0 });
  expect(held.has('2345')).toBe(true);
});

it('counts and names what is missing, and still removes the rest', async () => {
  for (const id of ids(2_000, 2_020)) held.delete(id);
  expect(await remove()).toEqual({ points: 2_980, missing: 20, missingIds: ids(2_000, 2_010) });
});

it('tells the true count where three passes could not make it right', async () => {
  const blind = (all: PointId[]) => all.filter((id) => id !== '7');
  reads = [blind, blind, blind];
  expect(await remove()).toMatchObject({ points: 3_001, missing: 0 });
  expect(reads).toEqual([]);
});

it('begins again after a deletion that failed in the middle, to the same end', async () => {
  let calls = 0;
  const refuse = () => {
    if (++calls === 2) throw new FerryError('QdrantUnavailable', 'gone');
  };
  await expect(remove({ refuse })).rejects.toMatchObject({ code: 'QdrantUnavailable', retryable: true });
  expect(deleted.flat()).toHaveLength(1_000);
  expect(await remove({ refuse })).toMatchObject({ points: 3_000, missing: 0 });
  expect([...held].sort(compareIds)).toEqual(living);
});

it('deletes no living point where the target lists its ids out of order', async () => {
  reads = [(all) => [...all.slice(0, 1_200), ...all.slice(2_000), ...all.slice(1_200, 2_000)]];
  await expect(remove()).rejects.toMatchObject({ code: 'Internal' });
  expect(deleted.flat().filter((id) => living.includes(id))).toEqual([]);
});

it.each([
  ['changed', (body: Uint8Array) => body.map((byte, at) => (at === 50 ? byte ^ 1 : byte))],
  ['cut', (body: Uint8Array) => body.subarray(0, body.length - 9)],
])('deletes nothing by an id set that was %s', async (_, damage) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(idsKey)) chunks.push(chunk);
  store.write(idsKey, damage(Buffer.concat(chunks)));
  await expect(remove()).rejects.toMatchObject({ code: 'ObjectDamaged' });
  expect(deleted).toEqual([]);
});

it('deletes nothing by a manifest that is not the one that was planned by', async () => {
  manifestSha256 = 'another';
  await expect(remove()).rejects.toMatchObject({ code: 'ManifestInvalid' });
  expect(deleted).toEqual([]);
});

function remove({ refuse = () => undefined }: { refuse?: () => void } = {}) {
  const points: RemovalDeps['points'] = {
    async *ids() {
      await Promise.resolve();
      const all = [...held].sort(compareIds);
      const seen = reads.shift()?.(all) ?? all;
      for (let at = 0; at < seen.length; at += 700) yield seen.slice(at, at + 700);
    },
    existing: (_, wanted) => Promise.resolve(wanted.filter((id) => held.has(id))),
    delete: async (_, _key, gone) => {
      await Promise.resolve();
      refuse();
      deleted.push([...gone]);
      for (const id of gone) held.delete(id);
    },
  };
  const layout = { shards: [{ id: 0, replicas: [{ peer: '1', state: 'Active' }] }], transfers: 0 };
  const control = {
    info: () => Promise.resolve({ config: { params: {} } }),
    layout: () => Promise.resolve({ ...layout, resharding: 0 }),
    count: () => Promise.resolve(held.size),
  } as unknown as ClusterControl;
  const input = { from, target, targetPin: pin, manifestSha256 };
  return removeReturned(
    { source: backupSource(() => store, pointCodec), target: control, points },
    input,
    never,
  );
}
