// A chain of backups: an increment, its base, the base of that, down to the full backup. Promises that each link is
// complete and is the very manifest that the one after it names. What each link holds of a slice is read together:
//
//   ids      those of the newest link: whatever they do not name no longer exists
//   a point  of the newest link that stored it; every link stores what was new or changed since the one before it
//
// The full backup may be a snapshot of the shards. Then a point that no link stored is in it, and links hold whatever was
// written while it was taken, for its state in the snapshot is not known.

import type { BaseRef, CollectionManifest } from '../../model/format/manifest.js';
import type { IndexedSlice, ManifestSlice } from '../../model/format/slices.js';
import { FerryError } from '../../model/errors.js';
import type { PointId } from '../../model/point-id.js';
import { keyName } from '../../cluster/look.js';
import type { PointCodec } from '../../cluster/points-port.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readIdSet } from '../ids/read-id-set.js';
import { requireUsable, type FoundManifest, type OfCollection } from '../read-backup.js';
import { Ascending, seekEach, seekFirst } from './ascending.js';
import { unframeDigests, unframePoints, type DigestRecord } from './point-records.js';
import { readChecked, type ObjectRef } from './stored-stream.js';

/** Newest first. */
export type Chain = [FoundManifest, ...FoundManifest[]];

export async function openChain(store: ObjectStore, of: OfCollection, signal: AbortSignal): Promise<Chain> {
  const { found, bases } = await requireUsable(store, of, { signal });
  return [found, ...bases];
}

/** Chains that are opened again for each slice: their documents never change. */
export class Chains {
  readonly #opened = new Map<string, Promise<Chain>>();

  async open(store: ObjectStore, base: BaseRef, signal: AbortSignal): Promise<Chain> {
    const key = [store.alias, base.cluster, base.backup, base.collection, base.manifestSha256].join('/');
    // One that failed may have been opened for an attempt that was ended.
    const kept = await this.#opened.get(key)?.catch(() => undefined);
    if (kept !== undefined) return kept;
    const opening = openChain(store, base, signal);
    this.#opened.set(key, opening);
    opening.catch(() => this.#opened.delete(key));
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > MOST_KEPT && oldest !== undefined) this.#opened.delete(oldest);
    return opening;
  }
}

const MOST_KEPT = 16;

type Borders = Pick<ManifestSlice, 'shardKey' | 'from' | 'to'>;

/** The backups of one chain have the same borders. */
function isSameSlice(a: Borders, b: Borders): boolean {
  const name = ({ shardKey }: Borders) => (shardKey === undefined ? '' : keyName(shardKey));
  return a.from === b.from && a.to === b.to && name(a) === name(b);
}

/** The slices of a backup that an increment can continue. */
export function slicesOf({ slices, digestIndex = [] }: CollectionManifest): ManifestSlice[] {
  return slices ?? digestIndex.map(({ after }) => after);
}

/** What the links hold of a slice, the newest first; of a snapshot the digests before and after it. */
interface SliceLinks {
  slices: ManifestSlice[];
  snapshot?: IndexedSlice;
}

/** Down to the first link without it: its shard key was not there then, and what is older is of another one of that name. */
function linksOf(chain: Chain, slice: Borders): SliceLinks {
  const slices: ManifestSlice[] = [];
  for (const { manifest } of chain) {
    const snapshot = manifest.digestIndex?.find(({ after }) => isSameSlice(after, slice));
    if (snapshot !== undefined) return { slices, snapshot };
    const found = manifest.slices?.find((one) => isSameSlice(one, slice));
    if (found === undefined) break;
    slices.push(found);
  }
  return { slices };
}

/** What a link says of a point; without a digest where it only says that others cannot know. */
interface Said {
  id: PointId;
  digest?: Uint8Array;
}

/** The digests of a slice's points as a backup left them. */
export class KnownPoints {
  readonly #ids: Ascending<PointId>;
  /** The newest link first. */
  readonly #links: Ascending<Said>[];
  readonly #count: number;

  constructor(store: ObjectStore, { slices, snapshot }: SliceLinks, signal: AbortSignal) {
    const newest = slices[0] ?? snapshot?.after;
    this.#count = newest?.ids.count ?? 0;
    this.#ids = new Ascending(idPages(store, newest, signal), (id) => id);
    const open = ({ digests }: ManifestSlice, said: (records: DigestRecord[]) => Said[] = (all) => all) =>
      digests === undefined ? [] : [new Ascending(pages(digests, said), ({ id }: Said) => id)];
    async function* pages(digests: ObjectRef, said: (records: DigestRecord[]) => Said[]) {
      for await (const records of unframeDigests(readChecked(store, digests, signal))) yield said(records);
    }
    // Points that were written while the snapshot was taken: what it holds of them is not known.
    const doubtful = (records: DigestRecord[]) => records.map(({ id }) => ({ id }));
    this.#links = slices.flatMap((slice) => open(slice));
    if (snapshot !== undefined) this.#links.push(...open(snapshot.after, doubtful), ...open(snapshot.before));
  }

  static of(chain: Chain, slice: Borders, store: ObjectStore, signal: AbortSignal): KnownPoints {
    return new KnownPoints(store, linksOf(chain, slice), signal);
  }

  /** Without those that were not there, or of which no link says what they were. Ascending, also over all calls. */
  async digestsOf(ids: readonly PointId[]): Promise<Map<PointId, Uint8Array>> {
    const there: PointId[] = [];
    await seekEach(this.#ids, ids, (id, found) => found !== undefined && there.push(id));
    const digests = new Map<PointId, Uint8Array>();
    for (const [id, { digest }] of await seekFirst(this.#links, there))
      if (digest !== undefined) digests.set(id, digest);
    return digests;
  }

  /** Once every id of the source was asked for: how many points there were that are no longer. */
  get gone(): number {
    return this.#count - this.#ids.matched;
  }

  async close(): Promise<void> {
    await Promise.all([this.#ids, ...this.#links].map((one) => one.close()));
  }
}

async function* idPages(
  store: ObjectStore,
  slice: ManifestSlice | undefined,
  signal: AbortSignal,
): AsyncGenerator<PointId[]> {
  if (slice === undefined) return;
  for await (const { ids } of readIdSet(store, slice.ids, signal)) yield ids;
}

/** Held in memory, and a point may have megabytes. */
const POINTS_AT_ONCE = 200;

/**
 * The points of the slice at the newest link, ascending, as they are stored; of each only the newest version. What no link
 * stores is in the snapshot that the chain begins with, or an error where it begins with a backup by points.
 */
export async function* storedPoints(
  store: ObjectStore,
  chain: Chain,
  slice: Borders,
  { idOf }: PointCodec,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { slices, snapshot } = linksOf(chain, slice);
  const points = slices.flatMap(({ points }) =>
    points === undefined ? [] : new Ascending(unframePoints(readChecked(store, points, signal)), idOf),
  );
  try {
    for await (const page of idPages(store, slices[0], signal)) {
      for (let at = 0; at < page.length; at += POINTS_AT_ONCE) {
        const ids = page.slice(at, at + POINTS_AT_ONCE);
        const found = await seekFirst(points, ids);
        for (const id of ids) {
          const point = found.get(id);
          if (point !== undefined) yield point;
          else if (snapshot === undefined) throw withoutPoint(chain, id);
        }
      }
    }
  } finally {
    await Promise.all(points.map((one) => one.close()));
  }
}

function withoutPoint([{ manifest }]: Chain, id: PointId): FerryError {
  const { backup, collection } = manifest;
  const happened = `No link of the chain holds the point ${id}, which the id set names`;
  return new FerryError('ObjectDamaged', happened, { context: { backup, collection } });
}
