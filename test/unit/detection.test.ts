// How an increment finds what changed, before anything is read.

import { expect, it } from 'vitest';
import { detectionFor, trustedDetection, type DetectionDeps } from '../../src/backups/points/detection.js';
import type { Detection } from '../../src/model/contracts/point-backup-activities.js';
import type { CollectionManifest } from '../../src/model/format/manifest.js';
import { fieldTime } from '../../src/model/format/written-since.js';
import type { ReadIds } from '../../src/cluster/points-port.js';

const byField: Detection = {
  detect: 'field',
  field: 'updated_at',
  fieldUnit: 'auto',
  overlapSeconds: 600,
  digestEveryHours: 24,
};
const base = (creation?: string) => ({ collection: 'docs', ...(creation === undefined ? {} : { creation }) });

it('goes by a field where the collection is known to be that of its base', () => {
  expect(trustedDetection(byField, base('one'), { creation: 'one' })).toEqual({
    detection: byField,
    notes: [],
  });
});

it.each([
  ['neither carries a mark', undefined, undefined],
  ['only the collection carries a mark', undefined, 'one'],
  ['only the base carries a mark', 'one', undefined],
])('compares every point where %s: it may be another collection of this name', (_what, before, creation) => {
  const pin = creation === undefined ? {} : { creation };
  expect(trustedDetection(byField, base(before), pin)).toMatchObject({
    detection: { detect: 'digest' },
    notes: [expect.stringContaining('so every point was compared')],
  });
  const byDigest: Detection = { ...byField, detect: 'digest' };
  expect(trustedDetection(byDigest, base(before), pin)).toEqual({ detection: byDigest, notes: [] });
});

const SECONDS = 1_795_857_534;
const all = (value: number) => Array.from({ length: 40 }, () => value);

/** Of points whose field, in order of their ids, holds these values. */
async function foundBy(values: readonly number[]) {
  async function* ids({ since, maxPoints }: ReadIds) {
    const least = since?.unit === 'datetime' || since === undefined ? NaN : Number(fieldTime(since));
    const found = values.flatMap((value, id) => (value >= least ? [String(id)] : []));
    yield found.slice(0, maxPoints);
  }
  const control = {
    alias: 'prod',
    info: async () => ({ payloadSchema: { updated_at: { data_type: 'integer' } } }),
  };
  const startedAt = new Date().toISOString();
  const full = { collection: 'docs', startedAt, capture: { method: 'points', detect: 'all' } };
  const when = { signal: new AbortController().signal, now: new Date() };
  const deps = { control, ids: { ids } } as unknown as DetectionDeps;
  return detectionFor(deps, byField, [full as unknown as CollectionManifest], when);
}

it.each([
  ['seconds', all(SECONDS)],
  ['seconds', [0, 5, ...all(SECONDS)]],
  ['milliseconds', all(SECONDS * 1000)],
  ['milliseconds', [0, 5, ...all(SECONDS * 1000)]],
] as const)('takes a field for %s whose values look like it', async (unit, values) => {
  expect(await foundBy(values)).toMatchObject({ detect: 'field', since: { unit }, notes: [] });
});

it.each([
  ['one value in milliseconds', [...all(SECONDS), SECONDS * 1000]],
  ['one value in seconds', [SECONDS, ...all(SECONDS * 1000)]],
])('compares every point where a field has %s among others', async (_what, values) => {
  expect(await foundBy(values)).toEqual({
    detect: 'digest',
    notes: [expect.stringMatching(/seconds in some points and milliseconds in others/)],
  });
});
