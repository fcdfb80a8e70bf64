import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobReport } from '../../src/model/results.js';
import { WorkflowLab } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

describe('scrollMigration', () => {
  it('copies a collection, proves it, and puts indexing back', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 1_000);
      const job = await run.migrate();
      const report: JobReport = await job.result();
      expect(report).toMatchObject({ outcome: 'verified', verified: 1, failed: 0, points: 1_000 });
      expect(run.target()).toEqual(run.source());
      expect(run.fakes.called('releaseTarget')).toHaveLength(1);
    }));
});
