// What a store holds of each collection of a cluster, as far as its protection goes. One list of the cluster's objects; of
// each collection the documents of its newest backups, of their chains, and of its last proofs. The content of objects is
// not read: `ferry check-backup` does that.
//
//   - The newest backups are examined until one can be used, at least MOST_EXAMINED of them: an older one that was damaged
//     meanwhile is found by its size, or by the manifest that is missing, and otherwise by `ferry check-backup`.
//   - A backup counts as the cluster's where it shares a peer with it, or with a newer one that does. One of other peers
//     is mixed in where it is newer than one of the cluster's own.
//   - A proof counts, whichever usable backup it is of: the newest backup of an hourly chain has none yet.

import { collectionsMeant } from '../backups/capture/resolve-backup.js';
import { isProofKey, isStamped, readProofs, recordedProof } from '../backups/proofs.js';
import { clusterText, SameCluster } from '../backups/catalogue/read-run.js';
import { isUsable, readBackup, type ReadBackup } from '../backups/read-backup.js';
import { runsIn, type StoredRun } from '../backups/retention/stored-backups.js';
import type { CheckProtectionInput, CheckProtectionResult } from '../model/contracts/check-activities.js';
import { completeKey, manifestKey, prunedKey, timeOfBackup } from '../model/format/backup-names.js';
import { storedBytes, type CollectionManifest, type ContentProof } from '../model/format/manifest.js';
import {
  judgeCollection,
  judgeNothing,
  type CollectionFacts,
  type Troubled,
} from '../model/health/collections.js';
import { cutLists } from '../model/health/report.js';
import { mapInOrder } from '../model/map-in-order.js';
import type { ObjectStore, StoredObject } from '../storage/object-store.js';
import { selection } from './list-protected.js';
import { listedStore } from './listed-store.js';

const MOST_EXAMINED = 10;
const MOST_UNUSABLE = 50;
const MOST_PROOFS = 10;
const COLLECTIONS_AT_ONCE = 4;
const MOST_REASON = 300;
const CLOCK_SKEW_MS = 5 * 60_000;

export async function checkProtection(
  store: ObjectStore,
  input: CheckProtectionInput,
  signal: AbortSignal,
): Promise<CheckProtectionResult> {
  const { cluster, living, policy } = input;
  const now = new Date(input.now);
  const runs = await runsIn(store, cluster, []);
  const stored = namesIn(runs, input);
  const names = living?.collections ?? stored;
  const held = stored.filter((name) => runs.some((run) => heldOf(run, name).length > 0));
  const judged = await mapInOrder(names, COLLECTIONS_AT_ONCE, async (collection) => {
    signal.throwIfAborted();
    const held = new HeldCollection(store, { cluster, collection }, runs, now);
    const facts = await held.facts(living?.identity ?? [], signal);
    return judgeCollection(facts, input, { store: store.alias, policy }, now);
  });
  return cutLists({
    findings: [
      ...judgeNothing(input, { store: store.alias, policy }, held.length),
      ...judged.flatMap(({ findings }) => findings),
    ],
    collections: judged.map(({ checked }) => checked),
  });
}

/** Those that the store has. */
function namesIn(
  runs: readonly StoredRun[],
  { cluster, collections, exclude }: CheckProtectionInput,
): string[] {
  const stored = new Set(runs.flatMap((run) => [...run.collections.keys()]));
  const asked = selection(cluster, collections, exclude);
  return [...collectionsMeant(asked, [...stored], []).names].sort();
}

interface Held {
  backup: string;
  objects: StoredObject[];
  startedAt: Date;
  storedAt: Date;
}

type Examined = Held & { read: ReadBackup; own?: boolean };

class HeldCollection {
  readonly #store: ObjectStore;
  readonly #of: { cluster: string; collection: string };
  /** Newest first. */
  readonly #held: Held[];
  readonly #future: Held[];

  constructor(
    store: ObjectStore,
    of: { cluster: string; collection: string },
    runs: readonly StoredRun[],
    now: Date,
  ) {
    const all = runs.flatMap((run) => heldOf(run, of.collection)).reverse();
    this.#of = of;
    this.#held = all.filter((one) => !isFuture(one, now));
    this.#future = all.filter((one) => isFuture(one, now));
    this.#store = listedStore(
      store,
      all.flatMap(({ objects }) => objects),
    );
  }

  async facts(identity: readonly string[], signal: AbortSignal): Promise<CollectionFacts> {
    const examined = await this.#examine(identity, signal);
    const usable = examined.filter(isOwnAndComplete);
    const [first] = examined;
    const newest = usable[0] && newestOf(usable[0]);
    const proofs = newest === undefined ? {} : withRecorded(await this.#proofs(signal), usable);
    const all = [...this.#future, ...this.#held];
    return {
      ...this.#of,
      backups: all.length,
      ...(newest === undefined ? {} : { newest }),
      ...proofs,
      bytes: all.flatMap(({ objects }) => objects).reduce((sum, { bytes }) => sum + bytes, 0),
      ...(first === undefined || first.read.state === 'complete' ? {} : { unusable: unusableOf(first) }),
      ...this.#troubles(examined, await this.#broken(examined, signal)),
    };
  }

  async #examine(identity: readonly string[], signal: AbortSignal): Promise<Examined[]> {
    const peers = new SameCluster();
    peers.add(identity);
    const examined: Examined[] = [];
    let hasUsable = false;
    for (const held of this.#held) {
      if (examined.length >= (hasUsable ? MOST_EXAMINED : MOST_UNUSABLE)) break;
      const read = await this.#read(held.backup, signal);
      const own = read.found === undefined ? undefined : peers.has(read.found.manifest.clusterIdentity);
      if (own && read.found) peers.add(read.found.manifest.clusterIdentity);
      hasUsable ||= own === true && read.state === 'complete';
      examined.push({ ...held, read, ...(own === undefined ? {} : { own }) });
    }
    return examined;
  }

  #read(backup: string, signal: AbortSignal): Promise<ReadBackup> {
    const head = (key: string) => this.#store.head(key);
    return readBackup(this.#store, { ...this.#of, backup }, { head, signal });
  }

  /** Increments that only their base keeps from being usable. */
  async #broken(examined: readonly Examined[], signal: AbortSignal): Promise<Examined[]> {
    const damaged = examined.filter(({ read }) => read.state === 'damaged' && read.found?.manifest.base);
    const broken: Examined[] = [];
    for (const one of damaged) {
      const base = one.read.found?.manifest.base;
      const read = base && (await this.#read(base.backup, signal));
      const isSame = read?.state === 'complete' && read.found?.sha256 === base?.manifestSha256;
      if (!isSame) broken.push(one);
    }
    return broken;
  }

  #troubles(examined: readonly Examined[], broken: readonly Examined[]): Partial<CollectionFacts> {
    const inState = (...states: string[]) => examined.filter(({ read }) => states.includes(read.state));
    const damaged = inState('damaged').filter((one) => !broken.includes(one));
    const usable = examined.map(isOwnAndComplete);
    const oldest = usable.lastIndexOf(true);
    const others = examined.filter(({ own }, at) => own === false && (oldest < 0 || at < oldest));
    return {
      ...troubled('damaged', [
        ...damaged.map(named),
        ...this.#lost().map(({ backup }) => ({ backup, reason: 'its manifest is missing' })),
      ]),
      ...troubled('broken', broken.map(named)),
      ...troubled('otherCluster', others.map(namedPeers)),
      ...troubled('future', this.#future.map(namedTime)),
      ...troubled('unread', inState('tooNew', 'archived').map(named)),
    };
  }

  /** They were complete once. */
  #lost(): Held[] {
    const { cluster, collection } = this.#of;
    return this.#held.filter(({ backup, objects }) => {
      const has = (keyOf: typeof manifestKey) =>
        objects.some(({ key }) => key === keyOf(cluster, backup, collection));
      return has(completeKey) && !has(manifestKey);
    });
  }

  /** The newest one, and the newest of a rehearsal, of backups that can be used. */
  async #proofs(signal: AbortSignal): Promise<Pick<CollectionFacts, 'proof' | 'rehearsal'>> {
    const keys = this.#held.flatMap(({ backup, objects }) =>
      objects.filter(({ key }) => isProofKey(key)).map(({ key }) => ({ backup, key })),
    );
    keys.sort((a, b) => (timeIn(a.key) < timeIn(b.key) ? 1 : -1));
    const newest = await this.#firstValid(keys, signal, (manifest) => !isStamped(manifest));
    const rehearsed = keys.filter(({ key }) => key.includes('/proof-rehearsed_'));
    const rehearsal = await this.#firstValid(rehearsed, signal);
    return {
      ...(newest === undefined ? {} : { proof: { kind: newest.kind, at: newest.at } }),
      ...(rehearsal === undefined ? {} : { rehearsal: rehearsalOf(rehearsal) }),
    };
  }

  async #firstValid(
    keys: readonly { backup: string; key: string }[],
    signal: AbortSignal,
    counts: (manifest: CollectionManifest) => boolean = () => true,
  ): Promise<ContentProof | undefined> {
    for (const { backup, key } of keys.slice(0, MOST_PROOFS)) {
      const read = await this.#read(backup, signal);
      if (read.state !== 'complete' || !isUsable(read)) continue;
      const of = { ...this.#of, backup };
      const { best } = await readProofs(this.#store, of, read.found.sha256, [key], signal);
      if (best !== undefined && counts(read.found.manifest)) return best;
    }
    return undefined;
  }
}

/**
 * Of the newest backups and what they continue, where one of them recorded its digest later than anything was proved. By
 * field, the last one that did may be a day's links below.
 */
function withRecorded(proofs: Proofs, usable: readonly Examined[]): Proofs {
  const chains = usable.map(({ read }) => [...(read.found ? [read.found] : []), ...read.bases]);
  const [recorded] = chains.flat().flatMap(({ manifest }) => recordedProof(manifest) ?? []);
  const isNewer = recorded !== undefined && (proofs.proof === undefined || proofs.proof.at < recorded.at);
  return isNewer ? { ...proofs, proof: recorded } : proofs;
}

type Proofs = Pick<CollectionFacts, 'proof' | 'rehearsal'>;

/** One that is partial can be recovered too, but only by name. */
function isOwnAndComplete({ own, read }: Examined): boolean {
  return own === true && read.state === 'complete';
}

/** Nothing where there is nothing, or its removal was begun. */
function heldOf(run: StoredRun, collection: string): Held[] {
  const objects = run.collections.get(collection);
  if (objects === undefined) return [];
  const has = (keyOf: typeof manifestKey) =>
    objects.find(({ key }) => key === keyOf(run.cluster, run.backup, collection));
  if (has(prunedKey) && !has(manifestKey)) return [];
  const checked = has(completeKey);
  return [
    {
      ...{ backup: run.backup, objects },
      startedAt: timeOfBackup(run.backup) ?? run.newestAt,
      storedAt: checked ? new Date(checked.modifiedAt) : run.newestAt,
    },
  ];
}

function isFuture({ startedAt, storedAt }: Held, now: Date): boolean {
  const [started, stored] = [startedAt.getTime(), storedAt.getTime()];
  return started > stored + CLOCK_SKEW_MS || started > now.getTime() + CLOCK_SKEW_MS;
}

function newestOf({ backup, read }: Examined): NonNullable<CollectionFacts['newest']> | undefined {
  if (read.found === undefined) return undefined;
  const { manifest } = read.found;
  const { startedAt: at, kind, points } = manifest;
  return { backup, at, kind, bytes: storedBytes(manifest), points };
}

function unusableOf({ backup, read, own }: Examined): NonNullable<CollectionFacts['unusable']> {
  const state = own === false ? 'of another cluster' : read.state;
  const reason = read.reason?.slice(0, MOST_REASON);
  return { backup, state, ...(reason === undefined ? {} : { reason }) };
}

interface Named {
  backup: string;
  reason: string;
}

const named = ({ backup, read }: Examined): Named => ({ backup, reason: read.reason ?? read.state });
const namedPeers = ({ backup, read }: Examined): Named => ({
  backup,
  reason: `it is of ${clusterText(read.found?.manifest.clusterIdentity ?? [])}`,
});
const namedTime = ({ backup, storedAt }: Held): Named => ({
  backup,
  reason: `the store wrote it at ${storedAt.toISOString()}`,
});

function rehearsalOf({ at, recoverySeconds }: ContentProof): NonNullable<CollectionFacts['rehearsal']> {
  return { at, ...(recoverySeconds === undefined ? {} : { recoverySeconds }) };
}

function timeIn(key: string): string {
  return /_(\d{8}_\d{6})\.json$/.exec(key)?.[1] ?? '';
}

function troubled<Name extends 'damaged' | 'broken' | 'otherCluster' | 'future' | 'unread'>(
  name: Name,
  all: readonly Named[],
): Partial<Record<Name, Troubled>> {
  const [newest] = [...all].sort((a, b) => (a.backup < b.backup ? 1 : -1));
  if (newest === undefined) return {};
  const found = { backups: all.length, newest: newest.backup, reason: newest.reason.slice(0, MOST_REASON) };
  return { [name]: found } as Partial<Record<Name, Troubled>>;
}
