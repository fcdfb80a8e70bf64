// The order in which files run: the longest first, whatever project they are of, so that the end of a run is not one
// long file with the other workers idle. What is not listed takes less than a minute and comes after, the larger file
// first.

import { statSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds of a run on two cores; only their order counts. */
const LONG: Record<string, number> = {
  'e2e/trust-lease.e2e.test.ts': 377,
  'e2e/kill.e2e.test.ts': 273,
  'e2e/increments.e2e.test.ts': 273,
  'e2e/snapshot-migration-hard.e2e.test.ts': 255,
  'e2e/check.e2e.test.ts': 226,
  'e2e/backup-kill.e2e.test.ts': 219,
  'e2e/named-causes.e2e.test.ts': 200,
  'e2e/external-snapshots.e2e.test.ts': 200,
  'chaos/chaos.test.ts': 200,
  'e2e/snapshots.e2e.test.ts': 178,
  'e2e/trust-recovery.e2e.test.ts': 160,
  'e2e/check-states.e2e.test.ts': 178,
  'e2e/standalone.e2e.test.ts': 196,
  'e2e/two-installations.e2e.test.ts': 174,
  'contract/settled-create.test.ts': 145,
  'e2e/trust-store.e2e.test.ts': 139,
  'e2e/trust-migration.e2e.test.ts': 133,
  'contract/recovery.test.ts': 129,
  'e2e/trust-capture.e2e.test.ts': 109,
  'e2e/demo.e2e.test.ts': 106,
  'e2e/keep-on-node.e2e.test.ts': 107,
  'e2e/trust-differences.e2e.test.ts': 89,
  'e2e/living-sides.e2e.test.ts': 84,
  'e2e/migrate.e2e.test.ts': 77,
  'e2e/changed-keys.e2e.test.ts': 75,
  'e2e/snapshot-migration.e2e.test.ts': 69,
  'contract/returned-points.test.ts': 66,
  'e2e/recovery.e2e.test.ts': 63,
  'workflows/disaster-recovery.test.ts': 60,
};

export class LongestFirst extends BaseSequencer {
  override sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const order = (a: TestSpecification, b: TestSpecification) =>
      secondsOf(b) - secondsOf(a) || statSync(b.moduleId).size - statSync(a.moduleId).size;
    return Promise.resolve([...specifications].sort(order));
  }
}

function secondsOf({ moduleId }: TestSpecification): number {
  const [name = ''] = moduleId.split('/test/').slice(-1);
  return LONG[name] ?? 0;
}
