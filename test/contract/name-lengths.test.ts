// The limits of names, byte by byte, on both versions: one byte less and Qdrant does it, one more and it does not.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planCapture } from '../../src/backups/capture/plan-capture.js';
import { planMove } from '../../src/move/move-plan.js';
import { startQdrant, type QdrantServer, type QdrantVersion } from '../../src/local/index.js';
import { longestCaptured, longestRecovered } from '../../src/model/name-lengths.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { rest } from '../support/rest-text.js';

const SHARDS = 12;
const NAMES = 'é語n';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ferry-names-'));
});
afterAll(async () => rm(root, { recursive: true, force: true }));

/** Of so many bytes, in letters of one, two and three. */
function nameOf(bytes: number): string {
  return NAMES + 'n'.repeat(bytes - Buffer.byteLength(NAMES));
}

describe.each<QdrantVersion>(['1.16.3', '1.17.0'])('Qdrant %s', (version) => {
  let server: QdrantServer;
  beforeAll(async () => {
    server = await startQdrant({ version, storageDir: join(root, version) });
  });
  afterAll(() => server?.stop());

  async function create(bytes: number, shards: number): Promise<string> {
    const path = `/collections/${encodeURIComponent(nameOf(bytes))}`;
    await rest(server, 'DELETE', path);
    await rest(server, 'PUT', path, `{"vectors":{"size":4,"distance":"Dot"},"shard_number":${shards}}`);
    return path;
  }

  async function captures(bytes: number, shard: number): Promise<boolean> {
    const path = await create(bytes, shard + 1);
    const stored = await answers('POST', `${path}/shards/${shard}/snapshots`);
    const streamed = await answers('GET', `${path}/shards/${shard}/snapshot`);
    expect(streamed).toBe(stored);
    return stored;
  }

  async function recovers(bytes: number, shard: number): Promise<boolean> {
    const path = await create(bytes, shard + 1);
    const snapshot = await create(10, 1).then((from) => fetch(`${server.url}${from}/shards/0/snapshot`));
    const form = new FormData();
    form.append('snapshot', new Blob([await snapshot.arrayBuffer()]), 's.snapshot');
    return answers('POST', `${path}/shards/${shard}/snapshots/upload?wait=true&priority=snapshot`, form);
  }

  async function answers(method: string, path: string, body?: FormData): Promise<boolean> {
    const response = await fetch(`${server.url}${path}`, { method, ...(body ? { body } : {}) });
    const text = await response.text();
    if (!response.ok) expect(text).toMatch(/\(os error 36\)/);
    return response.ok;
  }

  it.each([0, SHARDS - 1])(
    'makes a snapshot of shard %i up to the longest name, and not beyond',
    async (shard) => {
      const longest = longestCaptured(shard);
      expect([await captures(longest, shard), await captures(longest + 1, shard)]).toEqual([true, false]);
    },
  );

  it.each([0, SHARDS - 1])('recovers into shard %i up to the longest name, and not beyond', async (shard) => {
    const longest = longestRecovered(shard, version);
    expect([await recovers(longest, shard), await recovers(longest + 1, shard)]).toEqual([true, false]);
  });

  it('is not asked for a snapshot that its names forbid', async () => {
    const controls = qdrantControls({ node: { alias: 'node', nodes: [server] } });
    const bytes = longestCaptured(0) + 1;
    await create(bytes, 1);
    const source = { cluster: 'node', collection: nameOf(bytes) };
    await expect(planCapture(controls, { source, capture: 'auto' })).rejects.toMatchObject({
      code: 'NameTooLong',
      happened: expect.stringContaining(`has ${bytes} bytes`) as string,
    });
    const move = {
      source,
      target: { cluster: 'node', collection: 'short' },
      capture: 'auto',
      onExisting: 'fail',
    };
    const plan = await planMove(controls, move as Parameters<typeof planMove>[1], new Date());
    expect(plan.unfit).toContain(`has ${bytes} bytes`);
  });
});
