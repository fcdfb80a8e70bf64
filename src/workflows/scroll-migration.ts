// Migrates collections from one cluster to another and proves each; a child workflow `migrateCollection` for each.
// Completes only when every collection is verified; otherwise fails, with the report of all of them as detail.

import { continueAsNew } from '@temporalio/workflow';
import {
  parseInput,
  scrollMigrationSchema,
  type MigrateCollectionInput,
  type ScrollMigrationInput,
} from '../model/inputs.js';
import { writeLockId } from '../model/names.js';
import type { JobReport } from '../model/results.js';
import { surfacing } from './failures.js';
import { FanOut, type ChildFacts, type JobState, type Resolved } from './fan-out.js';
import { omit, openState, splitCarried } from './job-input.js';
import { jobFailure } from './job-verdict.js';
import { pagesOf } from './pages-of.js';
import type { Child } from './start-collection.js';

export async function scrollMigration(input: unknown): Promise<JobReport> {
  return surfacing(async () => {
    const { carried, written } = splitCarried<JobState>(input);
    const parsed = parseInput(scrollMigrationSchema, written);
    const job = new FanOut({
      operation: 'scrollMigration',
      ends: { source: parsed.source, target: parsed.target },
      input: parsed,
      resolve: pagesOf(parsed),
      state: openState(parsed, carried),
      childOf: (collection, facts) => childOf(parsed, collection, facts),
      goOn: (state) => continueAsNew<typeof scrollMigration>({ ...parsed, carried: state }),
    });
    const report = await job.run();
    if (report.outcome === 'verified') return report;
    throw jobFailure(report, job.soleTrouble);
  });
}

function childOf(input: ScrollMigrationInput, collection: Resolved, facts: () => ChildFacts): Child {
  const { source, target, onBusy } = input;
  const options = omit(input, 'source', 'target', 'collections', 'as', 'concurrency', 'onBusy');
  const unpaced = omit(options, 'maxPointsPerSecond', 'maxMegabytesPerSecond');
  const childInput = (): MigrateCollectionInput => {
    const { pace, ...rest } = facts();
    return {
      source: { cluster: source, collection: collection.source },
      target: { cluster: target, collection: collection.target },
      asked: collection.asked,
      options: { ...unpaced, ...pace },
      ...rest,
    };
  };
  return {
    workflowId: writeLockId(target, collection.target),
    type: 'migrateCollection',
    input: childInput,
    summary: `${collection.source}: ${source} → ${target}`,
    onBusy,
  };
}
