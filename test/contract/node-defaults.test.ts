// A target whose node has defaults for new collections, as every managed cluster has some: what the source has not, or
// has off, is off there too, and the limits of the default act neither on the job nor afterwards.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import { settingsOf } from '../../src/model/settings/collection-settings.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { compareConfigurations } from '../../src/target/compare-configurations.js';
import type { Controls } from '../../src/cluster/control-port.js';
import { prepareTarget } from '../../src/target/prepare-target.js';
import { releaseTarget } from '../../src/target/release-target.js';
import { planFor, planned } from '../support/control-sides.js';
import { NODE_DEFAULTS } from '../support/node-defaults.js';
import { collectionPath, rest } from '../support/rest-text.js';

describe.each(['1.16.3', '1.17.0'] as const)('onto a Qdrant %s with defaults', (version) => {
  let folder: string;
  let source: QdrantServer;
  let target: QdrantServer;
  let controls: Controls;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ferry-defaults-'));
    const config = join(folder, 'node.yaml');
    await writeFile(config, stringify(NODE_DEFAULTS));
    source = await startQdrant({ version: '1.16.3', storageDir: join(folder, 'source') });
    const storageDir = join(folder, 'target');
    target = await startQdrant({ version, storageDir, extraArgs: ['--config-path', config] });
    controls = qdrantControls({
      source: { alias: 'source', nodes: [source] },
      target: { alias: 'target', nodes: [target] },
    });
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function make(name: string, body: object, fields: readonly string[] = []): Promise<void> {
    await rest(source, 'PUT', collectionPath(name), JSON.stringify(body));
    for (const field of fields) {
      const index = JSON.stringify({ field_name: field, field_schema: 'keyword' });
      await rest(source, 'PUT', `${collectionPath(name)}/index?wait=true`, index);
    }
  }

  async function migrated(name: string, overrides?: Record<string, unknown>) {
    const input = planFor(name, name, overrides === undefined ? {} : { overrides });
    const ready = await planned(controls, input);
    const { targetPin, notes } = await prepareTarget(controls, ready);
    const { heldBack, job } = ready;
    await releaseTarget(controls, { target: input.target, targetPin, heldBack, owned: true, job });
    const compared = await compareConfigurations(controls, input);
    return {
      ...compared,
      prepared: notes,
      settings: settingsOf((await controls.of('target').info(name)).config),
    };
  }

  const FIELDS = ['a', 'b', 'c', 'd', 'e'];
  const segmentNote = expect.stringMatching(
    /^optimizers_config.max_segment_size is 150000 by the configuration/,
  );

  it('a collection with nothing of its own has nothing of the defaults, and all its payload indexes', async () => {
    await make('plain', { vectors: { size: 4, distance: 'Dot' } }, FIELDS);
    const { differences, notes, prepared, settings } = await migrated('plain');
    expect(differences).toEqual([]);
    expect([notes, prepared]).toEqual([[segmentNote], [segmentNote]]);
    expect(settings).not.toHaveProperty('quantization_config');
    expect(settings).toMatchObject({
      vectors: { on_disk: false },
      hnsw_config: { on_disk: false },
      on_disk_payload: true,
      strict_mode_config: { enabled: false },
    });
    const { payloadSchema } = await controls.of('target').info('plain');
    expect(Object.keys(payloadSchema).sort()).toEqual(FIELDS);
    const filter = { must: [{ key: 'unindexed', match: { value: 1 } }] };
    const search = JSON.stringify({ filter, limit: 500 });
    expect(await rest(target, 'POST', `${collectionPath('plain')}/points/scroll`, search)).toContain('"ok"');
  });

  it('named vectors keep what they have, and the others have it off', async () => {
    const size = { size: 4, distance: 'Dot' };
    await make('named', {
      vectors: { one: { ...size, on_disk: true }, two: size },
      sparse_vectors: { s: {} },
    });
    const { differences, settings } = await migrated('named');
    expect(differences).toEqual([]);
    expect(settings.vectors).toMatchObject({ one: { on_disk: true }, two: { on_disk: false } });
  });

  it('strict mode of the source is the same there, without the limits that only the default has', async () => {
    const strict = {
      enabled: true,
      max_query_limit: 77,
      max_payload_index_count: 6,
    };
    await make('strict', { vectors: { size: 4, distance: 'Dot' }, strict_mode_config: strict }, FIELDS);
    const { differences } = await migrated('strict');
    expect(differences).toEqual([]);
    const scroll = (limit: number) =>
      rest(target, 'POST', `${collectionPath('strict')}/points/scroll`, JSON.stringify({ limit }));
    expect(await scroll(77)).toContain('"ok"');
    await expect(scroll(78)).rejects.toThrow('Limit exceeded 78 > 77');
    const points = Array.from({ length: 30 }, (_, id) => ({ id, vector: [1, 2, 3, id] }));
    const upsert = `${collectionPath('strict')}/points?wait=true`;
    expect(await rest(target, 'PUT', upsert, JSON.stringify({ points }))).toContain('completed');
  });

  it('settings that the source has are written over the defaults', async () => {
    await make('own', {
      vectors: { size: 4, distance: 'Dot', on_disk: true },
      quantization_config: { binary: { always_ram: true } },
      hnsw_config: { on_disk: true, payload_m: 5 },
      optimizers_config: { max_segment_size: 9_000, max_optimization_threads: 3 },
    });
    const { differences, notes, settings } = await migrated('own');
    expect([differences, notes]).toEqual([[], undefined]);
    expect(settings).toMatchObject({ vectors: { on_disk: true }, hnsw_config: { on_disk: true } });
  });

  it('overrides say what the source does not, and null leaves a setting to the default', async () => {
    await make('over', { vectors: { size: 4, distance: 'Dot' } });
    const overrides = { optimizers_config: { max_segment_size: 120_000 }, quantization_config: null };
    const { differences, notes, settings } = await migrated('over', overrides);
    expect([differences, notes]).toEqual([[], undefined]);
    expect(settings.quantization_config).toBeDefined();
  });
});
