// A chain of backups: an increment, its base, the base of that, down to the full backup. Promises that each link is
// complete and is the very manifest that the one after it names. What each link holds of a slice is read together:
//
//   ids      those of the newest link: whatever they do not name no longer exists
//   a point  of the newest link that stored it; every link stores what was new or changed since the one before it

import type { BaseRef, ManifestSlice } from '../../model/format/manifest.js';
import { FerryError } from '../../model/errors.js';
import type { PointId } from '../../model/point-id.js';
import { keyName } from '../../cluster/look.js';
import type { PointCodec } from '../../cluster/points-port.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readIdSet } from '../ids/read-id-set.js';
import { requireUsable, type FoundManifest, type OfCollection } from '../read-backup.js';
import { Ascending, seek } from './ascending.js';
import { unframeDigests, unframePoints, type DigestRecord } from './point-records.js';
import { readChecked } from './stored-stream.js';

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
export function isSameSlice(a: Borders, b: Borders): boolean {
  const name = ({ shardKey }: Borders) => (shardKey === undefined ? '' : keyName(shardKey));
  return a.from === b.from && a.to === b.to && name(a) === name(b);
}

function slicesIn(chain: Chain, slice: Borders): (ManifestSlice | undefined)[] {
  return chain.map(({ manifest }) => manifest.slices?.find((one) => isSameSlice(one, slice)));
}

/** The digests of a slice's points at the newest link. */
export class KnownPoints {
  readonly #ids: Ascending<PointId>;
  readonly #digests: Ascending<DigestRecord>[];
  readonly #count: number;

  constructor(store: ObjectStore, chain: Chain, slice: Borders, signal: AbortSignal) {
    const links = slicesIn(chain, slice);
    this.#count = links[0]?.ids.count ?? 0;
    this.#ids = new Ascending(idPages(store, links[0], signal), (id) => id);
    this.#digests = links
      .flatMap((link) => link?.digests ?? [])
      .map((ref) => new Ascending(unframeDigests(readChecked(store, ref, signal)), ({ id }) => id));
  }

  /** Undefined for one that was not there, or of which no link says what it was. Ascending over all calls. */
  async digestOf(id: PointId): Promise<Uint8Array | undefined> {
    if ((await seek(this.#ids, id)) === undefined) return undefined;
    for (const link of this.#digests) {
      const found = await seek(link, id);
      if (found !== undefined) return found.digest;
    }
    return undefined;
  }

  /** Once every id of the source was asked for: how many points there were that are no longer. */
  get gone(): number {
    return this.#count - this.#ids.matched;
  }

  async close(): Promise<void> {
    await Promise.all([this.#ids, ...this.#digests].map((one) => one.close()));
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

/** Every point of the slice at the newest link, ascending, as it is stored; of each only the newest version. */
export async function* storedPoints(
  store: ObjectStore,
  chain: Chain,
  slice: Borders,
  { idOf }: PointCodec,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const links = slicesIn(chain, slice);
  const points = links
    .flatMap((link) => link?.points ?? [])
    .map((ref) => new Ascending(unframePoints(readChecked(store, ref, signal)), idOf));
  try {
    for await (const ids of idPages(store, links[0], signal)) {
      for (const id of ids) yield await newestOf(points, id, chain);
    }
  } finally {
    await Promise.all(points.map((one) => one.close()));
  }
}

async function newestOf(
  links: Ascending<Uint8Array>[],
  id: PointId,
  [{ manifest }]: Chain,
): Promise<Uint8Array> {
  for (const link of links) {
    const found = await seek(link, id);
    if (found !== undefined) return found;
  }
  const { backup, collection } = manifest;
  throw new FerryError(
    'ObjectDamaged',
    `No link of the chain holds the point ${id}, which the id set names`,
    {
      context: { backup, collection },
    },
  );
}
