// Compares collections of two clusters, point by point, and writes nothing. Completes with its report also when the
// sides differ: that is its answer. Fails only when a collection could not be compared.

import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import {
  parseInput,
  verifyCollectionsSchema,
  type VerifyCollectionInput,
  type VerifyCollectionsInput,
} from '../../model/contracts/inputs.js';
import { verifyId } from '../../model/names.js';
import type { JobReport } from '../../model/contracts/results.js';
import { jobFailure, surfacing } from '../runtime/failures.js';
import { FanOut, type ChildFacts, type JobState, type Resolved } from '../runtime/fan-out.js';
import { omit, openState, splitCarried } from './job-input.js';
import { pagesOf } from './pages-of.js';
import type { Child } from '../runtime/start-collection.js';

export async function verifyCollections(input: unknown): Promise<JobReport> {
  return surfacing(async () => {
    const { carried, written } = splitCarried<JobState>(input);
    const parsed = parseInput(verifyCollectionsSchema, written);
    const job = new FanOut({
      operation: 'verifyCollections',
      ends: { source: parsed.source, target: parsed.target },
      input: parsed,
      resolve: pagesOf(parsed),
      state: openState(parsed, carried),
      childOf: (collection, facts) => childOf(parsed, collection, facts),
      goOn: (state) => continueAsNew<typeof verifyCollections>({ ...parsed, carried: state }),
    });
    const report = await job.run();
    if (report.outcome !== 'failed' && report.outcome !== 'aborted') return report;
    throw jobFailure(report, job.soleTrouble);
  });
}

function childOf(input: VerifyCollectionsInput, collection: Resolved, facts: () => ChildFacts): Child {
  const { source, target } = input;
  const options = omit(input, 'source', 'target', 'collections', 'as', 'concurrency');
  const unpaced = omit(options, 'maxPointsPerSecond', 'maxMegabytesPerSecond');
  const childInput = (): VerifyCollectionInput => {
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
    workflowId: verifyId(workflowInfo().workflowId, collection.target),
    type: 'verifyCollection',
    input: childInput,
    summary: `${collection.source}: ${source} = ${target}?`,
    onBusy: 'fail',
  };
}
