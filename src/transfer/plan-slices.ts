// Draws the borders of the slices from random ids, once: the list goes into the workflow's history, so that it is the
// same after every resume. Promises that the slices of a key touch without gap or overlap, from the first possible id
// to the last. Does not promise slices of equal size, nor keys that are made later.

import type { PlanSlicesInput, PlanSlicesResult } from '../model/contracts/activities.js';
import { compareIds, type PointId } from '../model/point-id.js';
import type { ShardKey, Slice } from '../model/state/slice.js';
import type { ClusterControl, Controls } from '../cluster/control-port.js';
import { readPlanOf, shardKeysOf, lookAt } from '../cluster/look.js';
import { createCheckPin } from '../cluster/pin.js';

const PAGE_BYTES = 10_240;
/** The largest of four slices is then 5 % over its share, not 13 as with 64; drawing them takes milliseconds. */
const SAMPLES_A_SLICE = 512;
const MOST_SAMPLES = 4_096;

export async function planSlices(
  controls: Controls,
  { collection: ref, pin, slices, fromKey }: PlanSlicesInput,
  signal?: AbortSignal,
): Promise<PlanSlicesResult> {
  await createCheckPin(controls)(ref.cluster, ref.collection, pin, signal);
  const control = controls.of(ref.cluster);
  const look = await lookAt(control, ref, signal);
  const draw = createDraw(control, ref.collection, readPlanOf(look).maxPoints, signal);
  if (look.settings.sharding_method !== 'custom') return { slices: await draw(undefined, slices) };
  // Keys go by their first shard's id: it stays when another key is dropped between two pages.
  const keys = shardKeysOf(look.layout).map(({ key, shards }) => ({ key, first: shards[0]?.id ?? 0 }));
  const page: Slice[] = [];
  let bytes = 0;
  for (const { key, first } of keys.filter((one) => one.first >= (fromKey ?? 0))) {
    const share = (await control.count(ref.collection, key, signal)) / Math.max(1, look.points);
    const drawn = await draw(key, Math.max(1, Math.round(slices * share)));
    bytes += jsonBytes(drawn);
    if (page.length > 0 && bytes > PAGE_BYTES) return { slices: page, next: first };
    page.push(...drawn);
  }
  return { slices: page };
}

type Draw = (key: ShardKey | undefined, slices: number) => Promise<Slice[]>;

function createDraw(
  control: ClusterControl,
  collection: string,
  limit = MOST_SAMPLES,
  signal?: AbortSignal,
): Draw {
  return async (key, slices) => {
    const wanted = Math.min(slices, mostSlices(key));
    if (wanted <= 1) return cutAt(key, []);
    const most = Math.min(wanted * SAMPLES_A_SLICE, MOST_SAMPLES, limit);
    return cutAt(key, bordersOf(await control.sample(collection, key, most, signal), wanted));
  };
}

/** Quantiles of a random sample: at most `slices - 1` ids, ascending, none twice. */
export function bordersOf(sample: readonly PointId[], slices: number): PointId[] {
  const ids = [...new Set(sample)].sort(compareIds);
  const borders = new Set<PointId>();
  for (let i = 1; i < slices; i++) {
    const id = ids[Math.floor((i * ids.length) / slices)];
    if (id !== undefined && id !== ids[0]) borders.add(id);
  }
  return [...borders];
}

export function cutAt(shardKey: ShardKey | undefined, borders: readonly PointId[]): Slice[] {
  return [undefined, ...borders].map((from, position) => {
    const to = borders[position];
    return {
      ...(shardKey === undefined ? {} : { shardKey }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    };
  });
}

function mostSlices(key: ShardKey | undefined): number {
  const uuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  return Math.max(1, Math.floor(PAGE_BYTES / (jsonBytes(cutAt(key, [uuid, uuid])[1]) + 1)));
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
