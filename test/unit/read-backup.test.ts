// One answer to whether a backup can be used: one damaged document or object at a time, and what `ferry backups`, `ferry
// check-backup`, and a restore or rehearsal make of it.

import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { backupSource } from '../../src/backups/backup-source.js';
import { pointCodec } from '../../src/qdrant/points/stored-points.js';
import { listBackups, showBackup } from '../../src/backups/catalogue/catalogue.js';
import { writeBackup } from '../../src/backups/capture/write-backup.js';
import { writeComplete } from '../../src/backups/capture/write-complete.js';
import { checkAll } from '../../src/cli/backups/check-backup.js';
import type { CollectionBackup } from '../../src/model/contracts/backup-catalogue.js';
import type { ErrorCode } from '../../src/model/errors.js';
import {
  backupKey,
  collectionFolder,
  completeKey,
  manifestKey,
  proofKey,
} from '../../src/model/format/backup-names.js';
import { readBackup } from '../../src/backups/read-backup.js';
import { resolveRecovery } from '../../src/recovery/resolve-recovery.js';
import { keepRun } from '../support/kept-runs.js';
import { MemoryStore } from '../support/memory-store.js';
import { textOf } from '../support/object-stores.js';

const BY_POINTS = { shards: [], capture: { method: 'points', detect: 'all' } };
const sliceFixture = (borders: { from?: string; to?: string }) => ({
  ...borders,
  digest: { count: 0, sum: '0'.repeat(32) },
  ids: { key: `prod/${NEWER}/docs/slice-0.00000000.ids.gz`, bytes: 1, sha256: '0'.repeat(64), count: 0 },
  ...{ changed: 0, deleted: 0 },
});

const NOW = new Date('2026-11-27T12:00:00Z');
const [OLDER, NEWER] = ['20261125_020000-00000001', '20261126_020000-00000002'] as const;
const FOLDER = collectionFolder('prod', NEWER, 'docs');
const [MANIFEST, COMPLETE] = [manifestKey('prod', NEWER, 'docs'), completeKey('prod', NEWER, 'docs')];
const IDS = { key: `${FOLDER}ids.0a1b2c3d.gz`, bytes: 3, sha256: '0'.repeat(64), count: 7 };
const never = new AbortController().signal;

let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore();
  keepRun(store, { backup: OLDER, collections: { docs: 'complete' } });
  keepRun(store, { backup: NEWER, collections: { docs: 'complete' }, ids: IDS });
  store.write(IDS.key, 'ids');
});

type Document = Record<string, unknown>;

async function rewrite(key: string, change: (document: Document) => unknown): Promise<string> {
  return store.write(key, change(JSON.parse(await textOf(store.read(key))) as Document));
}

/** The manifest, and a complete.json that names it. */
async function rewriteManifest(more: Document): Promise<void> {
  const manifestSha256 = await rewrite(MANIFEST, (document) => ({ ...document, ...more }));
  await rewrite(COMPLETE, (document) => ({ ...document, manifestSha256 }));
}

interface Case {
  name: string;
  damage: () => Promise<unknown> | void;
  state: CollectionBackup['state'];
  reason: string;
  /** What a recovery of it, named by its id, ends with. */
  code?: ErrorCode;
  /** Chosen where nothing is named: an older one would be a surprise. */
  isChosen?: true;
}

const CASES: Case[] = [
  {
    name: 'a manifest that is missing',
    damage: () => store.delete(MANIFEST),
    ...{ state: 'incomplete', reason: 'it has no manifest', code: 'ManifestInvalid' },
  },
  {
    name: 'a manifest that is not JSON',
    damage: () => void store.write(MANIFEST, '{'),
    ...{ state: 'damaged', reason: 'not JSON', code: 'ManifestInvalid' },
  },
  {
    name: 'a manifest of a later version',
    damage: () => rewriteManifest({ version: 3 }),
    ...{ state: 'tooNew', reason: 'written by a newer ferry: format version 3', code: 'ManifestTooNew' },
  },
  {
    name: 'a manifest of a later kind',
    damage: () => rewriteManifest({ kind: 'synthetic' }),
    ...{ state: 'tooNew', reason: 'written by a newer ferry: kind "synthetic"', code: 'ManifestTooNew' },
  },
  {
    name: 'a manifest of a later capture method',
    damage: () => rewriteManifest({ capture: { method: 'blocks', pages: 7 } }),
    ...{ state: 'tooNew', reason: 'capture method "blocks"', code: 'ManifestTooNew' },
  },
  {
    name: 'a manifest by points whose slices leave a gap',
    damage: () =>
      rewriteManifest({ ...BY_POINTS, slices: [sliceFixture({ to: '5' }), sliceFixture({ from: '6' })] }),
    ...{ state: 'damaged', reason: 'The slices do not touch at 6', code: 'ManifestInvalid' },
  },
  {
    name: 'a manifest by points that lacks its last slice',
    damage: () => rewriteManifest({ ...BY_POINTS, slices: [sliceFixture({ to: '5' })] }),
    ...{ state: 'damaged', reason: 'does not list every slice', code: 'ManifestInvalid' },
  },
  {
    name: 'an increment without a base',
    damage: () => rewriteManifest({ ...BY_POINTS, kind: 'increment', slices: [sliceFixture({})] }),
    ...{ state: 'damaged', reason: 'An increment has a base', code: 'ManifestInvalid' },
  },
  {
    name: 'a manifest of a later way to detect changes',
    damage: () => rewriteManifest({ capture: { method: 'points', detect: 'clock' } }),
    ...{ state: 'tooNew', reason: 'capture detect "clock"', code: 'ManifestTooNew' },
  },
  {
    name: 'a manifest whose configuration cannot be read',
    damage: () => rewriteManifest({ info: '{}' }),
    ...{ state: 'damaged', reason: 'The configuration in the backup of "docs"', code: 'ManifestInvalid' },
  },
  {
    name: 'a manifest of another backup',
    damage: () => rewriteManifest({ backup: OLDER }),
    ...{ state: 'damaged', reason: 'The manifest is of another backup', code: 'ManifestInvalid' },
  },
  {
    name: 'a manifest of another cluster than its run',
    damage: () => rewriteManifest({ clusterIdentity: ['9'] }),
    ...{ state: 'otherCluster', reason: 'it is of the cluster of peer 9' },
  },
  {
    name: 'a collection that a job was filling',
    damage: () => rewriteManifest({ partial: { reason: 'a migration was filling it' } }),
    ...{ state: 'partial', reason: 'a migration was filling it' },
  },
  {
    name: 'a complete.json that is missing',
    damage: () => store.delete(COMPLETE),
    ...{ state: 'incomplete', reason: 'its objects were never checked', code: 'ManifestInvalid' },
  },
  {
    name: 'a complete.json of another manifest',
    damage: () => rewrite(COMPLETE, (one) => ({ ...one, manifestSha256: '0'.repeat(64) })),
    ...{ state: 'damaged', reason: 'not the one that complete.json names', code: 'ManifestInvalid' },
  },
  {
    name: 'a snapshot that is missing',
    damage: () => store.delete(`${FOLDER}s.snapshot`),
    ...{ state: 'damaged', reason: 's.snapshot is missing', code: 'ObjectMissing' },
  },
  {
    name: 'a snapshot of another size',
    damage: () => void store.write(`${FOLDER}s.snapshot`, 'cut'),
    ...{ state: 'damaged', reason: 's.snapshot has 3 of 10 bytes', code: 'ObjectDamaged' },
  },
  {
    name: 'an id set that is missing',
    damage: () => store.delete(IDS.key),
    ...{ state: 'damaged', reason: 'ids.0a1b2c3d.gz is missing', code: 'ObjectMissing' },
  },
  {
    name: 'a snapshot in an archive tier',
    damage: () => store.archive(`${FOLDER}s.snapshot`),
    ...{ state: 'archived', reason: 'archived: restore this object first', code: 'ObjectArchived' },
    isChosen: true,
  },
  {
    name: 'a manifest in an archive tier',
    damage: () => store.archive(MANIFEST),
    ...{ state: 'archived', reason: 'archived', code: 'ObjectArchived' },
    isChosen: true,
  },
];

/** As a plan does it, of a restore and of a rehearsal. */
async function refusal(): Promise<unknown> {
  const from = { store: 'memory', cluster: 'prod', backup: NEWER, collection: 'docs' };
  const source = backupSource(() => store, pointCodec);
  return source
    .open(from, never)
    .then((found) => found.check('quick', { signal: never }))
    .catch((error: unknown) => error);
}

async function resolved(collections?: string[]) {
  const input = { target: 'target', store: 'memory', cluster: 'prod' };
  const named = collections === undefined ? {} : { collections };
  return resolveRecovery(
    backupSource(
      () => store,
      pointCodec,
      () => NOW,
    ),
    { ...input, ...named },
    never,
  );
}

describe.each(CASES)('a backup with $name', ({ damage, state, reason, code, isChosen }) => {
  beforeEach(async () => {
    await damage();
  });

  it('is the same to `ferry backups`, `ferry check-backup`, and every recovery', async () => {
    const entry = await showBackup(store, { cluster: 'prod', backup: NEWER });
    expect(entry.complete).toBe(false);
    expect(entry.collections).toMatchObject([{ state, reason: expect.stringContaining(reason) }]);

    const [checked] = await checkAll(store, entry, { quick: true }, { say: () => undefined }, never);
    expect(checked).toMatchObject({ state, ok: false });

    const error = await refusal();
    if (code === undefined) expect(error).toBeUndefined();
    else expect(error).toMatchObject({ code, happened: entry.collections[0]?.reason });
  });

  it('is never taken silently where no backup is named', async () => {
    for (const collections of [undefined, ['docs']]) {
      const { recoveries, notes } = await resolved(collections);
      expect(recoveries[0]?.from.backup).toBe(isChosen ? NEWER : OLDER);
      if (!isChosen) expect(notes.join('\n')).toContain('docs');
    }
  });
});

describe('a run that a newer ferry ended', () => {
  beforeEach(async () => {
    await rewrite(backupKey('prod', NEWER), (document) => ({ ...document, kind: 'synthetic' }));
  });

  it('is too new, and not what a restore of everything goes by', async () => {
    const { backups } = await listBackups(store, { cluster: 'prod' }, undefined, NOW);
    expect(backups[0]).toMatchObject({ backup: NEWER, finished: false });
    expect(backups[0]?.fault).toContain('written by a newer ferry: kind "synthetic"');
    expect(await showBackup(store, { cluster: 'prod', backup: NEWER })).toMatchObject({ complete: false });
    const { recoveries, notes } = await resolved();
    expect(recoveries[0]?.from.backup).toBe(OLDER);
    expect(notes.join('\n')).toContain('written by a newer ferry');
  });

  it('keeps its document', async () => {
    const before = await textOf(store.read(backupKey('prod', NEWER)));
    const writing = writeBackup(store, { store: 'memory', cluster: 'prod', backup: NEWER, failed: [] });
    await expect(writing).rejects.toMatchObject({ code: 'ManifestTooNew' });
    expect(await textOf(store.read(backupKey('prod', NEWER)))).toBe(before);
  });
});

it('never completes a manifest that a newer ferry wrote', async () => {
  await rewriteManifest({ kind: 'synthetic' });
  const of = { store: 'memory', cluster: 'prod', backup: NEWER, collection: 'docs' };
  const writing = writeComplete(store, { ...of, manifestSha256: '0'.repeat(64), verify: 'full' });
  await expect(writing).rejects.toMatchObject({ code: 'ManifestTooNew' });
});

it('believes the same proof in `ferry backups` and in a recovery', async () => {
  const { sha256 } = await backupSource(() => store, pointCodec).open(
    { store: 'memory', cluster: 'prod', backup: NEWER, collection: 'docs' },
    never,
  );
  const proof = {
    ...{ format: 'qdrant-ferry/proof', version: 2, backup: NEWER, cluster: 'prod', collection: 'docs' },
    ...{ at: NOW.toISOString(), manifestSha256: sha256 },
  };
  const digest = { count: 7, sum: '0'.repeat(32) };
  const keep = (kind: string, version: number) =>
    store.write(proofKey('prod', NEWER, 'docs', kind, NOW), {
      ...proof,
      kind,
      digest: { ...digest, version },
    });
  keep('quiesced', 1);
  keep('rehearsed', 2); // a digest that this ferry cannot take
  const { collections } = await showBackup(store, { cluster: 'prod', backup: NEWER });
  expect(collections).toMatchObject([{ state: 'complete', proof: { kind: 'quiesced' } }]);
  const from = { store: 'memory', cluster: 'prod', backup: NEWER, collection: 'docs' };
  const found = await backupSource(() => store, pointCodec).open(from, never);
  expect((await found.proof(never)).proof).toMatchObject({ kind: 'quiesced' });
});

it('is damaged to `ferry check-backup` where an object of its base is, although its own are not', async () => {
  const slice = sliceFixture({});
  const sha256 = createHash('sha256').update('x').digest('hex');
  store.write(slice.ids.key, 'x');
  const base = createHash('sha256').update(await textOf(store.read(manifestKey('prod', OLDER, 'docs'))));
  await rewriteManifest({
    ...{
      ...BY_POINTS,
      kind: 'increment',
      ids: undefined,
      slices: [{ ...slice, ids: { ...slice.ids, sha256 } }],
    },
    base: { cluster: 'prod', backup: OLDER, collection: 'docs', manifestSha256: base.digest('hex') },
  });
  const entry = await showBackup(store, { cluster: 'prod', backup: NEWER });
  const check = async () => (await checkAll(store, entry, {}, { say: () => undefined }, never))[0];
  expect(await check()).toMatchObject({ state: 'complete', ok: true });
  const snapshots: string[] = [];
  for await (const { key } of store.list(collectionFolder('prod', OLDER, 'docs')))
    if (key.endsWith('.snapshot')) snapshots.push(key);
  const [snapshot = ''] = snapshots;
  // As long as before.
  store.write(snapshot, (await textOf(store.read(snapshot))).toUpperCase());
  expect(await check()).toMatchObject({
    ...{ state: 'damaged', ok: false },
    damage: [expect.stringContaining(`its base ${OLDER}: `)],
  });
});

it('is damaged where documents were changed to lead in a circle, and is not read for ever', async () => {
  const slice = sliceFixture({});
  store.write(slice.ids.key, 'x');
  const own = { cluster: 'prod', backup: NEWER, collection: 'docs', manifestSha256: '0'.repeat(64) };
  await rewriteManifest({ ...BY_POINTS, kind: 'increment', ids: undefined, slices: [slice], base: own });
  const head = store.head.bind(store);
  let asked = 0;
  store.head = (key: string) => {
    asked += 1;
    if (asked > 20) throw new Error('it is read for ever');
    return head(key);
  };
  const read = await readBackup(store, own, { head: (key) => store.head(key) });
  expect(read).toMatchObject({
    state: 'damaged',
    reason: `The increment needs its base ${NEWER}, whose manifest is another one now`,
  });
});
