import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerificationReport } from '../../src/model/contracts/results.js';
import { fail } from '../support/fake-clusters.js';
import { WorkflowLab, failureOf, type Run } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

async function verify(run: Run, input: Record<string, unknown> = {}) {
  const job = await run.start('verifyCollections', input);
  const child = lab.env.client.workflow.getHandle(`${job.workflowId}/docs`);
  return { job, report: async () => (await child.result()) as VerificationReport };
}

describe('verifyCollections', () => {
  it('reports two equal sides as equal and writes nothing', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 500);
      run.fakes.fill(run.b, 'docs', 500);
      const { job, report } = await verify(run);
      expect(await job.result()).toMatchObject({ outcome: 'verified', verified: 1, points: 500 });
      expect((await report()).proof).toMatchObject({ equal: true, sourceCount: 500, targetCount: 500 });
      expect(run.fakes.calls.map((call) => call.name)).not.toContain('compareSlice');
    }));

  it('completes with the ids of what is missing, changed and extra', () =>
    lab.withClusters(async (run) => {
      run.record('verify-differs');
      run.fakes.fill(run.a, 'docs', 500);
      const target = run.fakes.fill(run.b, 'docs', 500);
      target.set('20', 'other');
      target.delete('300');
      target.set('999', 'more');
      const { job, report } = await verify(run);
      expect(await job.result()).toMatchObject({
        outcome: 'different',
        different: 1,
        collections: [{ ids: ['20', '300', '999'] }],
      });
      expect((await report()).proof).toMatchObject({ equal: false, missing: 1, changed: 1, extra: 1 });
      expect(target.get('20')).toBe('other');
    }));

  it('ignores points that only the target has with `subset`', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 50);
      run.fakes.fill(run.b, 'docs', 60);
      const { job } = await verify(run, { subset: true });
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
    }));

  it('fails when a collection cannot be compared', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 50);
      run.fakes.before = (name) => {
        if (name === 'planVerification') throw fail('IncompatibleTarget', 'Another dimension');
      };
      const { job } = await verify(run);
      expect(await failureOf(job)).toMatchObject({ type: 'IncompatibleTarget' });
    }));

  it('runs beside a migration of the same collection', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 50);
      run.fakes.fill(run.b, 'docs', 50);
      const first = await verify(run);
      const second = await verify(run);
      expect(await Promise.all([first.job.result(), second.job.result()])).toMatchObject([
        { outcome: 'verified' },
        { outcome: 'verified' },
      ]);
    }));
});
