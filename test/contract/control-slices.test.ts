// Slices drawn on a real Qdrant: every id falls into exactly one of them, shard key by shard key.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanSlicesResult } from '../../src/model/contracts/activities.js';
import { compareIds, type PointId } from '../../src/model/point-id.js';
import { shardKeyText, type Slice } from '../../src/model/state/slice.js';
import { planCollection } from '../../src/target/plan-collection.js';
import { planSlices } from '../../src/transfer/plan-slices.js';
import { planVerification } from '../../src/transfer/plan-verification.js';
import { make, planFor, startControlSides, type ControlSides } from '../support/control-sides.js';
import { collectionPath, rest } from '../support/rest-text.js';

let sides: ControlSides;
beforeAll(async () => {
  sides = await startControlSides();
});
afterAll(() => sides?.stop());

const DOT = '"vectors":{"size":4,"distance":"Dot"}';

async function upsert(name: string, ids: PointId[], shardKey?: string): Promise<void> {
  const list = ids.map((id) => `{"id":${id.includes('-') ? JSON.stringify(id) : id},"vector":[1,2,3,4]}`);
  const key = shardKey === undefined ? '' : `"shard_key":${shardKey},`;
  const body = `{${key}"points":[${list.join(',')}]}`;
  await rest(sides.source, 'PUT', `${collectionPath(name)}/points?wait=true`, body);
}

async function slicesOf(name: string, slices: number, fromKey?: number): Promise<PlanSlicesResult> {
  const { sourcePin } = await planCollection(sides.controls, planFor(name));
  const collection = { cluster: 'source', collection: name };
  return planSlices(sides.controls, {
    collection,
    pin: sourcePin,
    slices,
    ...(fromKey === undefined ? {} : { fromKey }),
  });
}

const isIn = (id: PointId, { from, to }: Slice): boolean =>
  (from === undefined || compareIds(id, from) >= 0) && (to === undefined || compareIds(id, to) < 0);

test('cuts numbers over 2^53 and UUIDs into slices that hold each id once, and about as many each', async () => {
  const limit = '"strict_mode_config":{"enabled":true,"max_query_limit":300}';
  await make(sides.source, 'mixed', 0, `{${DOT},"shard_number":3,${limit}}`);
  const numbers = Array.from({ length: 1_000 }, (_, i) => String(2n ** 63n + BigInt(i) * 3n));
  const uuids = Array.from(
    { length: 1_000 },
    (_, i) => `${(i * 4_000_037).toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`,
  );
  await upsert('mixed', numbers);
  await upsert('mixed', uuids);
  const { slices, next } = await slicesOf('mixed', 8);
  expect(next).toBeUndefined();
  expect(slices.length).toBe(8);
  const shares = slices.map((slice) => [...numbers, ...uuids].filter((id) => isIn(id, slice)).length);
  expect(shares.reduce((a, b) => a + b, 0)).toBe(2_000);
  expect(Math.max(...shares)).toBeLessThan(600);
  const all = new Set([...numbers, ...uuids]);
  for (const { from } of slices.slice(1)) expect(all).toContain(from);
  for (const [i, slice] of slices.entries()) expect(slice.from).toBe(slices[i - 1]?.to);
});

test('makes one slice of everything of an empty collection', async () => {
  await make(sides.source, 'empty');
  expect(await slicesOf('empty', 8)).toEqual({ slices: [{}] });
});

test('counts over all shard keys, and cuts key by key, also keys that hold nothing', async () => {
  await make(sides.source, 'keyed', 0, `{${DOT},"sharding_method":"custom"}`);
  const keys = ['"a"', '18446744073709551615', '"idle"'];
  for (const key of keys) {
    await rest(sides.source, 'PUT', `${collectionPath('keyed')}/shards`, `{"shard_key":${key}}`);
  }
  const ids = Array.from({ length: 300 }, (_, i) => String(i));
  await upsert('keyed', ids, '"a"');
  await upsert('keyed', ids.slice(0, 100), '18446744073709551615');
  const plan = await planCollection(sides.controls, planFor('keyed'));
  expect(plan).toMatchObject({ sourcePoints: 400, sourceRead: { mode: 'scroll' } });
  const { slices } = await slicesOf('keyed', 8);
  const byKey = new Map<string, Slice[]>();
  for (const slice of slices) {
    const key = shardKeyText(slice.shardKey);
    byKey.set(key, [...(byKey.get(key) ?? []), slice]);
  }
  expect([...byKey].map(([key, list]) => [key, list.length])).toEqual([
    ['a', 6],
    ['18446744073709551615', 2],
    ['idle', 1],
  ]);
  for (const id of ids) expect(byKey.get('a')?.filter((slice) => isIn(id, slice))).toHaveLength(1);
});

test('hands out many shard keys in pages small enough for a history', async () => {
  await make(sides.source, 'tenants', 0, `{${DOT},"sharding_method":"custom"}`);
  const names = Array.from({ length: 16 }, (_, i) => `${'t'.repeat(800)}${i}`);
  for (const name of names) {
    await rest(
      sides.source,
      'PUT',
      `${collectionPath('tenants')}/shards`,
      `{"shard_key":"${name}","shards_number":1}`,
    );
  }
  const found: string[] = [];
  let next: number | undefined;
  do {
    const page: PlanSlicesResult = await slicesOf('tenants', 4, next);
    expect(JSON.stringify(page).length).toBeLessThan(11_000);
    found.push(...page.slices.map((slice) => shardKeyText(slice.shardKey)));
    next = page.next;
  } while (next !== undefined);
  expect(found).toEqual(names);
});

test('plans a verification with both sides’ pins, counts and ways to read', async () => {
  await make(sides.target, 'mixed', 2);
  const input = planFor('mixed');
  const plan = await planVerification(sides.controls, input);
  expect(plan).toMatchObject({
    sourcePoints: 2_000,
    targetPoints: 2,
    sourceRead: { mode: 'idsFirst', maxPoints: 300 },
    targetRead: { mode: 'scroll' },
    targetNodes: 1,
  });
  expect(plan.sourcePin.shape).toBe(plan.targetPin.shape);
  expect(plan.sourcePin.version).toBe('1.16.3');
});
