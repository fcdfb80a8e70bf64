import { type WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CopySliceInput } from '../../src/model/contracts/slice-activities.js';
import type { JobStatus } from '../../src/model/contracts/results.js';
import { workerDies } from '../support/faults.js';
import { WorkflowLab, failureOf, until, type Run } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

/** A job that is somewhere in the middle of its copy. */
async function copying(run: Run, input: Record<string, unknown> = {}) {
  run.fakes.fill(run.a, 'docs', 2_000);
  run.fakes.batchPoints = 20;
  run.fakes.batchMs = 40;
  const job = await run.migrate(input);
  await until(() => run.target().size > 200);
  return job;
}

const copies = (run: Run) => run.fakes.called('copySlice') as CopySliceInput[];

describe('pause and resume', () => {
  it('keeps the cursors: after a resume each slice continues where its claim ended', () =>
    lab.withClusters(async (run) => {
      run.record('pause-resume');
      const job = await copying(run);
      const answer = await run.child().executeUpdate<string, []>('pause');
      expect(answer).toMatch(/^Pausing/);
      await until(async () => (await run.status()).phase === 'paused');
      const held = await run.status();
      expect(held).toMatchObject({ paused: true, total: 2_000 });
      expect(held.points).toBe(run.target().size);
      expect(held.points).toBeGreaterThan(200);
      expect(held.points).toBeLessThan(2_000);
      const before = copies(run).length;
      expect(await run.child().executeUpdate<string, []>('resume')).toMatch(/^Resuming/);
      expect(await job.result()).toMatchObject({ outcome: 'verified', points: 2_000 });
      const resumed = copies(run).slice(before);
      expect(resumed.every((input) => input.cursor !== undefined)).toBe(true);
      expect(run.target()).toEqual(run.source());
    }));

  it('reaches the running collections of the job, and those that start later', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'more', 100);
      const job = await copying(run, { concurrency: 1 });
      await job.executeUpdate('pause');
      await until(async () => (await run.status()).phase === 'paused');
      expect(await job.query<JobStatus>('status')).toMatchObject({
        phase: 'paused',
        paused: true,
        collections: [{ state: 'running' }, { state: 'waiting' }],
      });
      await run.child().executeUpdate('resume');
      await run.child().result();
      expect(run.fakes.called('planCollection')).toHaveLength(1);
      await job.executeUpdate('resume');
      expect(await job.result()).toMatchObject({ verified: 2 });
    }));

  it('refuses commands that do not apply, and says why', () =>
    lab.withClusters(async (run) => {
      const job = await copying(run);
      for (const [update, argument, why] of [
        ['resume', undefined, 'not paused'],
        ['retry', undefined, 'not waiting for an operator'],
        ['throttle', {}, 'maxPointsPerSecond'],
        ['throttle', { maxPointsPerSecond: 'fast' }, 'maxPointsPerSecond'],
        ['abort', { why: 'x' }, 'why'],
      ] as const) {
        for (const handle of [job, run.child()]) {
          const args = argument === undefined ? [] : [argument];
          const refused = await handle
            .executeUpdate(update, { args: args as [unknown] })
            .catch((error: unknown) => error);
          expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
          expect((refused as WorkflowUpdateFailedError).cause?.message).toContain(why);
        }
      }
      await job.executeUpdate('abort');
      await failureOf(job);
    }));
});

describe('throttle', () => {
  it('divides the new pace among the slices in progress and continues from the cursors', () =>
    lab.withClusters(async (run) => {
      run.record('throttle');
      const job = await copying(run);
      expect(copies(run).every((input) => input.maxPointsPerSecond === undefined)).toBe(true);
      const before = copies(run).length;
      const args: [unknown] = [{ maxPointsPerSecond: 4_000 }];
      expect(await job.executeUpdate<string, [unknown]>('throttle', { args })).toContain('4,000 points/s');
      await until(() => copies(run).length >= before + 4);
      expect(copies(run).at(-1)).toMatchObject({ budgetMs: 60_000 });
      const shares = copies(run).slice(before, before + 4);
      expect(shares.map((input) => input.maxPointsPerSecond)).toEqual([1_000, 1_000, 1_000, 1_000]);
      expect(shares.every((input) => input.cursor !== undefined)).toBe(true);
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
    }));

  it('continues on another worker where the one that works on a slice is dead', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 500);
      workerDies(run.fakes, 'copySlice');
      const job = await run.migrate({ slices: 1, heartbeatSeconds: 2, onFailure: 'fail' });
      await until(() => copies(run).length > 0);
      await job.executeUpdate('throttle', { args: [{ maxPointsPerSecond: 4_000 }] });
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(copies(run).at(-1)).toMatchObject({ maxPointsPerSecond: 4_000 });
    }));

  it('divides the pace of a job among its collections', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'more', 500);
      run.fakes.fill(run.a, 'docs', 500);
      await (await run.migrate({ concurrency: 2, slices: 1, maxPointsPerSecond: 9_000 })).result();
      expect(copies(run).map((input) => input.maxPointsPerSecond)).toContain(4_500);
    }));
});

describe('abort', () => {
  it('restores indexing and reports the state of the target', () =>
    lab.withClusters(async (run) => {
      run.record('abort');
      const job = await copying(run);
      await job.executeUpdate('abort', { args: [{ reason: 'wrong cluster' }] });
      const failure = await failureOf(job);
      expect(failure.type).toBe('Aborted');
      expect(failure.message).toContain('wrong cluster');
      const written = run.target().size;
      expect(failure.message).toContain(
        `docs on ${run.b} has ${written.toLocaleString('en')} of 2,000 points`,
      );
      expect(failure.message).toContain('indexing restored');
      expect(run.fakes.called('releaseTarget')).toHaveLength(1);
    }));

  it('ends a paused job too', () =>
    lab.withClusters(async (run) => {
      const job = await copying(run);
      await job.executeUpdate('pause');
      await until(async () => (await run.status()).phase === 'paused');
      await job.executeUpdate('abort');
      expect((await failureOf(job)).type).toBe('Aborted');
      expect(run.fakes.called('releaseTarget')).toHaveLength(1);
    }));

  it('does not start the collections that still wait', () =>
    lab.withClusters(async (run) => {
      run.record('abort-some');
      for (const name of ['x', 'y', 'z']) run.fakes.fill(run.a, name, 10);
      const job = await copying(run, { concurrency: 1 });
      await job.executeUpdate('abort');
      const failure = await failureOf(job);
      expect(failure).toMatchObject({ type: 'Aborted', details: [{ failed: 4, outcome: 'aborted' }] });
      expect(run.fakes.called('planCollection')).toHaveLength(1);
    }));
});

describe('cancel from the UI', () => {
  it.each(['job', 'collection'] as const)('of the %s restores indexing and ends cancelled', (which) =>
    lab.withClusters(async (run) => {
      const job = await copying(run);
      const child = run.child();
      await (which === 'job' ? job : child).cancel();
      const ended = await child.result().catch((error: unknown) => error);
      expect((ended as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
      expect((await child.describe()).status.name).toBe('CANCELLED');
      expect(run.fakes.called('releaseTarget')).toHaveLength(1);
      await job.result().catch(() => undefined);
      expect((await job.describe()).status.name).toBe(which === 'job' ? 'CANCELLED' : 'FAILED');
    }),
  );

  it('ends cancelled while it is paused', () =>
    lab.withClusters(async (run) => {
      const job = await copying(run);
      await job.executeUpdate('pause');
      await until(async () => (await run.status()).phase === 'paused');
      await job.cancel();
      await job.result().catch(() => undefined);
      expect((await job.describe()).status.name).toBe('CANCELLED');
      expect((await run.child().describe()).status.name).toBe('CANCELLED');
      expect(run.fakes.called('releaseTarget')).toHaveLength(1);
    }));
});
