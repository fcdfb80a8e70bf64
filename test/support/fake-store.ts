// A store in memory and the activities of backup and recovery over it, for tests of the workflows: the points of each
// shard are really kept and brought back, so that a forgotten shard or a doubled one shows.

import type {
  BackupControlActivities,
  BackupStoreActivities,
  PlanCaptureResult,
  WriteBackupInput,
  WriteProofInput,
} from '../../src/model/contracts/backup-activities.js';
import type { CollectionBackupRef } from '../../src/model/contracts/backup-catalogue.js';
import type { PointBackupActivities } from '../../src/model/contracts/point-backup-activities.js';
import type {
  RecoveryActivities,
  RecoveryControlActivities,
  RecoveryPlan,
  Replaced,
} from '../../src/model/contracts/recovery-activities.js';
import type { CollectionRef } from '../../src/model/collections.js';
import { digestOfPoints, fail, type FakeClusters, type Points } from './fake-clusters.js';

export type StoreActivities = BackupControlActivities &
  Omit<BackupStoreActivities, 'captureNode' | 'listBackups' | 'showBackup'> &
  PointBackupActivities &
  RecoveryControlActivities &
  RecoveryActivities;

interface StoredCollection {
  shards: Map<number, Points>;
  ids?: Set<string>;
  points: number;
  manifestSha256?: string;
  isComplete: boolean;
  /** By slices, not by shards. */
  byPoints?: boolean;
  proofs: WriteProofInput[];
}

export class FakeStore {
  readonly alias = 'store';
  shards = 3;
  /** Of the next planCapture, besides what follows from the points. */
  capture: Partial<PlanCaptureResult> = {};
  /** Of the next planRecovery, besides what follows from the backup. */
  plan: Partial<RecoveryPlan> = {};
  isIdle = true;
  /** Of the next checkObjects. */
  damage: string[] = [];
  /** Of the recovered settings. */
  differences: string[] = [];
  readonly backups = new Map<string, Map<string, StoredCollection>>();
  /** Every backup.json. */
  readonly written: WriteBackupInput[] = [];
  readonly kept: CollectionRef[] = [];
  private readonly fakes: FakeClusters;
  /** Creation ids by "cluster/collection". */
  private readonly creations = new Map<string, string>();

  constructor(fakes: FakeClusters) {
    this.fakes = fakes;
  }

  /** The only collection of that name in the only backup that holds one. */
  only(collection = 'docs'): StoredCollection {
    const [found, ...more] = [...this.backups.values()].flatMap((run) => run.get(collection) ?? []);
    if (!found || more.length > 0)
      throw new Error(`${more.length + (found ? 1 : 0)} backups of ${collection}`);
    return found;
  }

  /** A finished backup of what a collection holds now. */
  fill({ cluster, collection }: CollectionRef, isProven = true): StoredCollection {
    const ref = { store: this.alias, cluster, backup: '20260101T000000Z-0000', collection };
    const stored = this.at(ref);
    const points = this.fakes.points(ref);
    for (let shard = 0; shard < this.shards; shard += 1)
      stored.shards.set(shard, this.shardOf(points, shard));
    Object.assign(stored, { ids: new Set(points.keys()), points: points.size, isComplete: true });
    stored.manifestSha256 = 'manifest';
    if (isProven) stored.proofs.push({ ...ref, kind: 'quiesced', digest: digestOfPoints(points) });
    return stored;
  }

  activities(): StoreActivities {
    return { ...this.capturing(), ...this.capturingPoints(), ...this.recovering() };
  }

  /** As many slices as shards; what `shards` holds are then the points of each slice. */
  private capturingPoints(): PointBackupActivities {
    return {
      planPoints: async ({ increment, cluster, backup, collection }) => {
        const older = [...this.backups].filter(
          ([id, run]) => id !== backup && run.get(collection)?.isComplete,
        );
        const [base, run] = older.at(-1) ?? [];
        const { manifestSha256, byPoints } = run?.get(collection) ?? {};
        const slices = Array.from({ length: this.shards }, (_, at) => ({ from: String(at) }));
        if (!increment || base === undefined || !byPoints || manifestSha256 === undefined) {
          const notes = increment ? ['A full backup: there is none yet to continue.'] : [];
          return { slices, detect: 'all', notes };
        }
        const found = { cluster, backup: base, collection, manifestSha256 };
        return { base: found, slices, detect: 'digest', notes: [] };
      },
      captureSlice: async ({ position, base, index, ...ref }) => {
        const points = this.shardOf(this.fakes.points(ref), position);
        if (index !== undefined) {
          const [name, digest] = [`${index}-${position}`, digestOfPoints(points)];
          return { name, digest, changed: 0, deleted: 0, bytes: 1_000, storedBytes: 10 };
        }
        const before = base && this.at(base).shards.get(position);
        Object.assign(this.at(ref), { byPoints: true }).shards.set(position, points);
        const changed = [...points].filter(([id, value]) => before?.get(id) !== value).length;
        const deleted = [...(before?.keys() ?? [])].filter((id) => !points.has(id)).length;
        const digest = digestOfPoints(points);
        return {
          name: `slice-${position}`,
          digest,
          changed,
          deleted,
          bytes: 1_000,
          storedBytes: 10 * changed,
        };
      },
      writePointsManifest: async ({ captured, base, ...ref }) => {
        const stored = this.at(ref);
        const ids = [...stored.shards.values()].flatMap((points) => [...points.keys()]);
        stored.manifestSha256 = `${captured.join()} after ${base?.manifestSha256 ?? 'nothing'}`;
        Object.assign(stored, { ids: new Set(ids), points: ids.length });
        return { manifestSha256: stored.manifestSha256, bytes: 10, shards: 0 };
      },
    };
  }

  private capturing() {
    const all: BackupControlActivities &
      Omit<BackupStoreActivities, 'captureNode' | 'listBackups' | 'showBackup'> = {
      resolveBackup: async ({ cluster, collections }) => ({
        store: this.alias,
        collections: collections ?? Object.keys(this.fakes.clusters[cluster] ?? {}).sort(),
        dataQueue: this.fakes.dataQueue,
        qdrantVersion: '1.17.0',
      }),
      planCapture: async ({ source }) => ({
        pin: PIN,
        mode: 'stream',
        read: { mode: 'scroll' },
        points: this.fakes.points(source).size,
        countedAt: '2026-01-01T00:00:00.000Z',
        layout: 'layout',
        lanes: [],
        shards: Array.from({ length: this.shards }, (_, id) => ({ id, ordinal: id })),
        notes: [],
        ...this.capture,
      }),
      awaitOptimizers: async () => ({ isIdle: this.isIdle, layout: 'layout' }),
      probeStore: async () => ({ limitations: [] }),
      openBackup: async () => ({ clusterIdentity: ['1'], notes: [] }),
      readOperations: async (ref) => ({
        operations: digestOfPoints(this.fakes.points(ref)).sum,
      }),
      captureShard: async ({ shard, ...ref }) => {
        this.at(ref).shards.set(shard.id, this.shardOf(this.fakes.points(ref), shard.id));
        return { name: `${ref.collection}.shard-${shard.id}`, bytes: 1_000, parts: 1, leftOnNode: [] };
      },
      writeIdSet: async (ref) => {
        const ids = new Set(this.fakes.points(ref).keys());
        this.at(ref).ids = ids;
        return { ids: { key: 'ids', bytes: 1, sha256: 'ids', count: ids.size } as never };
      },
      writeRecall: async () => ({ notes: [] }),
      writeManifest: async ({ captured, points, ...ref }) => {
        const stored = this.at(ref);
        stored.points = points;
        stored.manifestSha256 = `manifest of ${captured.map(({ id }) => id).join()}`;
        return {
          manifestSha256: stored.manifestSha256,
          bytes: 1_000 * captured.length,
          shards: captured.length,
        };
      },
      checkObjects: async () => ({
        ...{ cursor: this.shards, done: true, objects: this.shards, bytes: 1_000 * this.shards },
        damage: this.damage,
      }),
      writeComplete: async (ref) => {
        const stored = this.at(ref);
        if (stored.manifestSha256 !== ref.manifestSha256) throw fail('ManifestInvalid', 'Another manifest');
        stored.isComplete = true;
      },
      writeBackup: async (input) => {
        this.written.push(input);
        const run = [...(this.backups.get(input.backup)?.values() ?? [])];
        return { complete: run.filter(({ isComplete }) => isComplete).length, abortedUploads: 0 };
      },
      writeProof: async (proof) => void this.at(proof).proofs.push(proof),
    };
    return all;
  }

  private recovering() {
    const all: RecoveryActivities & RecoveryControlActivities = {
      locateStore: async () => ({ store: this.alias, dataQueue: this.fakes.dataQueue }),
      resolveRecovery: async ({ collections, as, backup: named }) => {
        const runs = [...this.backups].filter(([id]) => named === undefined || id === named);
        const recoveries = runs.flatMap(([backup, run]) =>
          [...run]
            .filter(([name, { isComplete }]) => isComplete && (collections?.includes(name) ?? true))
            .map(([collection, { points }]) => ({
              from: { store: this.alias, cluster: 'origin', backup, collection },
              target: as?.[collection] ?? collection,
              ...{ points, bytes: 1_000 * this.shards },
            })),
        );
        return { recoveries, notes: [] };
      },
      planRecovery: async ({ from, target, onExisting }) => {
        const stored = this.at(from);
        const exists = this.fakes.clusters[target.cluster]?.[target.collection] !== undefined;
        if (exists && onExisting === 'fail') throw fail('CollectionExists', `${target.collection} is there`);
        const proof = stored.proofs.at(-1);
        const creation = this.creationOf(target);
        return {
          manifestSha256: stored.manifestSha256 ?? '',
          writes: target.collection,
          exists,
          ...(exists && creation !== undefined ? { creation } : {}),
          ...{ via: 'pull', mayPush: true, hasRecall: true, notes: [] },
          ...{ points: stored.points, bytes: 1_000 * this.shards, shards: stored.shards.size },
          ...(stored.ids === undefined ? {} : { ids: stored.ids.size }),
          ...(stored.byPoints ? { slices: stored.shards.size, shards: 0 } : {}),
          ...(proof === undefined ? {} : { proof: { kind: proof.kind, digest: proof.digest } }),
          ...this.plan,
        };
      },
      lookAtReplaced: async ({ target }) => this.lookAt(target),
      prepareRecovery: async ({ from, target, creation, replaced }) => {
        this.replace(target, replaced, creation);
        const { shards, byPoints } = this.at(from);
        const positions = byPoints ? [] : [...shards.keys()];
        return { targetPin: PIN, shards: positions.map((position) => ({ position, into: position })) };
      },
      recoverShard: async ({ from, target, shard, via }) => {
        const points = this.at(from).shards.get(shard.position) ?? [];
        for (const [id, value] of points) this.fakes.points(target).set(id, value);
        return { bytes: 1_000, via };
      },
      recoverSlice: async ({ from, target, position }) => {
        const points = this.at(from).shards.get(position) ?? new Map<string, string>();
        for (const [id, value] of points) this.fakes.points(target).set(id, value);
        return { points: points.size, bytes: 1_000 };
      },
      removeReturned: async ({ from, target }) => {
        const ids = this.at(from).ids ?? new Set();
        const points = this.fakes.points(target);
        for (const id of [...points.keys()]) if (!ids.has(id)) points.delete(id);
        const missing = [...ids].filter((id) => !points.has(id));
        return { points: points.size, missing: missing.length, missingIds: missing.slice(0, 10) };
      },
      replayRecall: async () => ({
        recall: { exact: 1, approximate: 0.98, atCapture: 0.99, queries: 20 },
        notes: [],
      }),
      finishRecovery: async ({ withAliases }) => ({
        ...{ aliases: withAliases ? ['current'] : [], notes: [] },
        ...(withAliases ? {} : { differences: this.differences }),
      }),
      keepRecovered: async ({ target }) => void this.kept.push(target),
      undoRecovery: async ({ target, creation }) => {
        const there = this.fakes.clusters[target.cluster] ?? {};
        if (!there[target.collection]) return { removed: true };
        if (this.creationOf(target) !== creation) return { removed: false };
        delete there[target.collection];
        return { removed: true };
      },
    };
    return all;
  }

  /** What `replace` is about to delete. */
  lookAt(target: CollectionRef): { replaced?: Replaced } {
    const points = this.fakes.clusters[target.cluster]?.[target.collection];
    if (!points) return {};
    const { sum: operations } = digestOfPoints(points);
    const creation = this.creationOf(target);
    return { replaced: { points: points.size, operations, ...(creation === undefined ? {} : { creation }) } };
  }

  /** Deletes what is there, unless it was written since it was looked at, and makes an empty one. */
  replace(target: CollectionRef, replaced: Partial<Replaced> | undefined, creation: string): void {
    const there = this.lookAt(target).replaced;
    const isStale = replaced?.operations !== undefined && there && replaced.operations !== there.operations;
    if (isStale) throw fail('SafetyBackupStale', `${target.collection} was written since its safety backup`);
    (this.fakes.clusters[target.cluster] ??= {})[target.collection] = new Map();
    this.creations.set(`${target.cluster}/${target.collection}`, creation);
  }

  private creationOf({ cluster, collection }: CollectionRef): string | undefined {
    return this.creations.get(`${cluster}/${collection}`);
  }

  private at({ backup, collection }: Pick<CollectionBackupRef, 'backup' | 'collection'>): StoredCollection {
    const run = this.backups.get(backup) ?? new Map<string, StoredCollection>();
    this.backups.set(backup, run);
    const stored = run.get(collection) ?? { shards: new Map(), points: 0, isComplete: false, proofs: [] };
    run.set(collection, stored);
    return stored;
  }

  private shardOf(points: Points, shard: number): Points {
    return new Map([...points].filter(([id]) => Number(id) % this.shards === shard));
  }
}

const PIN = { version: '1.17.0', peers: [], identity: [], shape: 'shape' };
