// What the wait for indexes waits for, and what it does not wait for: a node that was restarted in the middle of its
// indexing, optimizers that the settings switch off, an optimizer that fails.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import type { AwaitReadyResult } from '../../src/model/contracts/activities.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { awaitReady } from '../../src/cluster/await-ready.js';
import type { ClusterControl } from '../../src/cluster/control-port.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';

const POINTS = 6_000;
const LONG_MS = 3_600_000;

const text = (id: number): string => {
  const vector = Array.from({ length: 32 }, (_, at) => Math.sin(id * 32 + at).toFixed(4));
  return `{"id":${id},"vector":[${vector.join(',')}]}`;
};
const TEXTS = Array.from({ length: POINTS }, (_, at) => text(at));

describe.each(['1.16.3', '1.17.0'] as const)('of a collection on Qdrant %s', (version) => {
  let folder: string;
  let server: QdrantServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ferry-ready-'));
    server = await startQdrant({ version, storageDir: folder });
  });
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const control = (): ClusterControl => controls().of('target');
  const controls = () => qdrantControls({ target: { alias: 'target', nodes: [server] } });
  const waitFor = (collection: string, seen: string[] = []): Promise<AwaitReadyResult> => {
    const target = { cluster: 'target', collection };
    return awaitReady(controls(), { target, waitMs: LONG_MS }, (what) => seen.push(what));
  };
  async function fill(name: string, optimizers: object, more: object = {}): Promise<void> {
    const body = { vectors: { size: 32, distance: 'Dot' }, optimizers_config: optimizers, ...more };
    await rest(server, 'PUT', collectionPath(name), JSON.stringify(body));
    await upsertTexts(server, name, TEXTS);
  }
  const patch = (name: string, optimizers: object) =>
    rest(server, 'PATCH', collectionPath(name), JSON.stringify({ optimizers_config: optimizers }));

  it('a grey one is woken, and an empty PATCH would not wake it', async () => {
    await fill('grey', { indexing_threshold: 0, default_segment_number: 2 }, { shard_number: 2 });
    await patch('grey', { indexing_threshold: 100 });
    await server.kill();
    await server.start();
    await rest(server, 'PATCH', collectionPath('grey'), '{}');
    expect((await control().info('grey')).status).toBe('grey');
    const seen: string[] = [];
    expect(await waitFor('grey', seen)).toEqual({ ready: true });
    expect(seen[0]).toContain('the collection is grey: its optimizers have not run');
    expect(await control().info('grey')).toMatchObject({ status: 'green', indexedVectors: POINTS });
    expect(await control().count('grey')).toBe(POINTS);
  });

  it('one without optimizer threads is not waited for, and the answer says why', async () => {
    await fill('idle', { indexing_threshold: 100, max_optimization_threads: 0 });
    const reason = 'its `max_optimization_threads` is 0, so Qdrant builds no index until it is raised';
    expect(await waitFor('idle')).toEqual({
      ready: false,
      isInVain: true,
      reason,
      indexing: { indexed: 0, vectors: POINTS, reason },
    });
  });

  it('one whose threshold switches indexing off is ready', async () => {
    await fill('plain', { indexing_threshold: 0 });
    expect(await waitFor('plain')).toEqual({ ready: true });
  });

  it('a red one ends the wait at once, with the error of its optimizer', async () => {
    await fill('red', { indexing_threshold: 0 });
    const temporary = join(folder, 'storage/collections/red/0/temp_segments');
    await rm(temporary, { recursive: true, force: true });
    await writeFile(temporary, 'not a folder');
    await patch('red', { indexing_threshold: 100 });
    const answer = await waitFor('red');
    expect(answer).toMatchObject({ ready: false, indexing: { vectors: POINTS } });
    expect(answer.reason).toMatch(
      /^the collection is red: the optimizer reports .*Could not create temp.*File exists/,
    );
  });
});
