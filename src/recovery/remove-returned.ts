// Removes the points that the snapshots brought back. While an optimizer works, a shard's snapshot may hold points that
// were deleted before it was taken (Qdrant up to 1.17.0); the id set of the backup says which points were alive after the
// last capture. Promises to delete only ids that the whole, hashed set does not hold, and to believe that an id is
// missing only after asking for it. Nothing else writes to the collection. May begin again at any time.
//
//   for each shard key: the set's ids and the target's, both ascending, in step
//     only on the target    delete, in batches
//     only in the set       ask by id; what does not exist is counted, and the first ones are named
//   then count: a read that missed a point is followed by another one

import { FerryError } from '../model/errors.js';
import { compareIds, type PointId } from '../model/point-id.js';
import type { RemoveReturnedInput, RemoveReturnedResult } from '../model/contracts/recovery-activities.js';
import { shardKeyText, type ShardKey } from '../model/state/slice.js';
import type { ClusterControl } from '../cluster/control-port.js';
import { keyName, lookAt, readPlanOf } from '../cluster/look.js';
import type { IdReader, PointWriter, ReadIds } from '../cluster/points-port.js';
import { openPlanned, type IdSet, type RecoverySource } from '../shards/recoverable-collection.js';

const DELETED_AT_ONCE = 1_000;
const NAMED = 10;
const MOST_PASSES = 3;

export interface RemovalDeps {
  source: RecoverySource;
  target: ClusterControl;
  points: IdReader & Pick<PointWriter, 'delete'>;
}

interface Removal {
  room: RemovalDeps;
  ids: IdSet;
  range: ReadIds;
  /** Those of the target; without custom sharding the one that is none. */
  keys: (ShardKey | undefined)[];
  signal: AbortSignal;
}

export async function removeReturned(
  room: RemovalDeps,
  { from, target, manifestSha256 }: RemoveReturnedInput,
  signal: AbortSignal,
): Promise<RemoveReturnedResult> {
  const { ids, sharding, shardKeys } = await openPlanned(room.source, from, manifestSha256, signal);
  if (ids === undefined) throw new FerryError('Internal', 'The backup has no id set');
  const { collection } = target;
  const { maxPoints } = readPlanOf(await lookAt(room.target, target, signal));
  const range = { collection, signal, ...(maxPoints === undefined ? {} : { maxPoints }) };
  const keys = sharding === 'custom' ? shardKeys.map((one) => one.shardKey) : [undefined];
  for (let pass = 1; ; pass += 1) {
    const missing = await removeOnce({ room, ids, range, keys, signal });
    const points = await room.target.count(collection, undefined, signal);
    const result = { points, missing: missing.count, missingIds: missing.first };
    if (points === ids.count - missing.count || pass === MOST_PASSES) return result;
  }
}

class Missing {
  count = 0;
  first: PointId[] = [];

  add(ids: readonly PointId[]): void {
    this.count += ids.length;
    this.first.push(...ids.slice(0, NAMED - this.first.length));
  }
}

async function removeOnce({ room, ids, range, keys, signal }: Removal): Promise<Missing> {
  const missing = new Missing();
  const open = new Map(keys.map((key) => [nameOf(key), key]));
  let current: { name: string; side: TargetIds | undefined } | undefined;
  for await (const page of ids.pages(signal)) {
    const name = nameOf(page.shardKey);
    if (current?.name !== name) {
      await current?.side?.removeRest();
      const side = open.delete(name) ? new TargetIds(room.points, rangeOf(range, page.shardKey)) : undefined;
      current = { name, side };
    }
    // A key that was created after the layout was read has no shard here: its points came after the captures.
    missing.add(current.side === undefined ? page.ids : await current.side.passTo(page.ids));
  }
  await current?.side?.removeRest();
  // The set names every key, also those without points: its silence is no leave to delete all points of one.
  const [silent] = open.values();
  if (open.size > 0) throw withoutKey(silent);
  return missing;
}

function nameOf(key: ShardKey | undefined): string {
  return key === undefined ? '' : keyName(key);
}

function rangeOf(range: ReadIds, shardKey: ShardKey | undefined): ReadIds {
  return shardKey === undefined ? range : { ...range, shardKey };
}

function withoutKey(shardKey: ShardKey | undefined): FerryError {
  const which = shardKey === undefined ? 'the collection' : `the shard key "${shardKeyText(shardKey)}"`;
  return new FerryError('ObjectDamaged', `The id set does not list the points of ${which}`);
}

/** The target's ids of one shard key, which are passed through once, in step with those of the set. */
class TargetIds {
  readonly #points: RemovalDeps['points'];
  readonly #range: ReadIds;
  readonly #pages: AsyncIterator<PointId[]>;
  #page: PointId[] = [];
  #at = 0;
  #last: PointId | undefined;
  #hasEnded = false;
  #returned: PointId[] = [];

  constructor(points: RemovalDeps['points'], range: ReadIds) {
    this.#points = points;
    this.#range = range;
    this.#pages = points.ids(range)[Symbol.asyncIterator]();
  }

  /** Ascending over all calls. Removes what lies between them; returns those that do not exist. */
  async passTo(living: readonly PointId[]): Promise<PointId[]> {
    const unseen: PointId[] = [];
    for (const id of living) {
      for (;;) {
        if (this.#at === this.#page.length) await this.#turn();
        const head = this.#page[this.#at];
        const order = head === undefined ? 1 : compareIds(head, id);
        if (order <= 0) this.#at += 1;
        if (order === 0) break;
        if (order > 0) {
          unseen.push(id);
          break;
        }
        if (this.#returned.push(head as PointId) >= DELETED_AT_ONCE) await this.#remove();
      }
    }
    if (unseen.length === 0) return [];
    const found = new Set(await this.#points.existing(this.#range, unseen));
    return unseen.filter((id) => !found.has(id));
  }

  /** After the last id of the set: the rest of the target is not in it. */
  async removeRest(): Promise<void> {
    do {
      for (; this.#at < this.#page.length; this.#at += 1) {
        if (this.#returned.push(this.#page[this.#at] as PointId) >= DELETED_AT_ONCE) await this.#remove();
      }
      await this.#turn();
    } while (this.#page.length > 0);
    await this.#remove();
  }

  async #remove(): Promise<void> {
    const { collection, shardKey, signal } = this.#range;
    const ids = this.#returned.splice(0);
    if (ids.length > 0) await this.#points.delete(collection, shardKey, ids, signal);
  }

  /** An empty page at the end. */
  async #turn(): Promise<void> {
    if (this.#hasEnded) return;
    const next = await this.#pages.next();
    this.#hasEnded = next.done === true;
    [this.#page, this.#at] = [next.done === true ? [] : next.value, 0];
    for (const id of this.#page) {
      // Out of order, the comparison would delete living points.
      if (this.#last !== undefined && compareIds(this.#last, id) >= 0)
        throw new FerryError('Internal', `Qdrant listed ids out of order: ${id} after ${this.#last}`);
      this.#last = id;
    }
  }
}
