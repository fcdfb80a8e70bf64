// What happens to a target, step by step: recreated, merged into, made under other settings, indexed only at the end.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanCollectionInput } from '../../src/model/contracts/activities.js';
import { numberAt, textAt } from '../../src/model/json.js';
import { workIn } from '../../src/model/stamp.js';
import { awaitReady } from '../../src/cluster/await-ready.js';
import { compareConfigurations } from '../../src/target/compare-configurations.js';
import { copyAliases } from '../../src/target/point-aliases.js';
import { planCollection } from '../../src/target/plan-collection.js';
import { takePin } from '../../src/cluster/pin.js';
import { prepareTarget } from '../../src/target/prepare-target.js';
import { releaseTarget } from '../../src/target/release-target.js';
import {
  configOf,
  make,
  planFor,
  planned,
  PLAIN,
  startControlSides,
  type ControlSides,
} from '../support/control-sides.js';
import { collectionPath, rest, type RestSide } from '../support/rest-text.js';

let sides: ControlSides;
beforeAll(async () => {
  sides = await startControlSides();
  await make(sides.source, 'docs', 5);
});
afterAll(() => sides?.stop());

async function prepared(input: PlanCollectionInput) {
  const ready = await planned(sides.controls, input);
  return { ...ready, ...(await prepareTarget(sides.controls, ready)) };
}

async function load(side: RestSide, name: string, points: number, size: number): Promise<void> {
  for (let from = 0; from < points; from += 1_000) {
    const list = Array.from({ length: 1_000 }, (_, at) => {
      const vector = Array.from({ length: size }, (_, i) => Math.sin((from + at) * (i + 1)).toFixed(6));
      return `{"id":${from + at},"vector":[${vector.join(',')}]}`;
    });
    await rest(side, 'PUT', `${collectionPath(name)}/points?wait=true`, `{"points":[${list.join(',')}]}`);
  }
}

test('indexes nothing while indexing is held back, and everything after the release', async () => {
  const body = '{"vectors":{"size":64,"distance":"Dot"},"optimizers_config":{"indexing_threshold":100}}';
  await make(sides.source, 'big', 0, body);
  const { target, heldBack } = await prepared(planFor('big'));
  await load(sides.target, 'big', 8_000, 64);
  const ref = { target, waitMs: 20_000 };
  expect(await awaitReady(sides.controls, ref)).toEqual({ ready: true });
  expect((await sides.controls.of('target').info('big')).indexedVectors).toBe(0);
  await releaseTarget(sides.controls, { target, heldBack, owned: true });
  const seen: string[] = [];
  expect(await awaitReady(sides.controls, ref, (what) => seen.push(what))).toEqual({ ready: true });
  expect((await sides.controls.of('target').info('big')).indexedVectors).toBeGreaterThan(7_000);
  expect(seen.length).toBeGreaterThan(0);
});

test('gives up waiting with the reason, and stops at once when cancelled', async () => {
  const target = { cluster: 'target', collection: 'big' };
  expect(await awaitReady(sides.controls, { target, waitMs: 0 })).toEqual({
    ready: false,
    reason: 'a second check with the same result',
  });
  const cancelled = new Error('cancelled');
  const work = awaitReady(
    sides.controls,
    { target, waitMs: 60_000 },
    undefined,
    AbortSignal.abort(cancelled),
  );
  await expect(work).rejects.toBe(cancelled);
});

test('leaves a collection of somebody else as it is, before, while and after points are merged into it', async () => {
  await make(sides.target, 'shared', 2, '{"vectors":{"size":4,"distance":"Dot"},"hnsw_config":{"m":33}}');
  const before = await configOf(sides.target, 'shared');
  const merged = await prepared(planFor('docs', 'shared', { onExisting: 'merge' }));
  expect(merged).toMatchObject({ owned: false, targetState: 'merge' });
  await releaseTarget(sides.controls, {
    target: merged.target,
    heldBack: merged.heldBack,
    owned: merged.owned,
  });
  await releaseTarget(sides.controls, { target: merged.target, heldBack: merged.heldBack, owned: true });
  expect(await configOf(sides.target, 'shared')).toEqual(before);
  const { notes } = await planCollection(sides.controls, planFor('docs', 'shared', { onExisting: 'merge' }));
  expect(notes.join()).toContain('hnsw_config.m is 33 on the target, 16 was expected');
});

test('knows an empty collection that it began to fill, leaves its settings alone, and deletes nothing there', async () => {
  await make(sides.target, 'theirs', 0, '{"vectors":{"size":4,"distance":"Dot"},"hnsw_config":{"m":33}}');
  expect(await prepared(planFor('docs', 'theirs'))).toMatchObject({ targetState: 'empty', owned: false });
  await rest(
    sides.target,
    'PUT',
    `${collectionPath('theirs')}/points?wait=true`,
    '{"points":[{"id":1,"vector":[1,2,3,4]}]}',
  );
  const again = await prepared(planFor('docs', 'theirs'));
  expect(again).toMatchObject({ targetState: 'adopted', owned: false });
  await releaseTarget(sides.controls, { target: again.target, heldBack: again.heldBack, owned: true });
  expect(numberAt(await configOf(sides.target, 'theirs'), 'hnsw_config', 'm')).toBe(33);
});

test('keeps to the upsert limit of an existing target', async () => {
  const strict = '"strict_mode_config":{"enabled":true,"upsert_max_batchsize":7,"max_query_limit":9}';
  await make(sides.target, 'narrow', 0, `{"vectors":{"size":4,"distance":"Dot"},${strict}}`);
  const narrow = await prepared(planFor('docs', 'narrow'));
  expect(narrow).toMatchObject({
    targetState: 'empty',
    maxWritePoints: 7,
    targetRead: { mode: 'scroll', maxPoints: 9 },
  });
});

test('replaces a collection only when requested, whatever shape it had, and gives its aliases back', async () => {
  await make(sides.target, 'old', 0, '{"vectors":{"size":3,"distance":"Cosine"}}');
  const live = '{"actions":[{"create_alias":{"collection_name":"old","alias_name":"live"}}]}';
  await rest(sides.target, 'POST', '/collections/aliases', live);
  const again = await prepared(planFor('docs', 'old', { onExisting: 'recreate' }));
  expect(again).toMatchObject({ owned: true, targetState: 'recreate' });
  expect(numberAt(await configOf(sides.target, 'old'), 'params', 'vectors', 'size')).toBe(4);
  expect(workIn(await configOf(sides.target, 'old'))?.heldBack).toEqual(again.heldBack);
  await releaseTarget(sides.controls, { target: again.target, heldBack: again.heldBack, owned: true });
  expect(await sides.controls.of('target').aliases()).toEqual([{ alias: 'live', collection: 'old' }]);
  await rest(sides.target, 'DELETE', collectionPath('old'));
});

test('makes the target under the settings that overrides name, and expects them there', async () => {
  const overrides = {
    shard_number: 3,
    on_disk_payload: false,
    hnsw_config: { m: 48 },
    quantization_config: { scalar: { type: 'int8', quantile: 1 } },
    vectors: { on_disk: true },
    read_fan_out_factor: 1,
    metadata: { team: 'search' },
  };
  const input = planFor('docs', 'other', { overrides });
  const { target, heldBack, targetRead } = await prepared(input);
  expect(targetRead).toEqual({ mode: 'idsFirst' });
  await releaseTarget(sides.controls, { target, heldBack, owned: true });
  expect(await compareConfigurations(sides.controls, input)).toEqual({ differences: [] });
  const { differences } = await compareConfigurations(sides.controls, planFor('docs', 'other'));
  expect(differences).toContain('hnsw_config.m is 48 on the target, 16 was expected');
  expect(differences).toContain('metadata differs');
  await rest(sides.target, 'PATCH', collectionPath('other'), '{"hnsw_config":{"m":47}}');
  expect((await compareConfigurations(sides.controls, input)).differences).toEqual([
    'hnsw_config.m is 47 on the target, 48 was expected',
  ]);
});

test('says of a setting that Qdrant silently ignores before any point is copied', async () => {
  const input = await planned(
    sides.controls,
    planFor('docs', 'typo', { overrides: { hnsw_config: { mm: 5 } } }),
  );
  await expect(prepareTarget(sides.controls, input)).rejects.toMatchObject({
    code: 'InvalidInput',
    happened: 'Qdrant on "target" does not know overrides.hnsw_config.mm',
  });
});

test('takes a collection of payloads alone, without any vector', async () => {
  await make(sides.source, 'bare', 0, '{}');
  const input = planFor('bare');
  const { target, heldBack } = await prepared(input);
  await releaseTarget(sides.controls, { target, heldBack, owned: true });
  expect(await compareConfigurations(sides.controls, input)).toEqual({ differences: [] });
});

test("drops the stamp of an earlier migration from the source's own metadata", async () => {
  const stamped = { cluster: 'target', collection: 'bare' };
  const onward = { cluster: 'source', collection: 'bare-back' };
  const input = { source: stamped, target: onward, onExisting: 'fail' as const, allowUnfinished: true };
  await prepared(input);
  expect(workIn(await configOf(sides.source, 'bare-back'))?.name).toBe('target/bare -> source/bare-back');
});

test('releases nothing, quietly, where the collection was never made', async () => {
  const target = { cluster: 'target', collection: 'never' };
  await releaseTarget(sides.controls, { target, heldBack: { indexingThreshold: '1' }, owned: true });
});

test('puts back what the stamp remembers, not what a later caller believes', async () => {
  const { target } = await prepared(planFor('docs', 'stamped'));
  await releaseTarget(sides.controls, { target, heldBack: { indexingThreshold: '77' }, owned: true });
  const config = await configOf(sides.target, 'stamped');
  expect(textAt(config, 'optimizer_config', 'indexing_threshold')).toBe('10000');
});

test('gives the target all aliases of the source but those that name something else there, again if need be', async () => {
  const actions = ['one', 'two'].map(
    (name) => `{"create_alias":{"collection_name":"docs","alias_name":"${name}"}}`,
  );
  await rest(sides.source, 'POST', '/collections/aliases', `{"actions":[${actions.join(',')}]}`);
  await make(sides.target, 'docs', 0, PLAIN);
  await make(sides.target, 'former', 0, PLAIN);
  const former = '{"actions":[{"create_alias":{"collection_name":"former","alias_name":"two"}}]}';
  await rest(sides.target, 'POST', '/collections/aliases', former);
  const control = sides.controls.of('target');
  const targetPin = await takePin(control, 'docs', await control.info('docs'));
  for (let round = 0; round < 2; round++) {
    expect(await copyAliases(sides.controls, { ...planFor('docs'), targetPin })).toEqual({
      aliases: ['one'],
      notes: ['The alias "two" was left as it is: it names something else on the target.'],
    });
  }
  const aliases = await sides.controls.of('target').aliases();
  expect(aliases.map((one) => `${one.alias} → ${one.collection}`).sort()).toEqual([
    'one → docs',
    'two → former',
  ]);
});
