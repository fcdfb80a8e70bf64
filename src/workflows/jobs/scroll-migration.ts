// Migrates collections from one cluster to another and proves each; a child workflow `migrateCollection` for each.
// Completes only when every collection is verified; otherwise fails, with the report of all of them as detail.

import { continueAsNew } from '@temporalio/workflow';
import { parseInput, scrollMigrationSchema } from '../../model/contracts/inputs.js';
import type { JobReport } from '../../model/contracts/results.js';
import { surfacing } from '../runtime/failures.js';
import type { JobState } from '../runtime/fan-out.js';
import { omit, splitCarried } from './job-input.js';
import { runMigration } from './migration-job.js';

export async function scrollMigration(input: unknown): Promise<JobReport> {
  return surfacing(async () => {
    const { carried, written } = splitCarried<JobState>(input);
    const parsed = parseInput(scrollMigrationSchema, written);
    return runMigration(parsed, carried, {
      operation: 'scrollMigration',
      child: 'migrateCollection',
      options: omit(parsed, 'source', 'target', 'collections', 'as', 'concurrency', 'onBusy'),
      goOn: (state) => continueAsNew<typeof scrollMigration>({ ...parsed, carried: state }),
    });
  });
}
