// How an increment finds what changed, before anything is read.

import { expect, it } from 'vitest';
import { trustedDetection } from '../../src/backups/points/detection.js';
import type { Detection } from '../../src/model/contracts/point-backup-activities.js';

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
    notes: [expect.stringContaining('so all points were compared')],
  });
  const byDigest: Detection = { ...byField, detect: 'digest' };
  expect(trustedDetection(byDigest, base(before), pin)).toEqual({ detection: byDigest, notes: [] });
});
