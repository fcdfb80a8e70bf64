// What a change of settings does to deletions while an optimizer works: some undo them for good. So ferry's own marks and
// stamps must not be of that kind, and a migration counts its target after it has put the settings back
// (docs/decisions/0012-what-an-archive-lacks.md).

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stampMetadata } from '../../src/model/stamp.js';
import { writeJson } from '../../src/model/json.js';
import { wakeOptimizers } from '../../src/cluster/await-ready.js';
import { countPoints } from '../support/compare-sides.js';
import { startControlSides, type ControlSides } from '../support/control-sides.js';
import { collectionPath, recreateCollection, rest, upsertTexts } from '../support/rest-text.js';

const POINTS = 12_000;
const DELETED = 500;
const MARK = writeJson({ metadata: stampMetadata({ creation: 'mark' }) });

let sides: ControlSides;
beforeAll(async () => {
  sides = await startControlSides();
});
afterAll(async () => sides?.stop());

const text = (id: number): string => {
  const vector = Array.from({ length: 64 }, (_, at) => Math.sin(id * 64 + at).toFixed(4));
  return `{"id":${id},"vector":[${vector.join(',')}]}`;
};

describe.each(['source', 'target'] as const)('deletions on %s while it is being indexed', (side) => {
  const change = (patch: string) => rest(sides[side], 'PATCH', collectionPath('busy'), patch);
  const held = () => countPoints({ url: sides[side].url, collection: 'busy' });

  beforeEach(async () => {
    const hnsw = '"hnsw_config":{"m":64,"ef_construct":512,"max_indexing_threads":1}';
    const never = '"optimizers_config":{"indexing_threshold":1000000000}';
    const settings = `{"vectors":{"size":64,"distance":"Dot"},${hnsw},${never}}`;
    await recreateCollection(sides[side], 'busy', settings);
    await upsertTexts(
      sides[side],
      'busy',
      Array.from({ length: POINTS }, (_, at) => text(at)),
    );
    await change('{"optimizers_config":{"indexing_threshold":100}}');
    for (let isBusy = false; !isBusy;)
      isBusy = (await rest(sides[side], 'GET', collectionPath('busy'))).includes('"status":"yellow"');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const ids = JSON.stringify({ points: Array.from({ length: DELETED }, (_, at) => at * 24) });
    await rest(sides[side], 'POST', `${collectionPath('busy')}/points/delete?wait=true`, ids);
    expect(await held()).toBe(POINTS - DELETED);
  });

  it.each([MARK, '{"strict_mode_config":{"enabled":false}}', '{}'])('stand after %s', async (patch) => {
    await change(patch);
    expect(await held()).toBe(POINTS - DELETED);
  });

  it('stand after the write that wakes optimizers', async () => {
    await wakeOptimizers(sides.controls.of(side), 'busy');
    expect(await held()).toBe(POINTS - DELETED);
  });

  it.each(['{"optimizers_config":{"indexing_threshold":200}}', '{"params":{"read_fan_out_factor":1}}'])(
    'are undone by %s',
    async (patch) => {
      await change(patch);
      expect(await held()).toBe(POINTS);
    },
  );
});
