// What a shard's snapshot brings back although it was deleted, removed again by the backup's id set. Here the deletion
// follows the capture: the same to a recovery, and not left to when an optimizer works.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse, stringify } from 'lossless-json';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { IdPage } from '../../src/shards/recoverable-collection.js';
import { storeIdSet } from '../../src/backups/ids/write-id-set.js';
import { collectionFolder } from '../../src/model/format/backup-names.js';
import type { ClusterConnection } from '../../src/model/cluster.js';
import type { CollectionManifest } from '../../src/model/format/manifest.js';
import { compareIds, isUuid, type PointId } from '../../src/model/point-id.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { compareSides, countPoints } from '../support/compare-sides.js';
import { startControlSides, type ControlSides } from '../support/control-sides.js';
import { makeBackup, type MadeBackup } from '../support/hand-made-backup.js';
import { deleteOnSource, eachPage, idPagesOf } from '../support/id-pages.js';
import { recover, type InProcess } from '../support/recover-in-process.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { fillWorst } from '../support/worst-collection.js';
import { fillSharded } from '../support/worst-sharded.js';

const BACKUP = '20261123_010203-0a1b2c3d';
const INDEXES = ['gone', '"a/b%c+d".e[]'];
const never = new AbortController().signal;

let sides: ControlSides;
let folder: string;
let store: ObjectStore;
let clusters: Record<string, ClusterConnection>;
let made = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-returned-'));
  sides = await startControlSides();
  clusters = {
    source: { alias: 'source', nodes: [sides.source] },
    target: { alias: 'target', nodes: [sides.target] },
  };
});
afterAll(async () => {
  await sides?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  made += 1;
  store = openStore({ alias: 'disk', url: pathToFileURL(join(folder, `store-${made}`)).href });
});

const idsOf = (collection: string) => idPagesOf(sides, collection);

/** Of the source as it is, with an id set of other ids. */
async function backUp(
  collection: string,
  pages: IdPage[],
  change: (manifest: CollectionManifest) => CollectionManifest = (manifest) => manifest,
): Promise<MadeBackup> {
  const key = `${collectionFolder('source', BACKUP, collection)}ids.0a1b2c3d.gz`;
  const ids = await storeIdSet({ store, key, pages: eachPage(pages), signal: never });
  const nodes = [sides.source.url];
  return makeBackup(store, {
    nodes,
    collection,
    backup: BACKUP,
    change: (manifest) => change({ ...manifest, ids }),
  });
}

function into(to: string, { manifest }: MadeBackup, as: string): InProcess {
  const { cluster, backup, collection } = manifest;
  return { clusters, store, from: { store: 'disk', cluster, backup, collection }, to, as };
}

const deletedOf = (ids: PointId[]) => ids.filter((_, at) => at % 3 === 0 || at > ids.length - 4);
const without = (ids: PointId[], gone: PointId[]) => ids.filter((id) => !gone.includes(id));
const side = (name: 'source' | 'target', collection: string) => ({
  url: sides[name].url,
  grpcUrl: sides[name].grpcUrl,
  collection,
});

describe('what the snapshots bring back', () => {
  it('is removed, numbers to 2^64 and UUIDs alike, and every other point stays bit for bit', async () => {
    await fillWorst(sides.source, 'worst', { shards: 2, large: false, ordinary: 3_000 });
    const [page = { ids: [] }] = await idsOf('worst');
    const gone = deletedOf(page.ids);
    expect([gone.some(isUuid), gone.some((id) => id.length >= 17 && !isUuid(id))]).toEqual([true, true]);
    const backup = await backUp('worst', [{ ids: without(page.ids, gone) }]);
    await deleteOnSource(sides, 'worst', gone);
    for (const to of ['source', 'target'] as const) {
      const { removal } = await recover(into(to, backup, 'again'));
      expect(removal).toEqual({ points: page.ids.length - gone.length, missing: 0, missingIds: [] });
      const found = await compareSides(side('source', 'worst'), side(to, 'again'));
      expect([to, found.differences, found.configuration]).toEqual([to, [], []]);
    }
  });

  it('is removed under its own shard key only, where others have a point of the same id', async () => {
    await fillSharded(sides.source, 'keyed', 40);
    const pages = await idsOf('keyed');
    const gone = pages.map(({ ids }, at) => (at % 2 === 0 ? deletedOf(ids) : []));
    const living = pages.map((page, at) => ({ ...page, ids: without(page.ids, gone[at] ?? []) }));
    const backup = await backUp('keyed', living);
    for (const [at, { shardKey }] of pages.entries()) {
      const ids = gone[at] ?? [];
      if (ids.length > 0) await deleteOnSource(sides, 'keyed', ids, shardKey);
    }
    for (const to of ['source', 'target'] as const) {
      await recover(into(to, backup, 'keyed-again'));
      const found = await compareSides(side('source', 'keyed'), side(to, 'keyed-again'));
      expect([to, found.differences]).toEqual([to, []]);
    }
  });

  it('is told from what is missing, which is counted and named', async () => {
    await fillSharded(sides.source, 'later', 20);
    const later = Array.from({ length: 12 }, (_, at) => String(500_000 + at));
    const [first, ...rest] = await idsOf('later');
    const ids = [...(first?.ids ?? []), ...later].sort(compareIds);
    const key = { shardKey: { keyword: 'made-later' }, ids: ['7'] };
    const { removal } = await recover(
      into('target', await backUp('later', [{ ...first, ids }, ...rest, key]), 'later'),
    );
    expect(removal).toMatchObject({ missing: 13, missingIds: later.slice(0, 10) });
    expect(removal?.points).toBe(await countPoints(side('source', 'later')));
  });

  it('is never taken to be a whole shard key of which the set says nothing', async () => {
    await fillSharded(sides.source, 'silent', 20);
    const pages = await idsOf('silent');
    await expect(
      recover(into('target', await backUp('silent', pages.slice(1)), 'silent')),
    ).rejects.toMatchObject({ code: 'ObjectDamaged' });
  });

  it('is deleted also where it is a payload index', async () => {
    await fillWorst(sides.source, 'indexed', { shards: 1, large: false, ordinary: 50 });
    const path = `${collectionPath('indexed')}/index`;
    for (const field of INDEXES)
      await rest(
        sides.source,
        'PUT',
        `${path}?wait=true`,
        stringify({ field_name: field, field_schema: 'keyword' }),
      );
    const backup = await backUp('indexed', await idsOf('indexed'), (manifest) => {
      const info = parse(manifest.info) as { payload_schema: Record<string, unknown> };
      for (const field of INDEXES) delete info.payload_schema[field];
      return { ...manifest, info: stringify(info) ?? '' };
    });
    for (const to of ['source', 'target'] as const) {
      await recover(into(to, backup, 'indexed-again'));
      const { payloadSchema } = await sides.controls.of(to).info('indexed-again');
      const fields = Object.keys((parse(backup.manifest.info) as { payload_schema: object }).payload_schema);
      const kept = fields.filter((field) => !INDEXES.includes(field)).sort();
      expect([to, Object.keys(payloadSchema).sort()]).toEqual([to, kept]);
    }
  });
});
