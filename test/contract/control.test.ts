// A target made from a source with every setting away from its default, on two real versions of Qdrant.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PrepareTargetInput } from '../../src/model/contracts/activities.js';
import { canonicalJson, objectAt, withoutNulls, writeJson, type Json } from '../../src/model/json.js';
import { workIn } from '../../src/model/stamp.js';
import { compareConfigurations } from '../../src/target/compare-configurations.js';
import { keyName, shardKeysOf } from '../../src/cluster/look.js';
import { planCollection } from '../../src/target/plan-collection.js';
import { prepareTarget } from '../../src/target/prepare-target.js';
import { releaseTarget } from '../../src/target/release-target.js';
import {
  configOf,
  planFor,
  planned,
  startControlSides,
  type ControlSides,
} from '../support/control-sides.js';
import { INDEX_COUNT, makeEverything } from '../support/everything-collection.js';

let sides: ControlSides;
let input: PrepareTargetInput;
const prepare = (what: PrepareTargetInput) => prepareTarget(sides.controls, what);
const release = ({ target, heldBack }: PrepareTargetInput) =>
  releaseTarget(sides.controls, { target, heldBack, owned: true });

beforeAll(async () => {
  sides = await startControlSides();
  await makeEverything(sides.source, 'everything');
  input = await planned(sides.controls, planFor('everything'));
});
afterAll(() => sides?.stop());

test('is planned with the limits of strict mode and read ids first', async () => {
  const plan = await planCollection(sides.controls, planFor('everything'));
  expect(plan).toMatchObject({
    targetState: 'absent',
    sourcePoints: 0,
    targetPoints: 0,
    sourceRead: { mode: 'idsFirst', maxPoints: 500 },
    notes: [],
  });
  expect(plan.heldBack.indexingThreshold).toBe('12345');
  expect(plan.sourcePin).toMatchObject({ version: '1.16.3', peers: [expect.stringMatching(/^\d+$/)] });
});

test('holds indexing and strict mode back while it is loaded', async () => {
  const result = await prepare(input);
  expect(result).toMatchObject({ owned: true, targetRead: { mode: 'idsFirst' }, targetNodes: 1 });
  expect(result.maxWritePoints).toBeUndefined();
  const config = await configOf(sides.target, 'everything');
  expect(writeJson(objectAt(config.optimizer_config).indexing_threshold ?? null)).toBe('1000000000');
  expect(workIn(config)).toMatchObject({
    kind: 'migration',
    name: 'source/everything -> target/everything',
    state: 'open',
    heldBack: input.heldBack,
  });
});

test('is prepared again without change after a crash', async () => {
  const before = await configOf(sides.target, 'everything');
  await prepare(input);
  await prepare(await planned(sides.controls, planFor('everything')));
  expect(await configOf(sides.target, 'everything')).toEqual(before);
});

test('equals the source setting by setting once it is released, twice even', async () => {
  await release(input);
  await release(input);
  const [left, right] = [
    await configOf(sides.source, 'everything'),
    await configOf(sides.target, 'everything'),
  ];
  const stamp = {
    'qdrant-ferry': {
      version: expect.anything(),
      creation: expect.any(String),
      work: expect.objectContaining({ name: 'source/everything -> target/everything' }),
    },
  };
  expect(right.metadata).toMatchObject(stamp);
  expect(text({ ...right, metadata: null })).toBe(text({ ...left, metadata: null }));
  expect(await compareConfigurations(sides.controls, input)).toEqual({ differences: [] });
});

test('keeps numbers over 2^53, 1.0 beside 1, and nulls of the metadata digit by digit', async () => {
  const { 'qdrant-ferry': _, ...own } = objectAt((await configOf(sides.target, 'everything')).metadata);
  expect(canonicalJson(own)).toBe(
    '{"1":1,"big":18446744073709551615,"nested":{"n":9007199254740993,"none":null,"ü":"é"},"one":1.0}',
  );
});

test('has the shard keys in their order, numbers as numbers, with their shards', async () => {
  const layout = await sides.controls.of('target').layout('everything');
  const keys = shardKeysOf(layout).map(({ key, shards }) => [keyName(key), shards.length]);
  expect(keys).toEqual([
    ['"zulu"', 1],
    ['18446744073709551615', 2],
    ['7', 1],
    ['"7"', 3],
  ]);
});

test('has every payload index with its parameters', async () => {
  const [left, right] = await Promise.all(
    ['source', 'target'].map(
      async (alias) => (await sides.controls.of(alias).info('everything')).payloadSchema,
    ),
  );
  expect(Object.keys(right ?? {})).toHaveLength(INDEX_COUNT);
  expect(text(right ?? null)).toBe(text(left ?? null));
});

test('is known as ours by a repeated job, and indexing is held back once more', async () => {
  const again = await planned(sides.controls, planFor('everything'));
  expect(again.targetState).toBe('ours');
  expect(again.heldBack).toEqual(input.heldBack);
  await prepare(again);
  const { differences } = await compareConfigurations(sides.controls, again);
  expect(differences).toEqual([
    'optimizers_config.indexing_threshold is 1000000000 on the target, 12345 was expected',
    expect.stringMatching(/^strict_mode_config\.enabled is false on the target, true was expected$/),
  ]);
  await release(again);
  expect(await compareConfigurations(sides.controls, again)).toEqual({ differences: [] });
});

/** 1.17 writes `prevent_unoptimized: null`. */
function text(json: Json): string {
  return canonicalJson(withoutNulls(json));
}
