import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CopySliceInput } from '../../src/model/contracts/slice-activities.js';
import type { MigrationReport } from '../../src/model/contracts/results.js';
import { fail } from '../support/fake-clusters.js';
import { historiesOf } from '../support/histories.js';
import { WorkflowLab, failureOf, until } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

describe('continue-as-new', () => {
  it('loses and repeats nothing over several runs, with a pause and a new pace', () =>
    lab.withClusters(async (run) => {
      run.record('continue-as-new');
      run.fakes.fill(run.a, 'docs', 6_000);
      run.fakes.batchPoints = 10;
      run.fakes.batchMs = 20;
      const job = await run.migrate({ budgetMs: 1_000, continueAsNewAfterEvents: 40 });
      await until(() => run.target().size > 2_500);
      await job.executeUpdate('pause');
      await until(async () => (await run.status()).phase === 'paused');
      await job.executeUpdate('throttle', { args: [{ maxPointsPerSecond: 50_000 }] });
      await job.executeUpdate('resume');
      expect(await job.result()).toMatchObject({ outcome: 'verified', points: 6_000 });
      expect(run.target()).toEqual(run.source());
      const started = await job.fetchHistory();
      const child = started.events?.find((event) => event.childWorkflowExecutionStartedEventAttributes);
      const runId = child?.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.runId ?? '';
      const runs = await historiesOf(lab.env.client, `ferry/${run.b}/docs`, runId);
      expect(runs.length).toBeGreaterThanOrEqual(3);
      expect(run.fakes.called('planSlices')).toHaveLength(1);
      const copied = run.fakes.called('copySlice') as CopySliceInput[];
      expect(copied.at(-1)?.maxPointsPerSecond).toBeGreaterThan(0);
      const { proof } = (await run.child().result()) as MigrationReport;
      expect(proof).toMatchObject({ equal: true, passes: 1 });
    }));
});

describe('a job whose step fails', () => {
  it('parks, reports why, and continues from its cursors at `retry`', () =>
    lab.withClusters(async (run) => {
      run.record('park-retry');
      run.fakes.fill(run.a, 'docs', 2_000);
      run.fakes.batchPoints = 20;
      run.fakes.batchMs = 20;
      let broken = true;
      run.fakes.before = (name, input: CopySliceInput) => {
        if (broken && name === 'copySlice' && input.what.includes('slice 3'))
          throw fail('SliceStalled', 'Disk full');
      };
      const job = await run.migrate();
      await until(async () => (await run.status()).phase === 'awaiting-operator');
      const parked = await run.status();
      expect(parked.attention).toContain('SliceStalled: Disk full');
      expect(parked.attention).toContain('`retry`');
      expect(parked.points).toBe(run.target().size);
      broken = false;
      expect(await run.child().executeUpdate<string, []>('retry')).toMatch(/^Retrying/);
      expect(await job.result()).toMatchObject({ outcome: 'verified', points: 2_000 });
    }));

  it('fails with the cause when no `retry` comes in time, and restores indexing', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 100);
      run.fakes.before = (name) => {
        if (name === 'copySlice') throw fail('QdrantRejected', 'No');
      };
      const failure = await failureOf(await run.migrate({ parkForHours: 0.0002 }));
      expect(failure.type).toBe('QdrantRejected');
      expect(failure.message).toContain(`docs on ${run.b} has 0 of 100 points, indexing restored`);
      expect(run.fakes.called('releaseTarget')).toHaveLength(1);
    }));

  it('can be aborted while it is parked', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 100);
      run.fakes.before = (name) => {
        if (name === 'copySlice') throw fail('QdrantRejected', 'No');
      };
      const job = await run.migrate();
      await until(async () => (await run.status()).phase === 'awaiting-operator');
      await job.executeUpdate('abort');
      expect((await failureOf(job)).type).toBe('Aborted');
    }));

  it('can be cancelled while it is parked', () =>
    lab.withClusters(async (run) => {
      run.record('park-cancel');
      run.fakes.fill(run.a, 'docs', 100);
      run.fakes.before = (name) => {
        if (name === 'copySlice') throw fail('QdrantRejected', 'No');
      };
      const job = await run.migrate();
      await until(async () => (await run.status()).phase === 'awaiting-operator');
      await job.cancel();
      await job.result().catch(() => undefined);
      expect((await run.child().describe()).status.name).toBe('CANCELLED');
      expect(run.fakes.called('releaseTarget')).toHaveLength(1);
    }));

  it('reports the first cause also when indexing cannot be restored', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 100);
      run.fakes.before = (name) => {
        if (name === 'copySlice') throw fail('QdrantRejected', 'The first cause');
        if (name === 'releaseTarget') throw fail('ClusterUnauthorized', 'Key revoked');
      };
      const failure = await failureOf(await run.migrate({ onFailure: 'fail' }));
      expect(failure).toMatchObject({ type: 'QdrantRejected' });
      expect(failure.message).toContain('The first cause');
      expect(failure.message).toContain('indexing NOT restored');
    }));

  it('restores indexing when the preparation itself failed half way', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 100);
      run.fakes.before = (name) => {
        if (name === 'prepareTarget') throw fail('QdrantRejected', 'Bad overrides');
      };
      const failure = await failureOf(await run.migrate());
      expect(failure).toMatchObject({ type: 'QdrantRejected' });
      expect(run.fakes.called('releaseTarget')).toHaveLength(1);
    }));

  it('completes with a warning when indexing takes longer than the wait', () =>
    lab.withClusters(async (run) => {
      run.record('not-indexed');
      run.fakes.fill(run.a, 'docs', 100);
      run.fakes.ready = { ready: false, reason: 'optimizer still runs' };
      await (await run.migrate({ awaitIndexingMinutes: 0 })).result();
      const { warnings } = (await run.child().result()) as MigrationReport;
      expect(warnings.join()).toContain('optimizer still runs');
    }));
});
