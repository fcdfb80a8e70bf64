// The order in which files run: the longest first, whatever project they are of, so that the end of a run is not one
// long file with the other workers idle. What is not listed takes less than a minute and comes after, the larger file
// first.

import { statSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds of a run on two cores; only their order counts. */
const LONG: Record<string, number> = {
  'e2e/trust-lease.e2e.test.ts': 330,
  'e2e/kill.e2e.test.ts': 251,
  'e2e/increments.e2e.test.ts': 211,
  'e2e/check.e2e.test.ts': 192,
  'e2e/standalone.e2e.test.ts': 176,
  'e2e/shard-key-increments.e2e.test.ts': 147,
  'e2e/trust-recovery.e2e.test.ts': 142,
  'chaos/chaos.test.ts': 142,
  'e2e/snapshot-migration-hard.e2e.test.ts': 136,
  'e2e/backup-kill.e2e.test.ts': 136,
  'e2e/two-installations.e2e.test.ts': 135,
  'contract/settled-create.test.ts': 133,
  'e2e/keep-on-node.e2e.test.ts': 128,
  'e2e/check-states.e2e.test.ts': 127,
  'e2e/demo.e2e.test.ts': 111,
  'e2e/living-sides.e2e.test.ts': 102,
  'e2e/read-backups.e2e.test.ts': 100,
  'e2e/external-snapshots.e2e.test.ts': 99,
  'e2e/trust-migration.e2e.test.ts': 92,
  'e2e/snapshot-migration.e2e.test.ts': 85,
  'e2e/trust-capture.e2e.test.ts': 84,
  'e2e/policies.e2e.test.ts': 84,
  'e2e/snapshots.e2e.test.ts': 80,
  'e2e/trust-store.e2e.test.ts': 79,
  'e2e/recovery.e2e.test.ts': 78,
  'e2e/prune.e2e.test.ts': 75,
  'e2e/changed-keys.e2e.test.ts': 75,
  'e2e/trust-owner.e2e.test.ts': 73,
  'e2e/migrate.e2e.test.ts': 73,
  'e2e/settled-target.e2e.test.ts': 69,
  'contract/returned-points.test.ts': 61,
  'e2e/named-causes.e2e.test.ts': 60,
  'contract/recovery.test.ts': 60,
  'e2e/snapshot-traps.e2e.test.ts': 59,
  'e2e/snapshot-download.e2e.test.ts': 59,
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
