// A worker may die before or after any request to the target. Whatever is repeated then ends in the same collection.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { canonicalJson, type JsonObject } from '../../src/model/json.js';
import { compareConfigurations } from '../../src/target/compare-configurations.js';
import type { ClusterControl, CollectionChanges, Controls } from '../../src/cluster/control-port.js';
import { prepareTarget } from '../../src/target/prepare-target.js';
import { releaseTarget } from '../../src/target/release-target.js';
import {
  configOf,
  planFor,
  planned,
  startControlSides,
  type ControlSides,
} from '../support/control-sides.js';
import { collectionPath, rest } from '../support/rest-text.js';

let sides: ControlSides;
beforeAll(async () => {
  sides = await startControlSides();
  const at = collectionPath('docs');
  const body = `{"vectors":{"size":4,"distance":"Dot"},"sharding_method":"custom","metadata":{"n":9007199254740993},
    "strict_mode_config":{"enabled":true,"max_query_limit":50},"optimizers_config":{"indexing_threshold":500}}`;
  await rest(sides.source, 'PUT', at, body);
  await rest(sides.source, 'PATCH', at, '{"params":{"read_fan_out_factor":2}}');
  for (const key of ['"a"', '7']) await rest(sides.source, 'PUT', `${at}/shards`, `{"shard_key":${key}}`);
  await rest(sides.source, 'PUT', `${at}/index?wait=true`, '{"field_name":"k","field_schema":"keyword"}');
});
afterAll(() => sides?.stop());

const CHANGES: (keyof CollectionChanges)[] = [
  'create',
  'change',
  'remove',
  'createShardKey',
  'createIndex',
  'pointAliases',
];

class Died extends Error {}

/** Dies at the n-th change of the target: before it is sent, or after it was done and before the answer arrived. */
function dyingAt(moment: number, when: 'before' | 'after'): Controls {
  let changes = 0;
  const dying = (control: ClusterControl): ClusterControl =>
    new Proxy(control, {
      get(real, name) {
        const found = Reflect.get(real, name, real) as unknown;
        if (typeof found !== 'function') return found;
        const call = found.bind(real) as (...args: unknown[]) => Promise<unknown>;
        if (!CHANGES.includes(name as keyof CollectionChanges)) return call;
        return async (...args: unknown[]) => {
          const isMoment = ++changes === moment;
          if (isMoment && when === 'before') throw new Died();
          const answer = await call(...args);
          if (isMoment) throw new Died();
          return answer;
        };
      },
    });
  return { ...sides.controls, of: (cluster) => dying(sides.controls.of(cluster)) };
}

/** Runs the work with a death at each of its changes in turn, repeating it after each; returns how many there were. */
async function dieEverywhere(
  work: (controls: Controls) => Promise<unknown>,
  check: () => Promise<void>,
): Promise<number> {
  for (let moment = 1; ; moment++) {
    let deaths = 0;
    for (const when of ['before', 'after'] as const) {
      await work(dyingAt(moment, when)).catch((error: unknown) => {
        if (!(error instanceof Died)) throw error;
        deaths++;
      });
      await work(sides.controls);
      await check();
    }
    if (deaths === 0) return moment - 1;
  }
}

/** Without the creation id and the time in the stamp, which each creation has anew. */
function lasting(config: JsonObject): string {
  return canonicalJson(config).replace(/"(creation|renewed_at)":"[^"]*"/g, '"$1":""');
}

async function changeAliases(action: string): Promise<void> {
  await rest(sides.target, 'POST', '/collections/aliases', `{"actions":[${action}]}`);
}

test.each(['fail', 'recreate'] as const)(
  'ends in the same target after a death at any moment (%s)',
  async (onExisting) => {
    const name = `target-${onExisting}`;
    // As a first attempt would find it.
    const plan = async () => {
      await rest(sides.target, 'DELETE', collectionPath(name));
      if (onExisting === 'recreate') {
        await rest(sides.target, 'PUT', collectionPath(name), '{"vectors":{"size":9,"distance":"Cosine"}}');
        await changeAliases(`{"create_alias":{"collection_name":"${name}","alias_name":"live"}}`);
      }
      return planned(sides.controls, planFor('docs', name, { onExisting }));
    };
    let input = await plan();
    const holdBackAgain = async (): Promise<void> => {
      if (onExisting === 'recreate') await changeAliases('{"delete_alias":{"alias_name":"live"}}');
      await prepareTarget(sides.controls, { ...input, targetState: 'ours' });
    };
    const release = { target: input.target, heldBack: input.heldBack, owned: true };
    let expected: string | undefined;
    const changes = await dieEverywhere(
      async (controls) => {
        if (controls !== sides.controls) input = await plan();
        await prepareTarget(controls, input);
      },
      async () => {
        const now = lasting(await configOf(sides.target, name));
        expect(now).toBe((expected ??= now));
      },
    );
    expect(changes).toBeGreaterThanOrEqual(5);

    const released = await dieEverywhere(
      async (controls) => {
        if (controls !== sides.controls) await holdBackAgain();
        await releaseTarget(controls, release);
      },
      async () => expect(await compareConfigurations(sides.controls, input)).toEqual({ differences: [] }),
    );
    expect(released).toBe(onExisting === 'recreate' ? 3 : 2);
    const aliases = onExisting === 'recreate' ? [{ alias: 'live', collection: name }] : [];
    expect((await sides.controls.of('target').aliases()).filter((one) => one.collection === name)).toEqual(
      aliases,
    );
  },
  300_000,
);
