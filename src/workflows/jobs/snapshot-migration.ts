// Migrates collections from one cluster to another as snapshots of their shards and proves each; a child workflow
// `moveCollection` for each. Completes only when every collection is verified; otherwise fails, with the report of all of
// them as detail.

import { continueAsNew } from '@temporalio/workflow';
import { parseInput } from '../../model/contracts/inputs.js';
import { snapshotMigrationSchema } from '../../model/contracts/move-inputs.js';
import type { JobReport } from '../../model/contracts/results.js';
import { surfacing } from '../runtime/failures.js';
import type { JobState } from '../runtime/fan-out.js';
import { omit, splitCarried } from './job-input.js';
import { runMigration } from './migration-job.js';

export async function snapshotMigration(input: unknown): Promise<JobReport> {
  return surfacing(async () => {
    const { carried, written } = splitCarried<JobState>(input);
    const parsed = parseInput(snapshotMigrationSchema, written);
    return runMigration(parsed, carried, {
      operation: 'snapshotMigration',
      child: 'moveCollection',
      options: omit(parsed, 'source', 'target', 'collections', 'as', 'concurrency'),
      note: ', snapshots',
      namesMayBeAliases: parsed.onExisting === 'swap',
      goOn: (state) => continueAsNew<typeof snapshotMigration>({ ...parsed, carried: state }),
    });
  });
}
