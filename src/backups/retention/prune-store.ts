// Removes the backups of a store that no rule keeps, and what killed jobs left behind. The decision is a pure function
// (model/retention.ts); here it gets its facts, and is carried out in an order that can be cut off anywhere. Requests: one
// list of each cluster, the documents of each backup, and a look at each object that is to go.

import type {
  JudgedBackup,
  PruneStoreInput,
  PruneStoreResult,
} from '../../model/contracts/prune-activities.js';
import { manifestKey, prunedKey } from '../../model/format/backup-names.js';
import { mapInOrder } from '../../model/map-in-order.js';
import { isSelected } from '../../model/name-patterns.js';
import { inOrderOfRemoval } from '../../model/removal-order.js';
import { planRetention, type RetentionDecision } from '../../model/retention.js';
import type { ObjectStore, StoredObject } from '../../storage/object-store.js';
import { keysOf } from '../catalogue/catalogue.js';
import { isProofKey } from '../proofs.js';
import { PruneLease } from './prune-lease.js';
import { readersOf, type Reader } from './readers.js';
import { removeBackup, removeObjects, removeRun } from './remove-backup.js';
import {
  readStoredBackups,
  type StoredBackup,
  type StoredCluster,
  type StoredRun,
} from './stored-backups.js';

const MOST_NAMED = 500;
const MOST_LEFT = 100;
const HEADS_AT_ONCE = 8;
const DAY_MS = 86_400_000;
/** What attempts of a capture leave. A newer ferry may keep other objects beside a manifest of this version. */
const OF_A_CAPTURE =
  /(\.snapshot(\.parts\.json)?|\/(ids\.[0-9a-f]{8}\.gz|recall\.json|slice-\d+\.[0-9a-f]{8}\.\S+))$/;

export interface PruneAttempt {
  /** Of the lease: the same for all attempts of one job. */
  holder: string;
  signal: AbortSignal;
  termMs?: number;
  elapsed?: () => number;
  /** How many backups the earlier attempts of the job have removed. */
  removedEarlier?: number;
  /** With all of the job, after each one. */
  onRemoved?: (removed: number) => Promise<void>;
}

/** What is to become of each backup of a cluster, by the time of the store. */
export type Decide = (backups: readonly StoredBackup[], now: Date) => RetentionDecision[];

export async function pruneStore(
  store: ObjectStore,
  input: PruneStoreInput,
  attempt: PruneAttempt,
): Promise<PruneStoreResult> {
  const { dryRun } = input;
  const decide: Decide = (backups, now) => {
    const isMeant = ({ collection }: StoredBackup) => isSelected(input, collection);
    const plan = planRetention(input, now, backups);
    const notAsked = { keep: true, reasons: ['of a collection that was not asked for'] };
    return backups.map((one, at) => (isMeant(one) ? (plan[at] ?? notAsked) : notAsked));
  };
  const prune = new Prune(store, attempt, { ...input, decide });
  if (dryRun) return prune.run(new Date());
  return underLease(store, attempt, (lease) => prune.run(lease.takenAt, lease));
}

export async function underLease<T>(
  store: ObjectStore,
  attempt: PruneAttempt,
  work: (lease: PruneLease) => Promise<T>,
): Promise<T> {
  const lease = await PruneLease.take(store, attempt);
  try {
    return await work(lease);
  } finally {
    // Not released it ends by itself, a minute later.
    await lease.release().catch(() => undefined);
  }
}

type Asked = Pick<PruneStoreInput, 'cluster' | 'unusableAfterDays' | 'dryRun'> & {
  decide: Decide;
  /** Nothing outside of this run is touched. Absent: what killed jobs left is swept everywhere. */
  onlyRun?: string;
};

export class Prune {
  readonly #store: ObjectStore;
  readonly #attempt: PruneAttempt;
  readonly #asked: Asked;
  readonly #result: PruneStoreResult;
  #removed: number;

  constructor(store: ObjectStore, attempt: PruneAttempt, asked: Asked) {
    this.#store = store;
    this.#attempt = attempt;
    this.#asked = asked;
    const { removedEarlier = 0 } = attempt;
    this.#removed = removedEarlier;
    this.#result = {
      ...{ store: store.alias, dryRun: asked.dryRun, kept: 0, removed: 0, removedBytes: 0 },
      ...{ backups: [], swept: { objects: 0, bytes: 0, uploads: 0 }, left: [] },
      ...(removedEarlier === 0 ? {} : { removedEarlier }),
    };
  }

  /** Without a lease nothing is removed. */
  async run(now: Date, lease?: PruneLease): Promise<PruneStoreResult> {
    for (const cluster of await this.#clusters()) await this.#ofCluster(cluster, now, lease);
    const { backups, left } = this.#result;
    backups.sort((a, b) => Number(a.keep) - Number(b.keep));
    return { ...this.#result, backups: backups.slice(0, MOST_NAMED), left: left.slice(0, MOST_LEFT) };
  }

  async #clusters(): Promise<string[]> {
    const { cluster } = this.#asked;
    if (cluster !== undefined) return [cluster];
    const names: string[] = [];
    for await (const name of this.#store.folders('')) if (!name.startsWith('.')) names.push(name);
    return names;
  }

  async #ofCluster(cluster: string, now: Date, lease: PruneLease | undefined): Promise<void> {
    const { readers } = await readersOf(this.#store, now, cluster);
    const stored = await readStoredBackups(this.#store, cluster, this.#attempt.signal);
    for (const one of stored.backups) one.readBy = readerOf(one, readers);
    const decisions = await this.#decide(stored.backups, now);
    const removed = stored.backups.filter((one) => decisions.get(one)?.keep === false);
    this.#count(stored.backups, decisions);
    if (this.#asked.onlyRun === undefined) await this.#sweep(stored, removed, now, lease);
    if (lease === undefined) return;
    await this.#removeAll(inOrderOfRemoval(removed), decisions, { now, lease });
    // Looked for again: a job that was stopped for a day may have come back meanwhile. Those that are locked go later.
    await removeObjects(this.#store, (await readersOf(this.#store, now, cluster)).expired);
    for (const run of stored.runs.filter((one) => this.#isGone(one, stored, removed, now))) {
      lease.require();
      this.#result.left.push(...(await removeRun(this.#store, run)));
    }
  }

  /** What stays, although it was to go, keeps its base: that comes after it. */
  async #removeAll(
    inOrder: readonly StoredBackup[],
    decisions: ReadonlyMap<StoredBackup, RetentionDecision>,
    { now, lease }: { now: Date; lease: PruneLease },
  ): Promise<void> {
    const needed = new Set<string>();
    for (const one of inOrder) {
      this.#attempt.signal.throwIfAborted();
      lease.require();
      const left = needed.has(`${one.collection}/${one.backup}`)
        ? [
            {
              key: manifestKey(one.run.cluster, one.backup, one.collection),
              why: 'It is the base of one that stays',
            },
          ]
        : await removeBackup(this.#store, one, decisions.get(one)?.reasons ?? [], now, () =>
            this.#countGone(),
          );
      if (left.length > 0 && typeof one.base === 'object') needed.add(`${one.collection}/${one.base.backup}`);
      this.#result.left.push(...left);
    }
  }

  /** A later attempt finds no trace of it, so its report would not know of it. */
  async #countGone(): Promise<void> {
    this.#removed += 1;
    await this.#attempt.onRemoved?.(this.#removed);
  }

  /** What the store locks stays, and so does what that is based on. */
  async #decide(
    backups: readonly StoredBackup[],
    now: Date,
  ): Promise<ReadonlyMap<StoredBackup, RetentionDecision>> {
    const { decide } = this.#asked;
    const first = decide(backups, now);
    const withLocks = await mapInOrder([...backups.entries()], HEADS_AT_ONCE, async ([at, one]) =>
      first[at]?.keep === false ? { ...one, lockedBy: await this.#lockOf(one) } : one,
    );
    const decisions = decide(withLocks, now);
    return new Map(backups.map((one, at) => [one, decisions[at] ?? { keep: true, reasons: [] }]));
  }

  async #lockOf({ objects }: StoredBackup): Promise<string | undefined> {
    for (const { key } of objects) {
      const lockedBy = (await this.#store.head(key))?.lockedBy;
      if (lockedBy !== undefined) return lockedBy;
    }
    return undefined;
  }

  #count(backups: readonly StoredBackup[], decisions: ReadonlyMap<StoredBackup, RetentionDecision>): void {
    for (const one of backups) {
      const { keep, reasons } = decisions.get(one) ?? { keep: true, reasons: [] };
      const { run, backup, collection, state, bytes } = one;
      const judged: JudgedBackup = { cluster: run.cluster, backup, collection, state, keep, reasons, bytes };
      this.#result.backups.push(judged);
      if (keep) this.#result.kept += 1;
      else {
        this.#result.removed += 1;
        this.#result.removedBytes += bytes;
      }
    }
  }

  /** Of attempts that were cut off, of prunes that were, and uploads that nobody will complete. */
  async #sweep(
    { backups, halfRemoved, uploads }: StoredCluster,
    removed: readonly StoredBackup[],
    now: Date,
    lease: PruneLease | undefined,
  ): Promise<void> {
    const kept = backups.filter((one) => !removed.includes(one));
    const orphans = [...halfRemoved, ...kept.flatMap((one) => this.#leftoversIn(one, now))];
    const dead = uploads.filter(({ startedAt }) => this.#isOld(new Date(startedAt), now));
    const { swept, left } = this.#result;
    swept.objects += orphans.length;
    swept.bytes += orphans.reduce((sum, { bytes }) => sum + bytes, 0);
    swept.uploads += dead.length;
    if (lease === undefined) return;
    lease.require();
    left.push(...(await removeObjects(this.#store, orphans)));
    for (const { key, id } of dead) await (await this.#store.resumeUpload(key, id))?.abort();
  }

  /** Named by no document, in the folder of a good backup whose run has ended. */
  #leftoversIn({ run, collection, state, manifest, objects }: StoredBackup, now: Date): StoredObject[] {
    const isGood = state === 'complete' || state === 'partial';
    if (manifest === undefined || !run.hasEnded || !isGood) return [];
    const { cluster, backup } = run;
    const proofs = objects.map(({ key }) => key).filter(isProofKey);
    const known = new Set(keysOf({ cluster, backup, collection }, manifest, proofs));
    return objects.filter(
      ({ key, modifiedAt }) =>
        OF_A_CAPTURE.test(key) && !known.has(key) && this.#isOld(new Date(modifiedAt), now),
    );
  }

  /** Nothing is left of it, and it is over. */
  #isGone(run: StoredRun, { backups }: StoredCluster, removed: readonly StoredBackup[], now: Date): boolean {
    if ((this.#asked.onlyRun ?? run.backup) !== run.backup) return false;
    const own = backups.filter((one) => one.run === run);
    if (own.some((one) => !removed.includes(one))) return false;
    if (this.#result.left.some(({ key }) => key.startsWith(`${run.cluster}/${run.backup}/`))) return false;
    const isMarked = [...run.collections].some(([collection, objects]) =>
      objects.some(({ key }) => key === prunedKey(run.cluster, run.backup, collection)),
    );
    const isOver = run.hasEnded && now.getTime() - run.newestAt.getTime() > DAY_MS;
    return this.#isOld(run.newestAt, now) || (isOver && (isMarked || own.length > 0));
  }

  #isOld(time: Date, now: Date): boolean {
    return now.getTime() - time.getTime() > this.#asked.unusableAfterDays * DAY_MS;
  }
}

function readerOf({ backup, collection }: StoredBackup, readers: readonly Reader[]): string | undefined {
  return readers.find((one) => one.backup === backup && one.collection === collection)?.reader;
}
