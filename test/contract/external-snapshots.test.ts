// What real Qdrants of both versions write into their snapshots, and that an answer of "all is well" is not enough.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexSnapshot, type CollectionIndex } from '../../src/qdrant/files/snapshot-index.js';
import { snapshotSource } from '../../src/external/snapshot-source.js';
import { pointsInShard } from '../../src/qdrant/files/segments.js';
import { planRecovery } from '../../src/recovery/plan-recovery.js';
import { prepareRecovery } from '../../src/recovery/prepare-recovery.js';
import { resolveRecovery } from '../../src/recovery/resolve-recovery.js';
import type { RecoverableShard } from '../../src/shards/recoverable-collection.js';
import type { ShardNodes } from '../../src/cluster/receiver-port.js';
import { recoverShard } from '../../src/shards/recover-shard.js';
import type { ByteFile } from '../../src/qdrant/files/tar-walk.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { shardNodes } from '../../src/qdrant/snapshot-receiver.js';
import { snapshotNodes } from '../../src/qdrant/snapshot-nodes.js';
import { DiskFiles } from '../../src/storage/external-files.js';
import { startControlSides, type ControlSides } from '../support/control-sides.js';
import { snapshotInto } from '../support/curl-snapshots.js';
import { collectionPath, recreateCollection, rest, upsertTexts } from '../support/rest-text.js';
import { MADE, noFlight } from '../support/recover-in-process.js';
import { fillSharded } from '../support/worst-sharded.js';

const { signal } = new AbortController();
let sides: ControlSides;

beforeAll(async () => {
  sides = await startControlSides();
});

afterAll(() => sides?.stop());

const sideOf = (version: string) => (version === '1.16.3' ? sides.source : sides.target);

async function snapshotOf(
  version: string,
  collection: string,
): Promise<{ file: ByteFile; index: CollectionIndex }> {
  const folder = join(sides.folder, version);
  const [name = ''] = await snapshotInto(folder, [sideOf(version)], collection);
  const bytes = await readFile(join(folder, name));
  const read: ByteFile['read'] = async function* (from, to) {
    yield bytes.subarray(from, to);
  };
  const file = { name, bytes: bytes.length, read };
  const index = await indexSnapshot(file, signal);
  if (index.kind !== 'collection') throw new Error(`a ${index.kind}`);
  return { file, index };
}

async function pointsIn(version: string, collection: string): Promise<(number | undefined)[]> {
  const { file, index } = await snapshotOf(version, collection);
  const ids = [...index.shards.keys()].sort((a, b) => a - b);
  return Promise.all(ids.map((id) => pointsInShard(file, index.shards.get(id) ?? { entries: [] }, signal)));
}

describe.each(['1.16.3', '1.17.0'])('a snapshot of Qdrant %s', (version) => {
  it('holds its settings, and as many points in each shard as were written', async () => {
    await fillSharded(sideOf(version), 'keyed', 40);
    const { index } = await snapshotOf(version, 'keyed');
    expect([...index.documents.keys()].sort()).toEqual([
      'config.json',
      'payload_index.json',
      'shard_key_mapping.json',
    ]);
    const found = await pointsIn(version, 'keyed');
    // "eu", "us" in two, "empty", and two numbers
    expect(found.reduce((sum: number, one) => sum + (one ?? 0), 0)).toBe(160);
    expect(found.filter((one) => one === 0)).toHaveLength(1);
  });

  it('of a collection that was emptied holds none', async () => {
    const side = sideOf(version);
    await recreateCollection(side, 'emptied', '{"vectors":{"size":2,"distance":"Dot"}}');
    const ids = ['1', '18446744073709551615', '"00000000-0000-4000-8000-000000000001"'];
    await upsertTexts(
      side,
      'emptied',
      ids.map((id) => `{"id":${id},"vector":[1,2]}`),
    );
    expect(await pointsIn(version, 'emptied')).toEqual([3]);
    const gone = `{"points":[${ids.join(',')}]}`;
    await rest(side, 'POST', `${collectionPath('emptied')}/points/delete?wait=true`, gone);
    expect(await pointsIn(version, 'emptied')).toEqual([0]);
  });

  it('is counted in segments that were indexed too', async () => {
    const side = sideOf(version);
    const settings = '{"indexing_threshold":1,"default_segment_number":1}';
    const body = `{"vectors":{"size":64,"distance":"Dot"},"optimizers_config":${settings}}`;
    await recreateCollection(side, 'indexed', body);
    const vector = `[${Array.from({ length: 64 }, (_, at) => `${at}.5`).join(',')}]`;
    await upsertTexts(
      side,
      'indexed',
      Array.from({ length: 2_000 }, (_, id) => `{"id":${id},"vector":${vector}}`),
    );
    const isIndexed = async () => {
      const { result } = JSON.parse(await rest(side, 'GET', collectionPath('indexed'))) as {
        result: { status: string; indexed_vectors_count: number };
      };
      return result.status === 'green' && result.indexed_vectors_count > 0;
    };
    await expect.poll(isIndexed, { timeout: 60_000 }).toBe(true);
    expect(await pointsIn(version, 'indexed')).toEqual([2_000]);
  });
});

describe('a shard that comes out empty', () => {
  it('fails the recovery when its file holds points, though the node said that all went well', async () => {
    await fillSharded(sides.source, 'lost', 40);
    const root = join(sides.folder, 'files');
    await snapshotInto(join(root, 'a'), [sides.source], 'lost');
    const url = `file://${root}`;
    const place = new DiskFiles(url);
    const source = snapshotSource({ ofStore: () => place, urls: place, pathOf: (one) => one });
    const asked = { target: 'target', store: 'disk', external: { folder: 'a' } };
    const [found] = (await resolveRecovery(source, asked, signal)).recoveries;
    if (!found) throw new Error('nothing was found');
    const { from } = found;
    const target = { cluster: 'target', collection: 'lost' };
    const wanted = { from, target, onExisting: 'fail', via: 'auto', precheck: 'quick' } as const;
    const clusters = { target: { alias: 'target', nodes: [sides.target] } };
    const controls = qdrantControls(clusters);
    const { manifestSha256 } = await planRecovery(controls, source, wanted, { now: new Date(), signal });
    const prepared = { from, target, manifestSha256, onExisting: 'fail', exists: false, ...MADE } as const;
    const room = { controls, source, nodes: snapshotNodes(clusters) };
    const { targetPin, shards } = await prepareRecovery(room, prepared, signal);
    const files = await source.open(from, signal);
    const real = shardNodes(clusters);
    /** Takes every byte, says that all is well, and does nothing with them. */
    const forgetful: ShardNodes = {
      holding: async (...args) => {
        const node = await real.holding(...args);
        return {
          pull: (...asked) => node.pull(...asked),
          push: async ({ body }) => {
            for await (const chunk of body) void chunk;
          },
          points: (stop) => node.points(stop),
          signs: (stop) => node.signs(stop),
          close: () => node.close(),
        };
      },
    };
    const ends = await Promise.allSettled(
      shards.map((shard) =>
        recoverShard(
          forgetful,
          files.shards[shard.position] as RecoverableShard,
          {
            ...{ what: 'recover', from, target, targetPin, manifestSha256, via: 'push', mayPush: true },
            ...{ isChecked: false, shard, stallAfterAttempts: 1 },
          },
          { signal },
          noFlight(),
        ),
      ),
    );
    const codes = ends.map((end) =>
      end.status === 'rejected' ? (end.reason as { code: string }).code : 'well',
    );
    // the key without points is as it was
    expect(codes.sort()).toEqual([...Array<string>(codes.length - 1).fill('RecoveryDiffers'), 'well'].sort());
  });
});
