// The comparison of settings at the end of a recovery, on a target whose optimizers still work: until they have ended, Qdrant
// lists payload indexes that were deleted.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ClusterControl, Controls } from '../../src/cluster/control-port.js';
import { shapeOf } from '../../src/cluster/pin.js';
import type { Pin } from '../../src/model/collections.js';
import type { FinishRecoveryResult } from '../../src/model/contracts/recovery-activities.js';
import { parseJson, type JsonObject } from '../../src/model/json.js';
import { finishRecovery } from '../../src/recovery/finish-recovery.js';
import type { RecoverableCollection, RecoverySource } from '../../src/shards/recoverable-collection.js';

const CONFIG = '{"params":{"vectors":{"size":1,"distance":"Dot"}}}';
const config = parseJson(CONFIG) as JsonObject;
const from = { store: 'memory', cluster: 'prod', backup: '20261123_010203-0a1b2c3d', collection: 'docs' };
const target = { cluster: 'prod', collection: 'docs-back' };
const targetPin: Pin = { version: '1.17.0', peers: [], identity: ['1'], shape: shapeOf(config) };

let deleted: string[];

beforeEach(() => {
  vi.useFakeTimers();
  deleted = [];
});
afterEach(() => {
  vi.useRealTimers();
});

/** `shownFor`: how long the index that was deleted is listed. */
async function finished(status: string, shownFor: number): Promise<FinishRecoveryResult> {
  const began = performance.now();
  const control = {
    version: async () => '1.17.0',
    peers: async () => [],
    identity: async () => ['1'],
    collectionUuid: async () => undefined,
    createIndex: async () => undefined,
    deleteIndex: async (_: string, field: string) => void deleted.push(field),
    change: async () => undefined,
    info: async () => {
      const isShown = performance.now() - began < shownFor;
      return { config, status, payloadSchema: isShown ? { gone: { data_type: 'integer' } } : {} };
    },
  } as unknown as ClusterControl;
  const found = {
    ...{ collection: 'docs', sha256: 'a', listsAllIndexes: true, aliases: [] },
    info: `{"config":${CONFIG},"payload_schema":{}}`,
  } as unknown as RecoverableCollection;
  const source = { open: async () => found } as unknown as RecoverySource;
  const asked = { from, target, writes: target.collection, targetPin, manifestSha256: 'a' };
  const finishing = finishRecovery(
    { of: () => control } as unknown as Controls,
    source,
    { ...asked, onExisting: 'fail', replacedAliases: [], withAliases: false },
    new AbortController().signal,
  );
  await vi.advanceTimersByTimeAsync(30_000);
  return finishing;
}

it('waits for a deleted index that an optimizer still shows', async () => {
  expect(await finished('yellow', 2_000)).toEqual({ aliases: [], differences: [], notes: [] });
  expect(deleted).toEqual(['gone']);
});

it('names a deleted index that an optimizer shows for longer, and it is no difference', async () => {
  expect(await finished('yellow', Infinity)).toMatchObject({
    differences: [],
    notes: [expect.stringMatching(/^Deleted payload indexes \("gone"\) are still listed/)],
  });
});

it('ends as different where no optimizer works and the index is there', async () => {
  const differences = ['the payload index on "gone" is only on the target'];
  expect(await finished('green', Infinity)).toMatchObject({ differences, notes: [] });
});
