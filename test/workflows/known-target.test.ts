// What a migration does with a target that an earlier run verified, and how long its own stamp stays open.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompareSliceInput } from '../../src/model/contracts/slice-activities.js';
import type { MigrationReport } from '../../src/model/contracts/results.js';
import { WorkflowLab, failureOf, until, type Run } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

const modes = (run: Run) =>
  (run.fakes.called('compareSlice') as CompareSliceInput[]).map(({ mode, extras }) => `${mode} ${extras}`);

/** Migrates once, and lets the next job find what that one verified. */
async function verifiedBefore(run: Run): Promise<void> {
  run.fakes.fill(run.a, 'docs', 400);
  await (await run.migrate()).result();
  const { proof } = (await run.child().result()) as MigrationReport;
  run.fakes.targetState = 'known';
  run.fakes.verified = proof.target;
  run.fakes.calls.length = 0;
}

describe('a target that an earlier run verified', () => {
  it('is compared, and not written when somebody else has changed it', () =>
    lab.withClusters(async (run) => {
      await verifiedBefore(run);
      run.target().set('7', 'changed by the application');
      run.target().set('9000', 'written by the application');
      const failure = await failureOf(await run.migrate());
      expect(failure).toMatchObject({ type: 'SidesDiffer' });
      expect(failure.message).toContain(
        'target has changed since it was verified, so nothing was written. If the source leads: `deleteExtras: true` (`--delete-extras`)',
      );
      expect(new Set(modes(run))).toEqual(new Set(['report report']));
      expect(run.target().get('9000')).toBe('written by the application');
      expect(run.fakes.called('copySlice')).toEqual([]);
      expect(run.fakes.called('closeStamp')).toEqual([]);
    }));

  it('gets what the source has changed and added since, when only the source was written', () =>
    lab.withClusters(async (run) => {
      await verifiedBefore(run);
      run.source().set('8', 'newer');
      run.source().set('9000', 'new');
      expect(await (await run.migrate()).result()).toMatchObject({
        outcome: 'verified',
        collections: [{ repaired: { upserted: 2, deleted: 0 } }],
      });
      expect(run.target()).toEqual(run.source());
      expect(new Set(modes(run))).toEqual(new Set(['report report', 'repair report']));
      expect(run.fakes.called('closeStamp')).toHaveLength(1);
    }));

  it('keeps what the source has deleted, unless `deleteExtras` is set', () =>
    lab.withClusters(async (run) => {
      await verifiedBefore(run);
      run.source().delete('7');
      run.source().set('8', 'newer');
      const before = new Map(run.target());
      const { type, message } = await failureOf(await run.migrate());
      expect(type).toBe('SidesDiffer');
      expect(message).toContain('the source has deleted 1 point since it was verified; nothing was written');
      expect(run.target()).toEqual(before);
      expect(new Set(modes(run))).toEqual(new Set(['report report']));
    }));

  it('is not written while its application writes to it', () =>
    lab.withClusters(async (run) => {
      await verifiedBefore(run);
      run.source().delete('7');
      run.source().set('8', 'newer');
      run.fakes.before = async (name) => {
        if (name === 'releaseTarget') run.target().set('9000', 'written by the application');
      };
      expect((await failureOf(await run.migrate())).type).toBe('SidesDiffer');
      expect([run.target().get('8'), run.target().get('9000')]).toEqual([
        'value 8',
        'written by the application',
      ]);
      expect(new Set(modes(run))).toEqual(new Set(['report report']));
    }));

  it('is not written any more after the job has waited in the middle of its repairs', () =>
    lab.withClusters(async (run) => {
      await verifiedBefore(run);
      for (const id of ['8', '9']) run.source().set(id, 'newer');
      let isPaused = false;
      run.fakes.before = async (name, input: { mode?: string }) => {
        if (isPaused || name !== 'compareSlice' || input.mode !== 'repair') return;
        isPaused = true;
        await job.executeUpdate('pause');
      };
      const job = await run.migrate();
      await until(async () => isPaused && (await run.status()).phase === 'paused');
      run.target().set('10', 'written by the application');
      await job.executeUpdate('resume');
      const { type, message } = await failureOf(job);
      expect(type).toBe('TargetChanged');
      expect(message).toContain('had to wait while it copied');
      expect(run.target().get('10')).toBe('written by the application');
    }));

  it('is repaired at once with `deleteExtras`', () =>
    lab.withClusters(async (run) => {
      await verifiedBefore(run);
      run.target().set('9000', 'may go');
      run.fakes.mayDelete = true;
      await (await run.migrate({ deleteExtras: true })).result();
      expect(run.target()).toEqual(run.source());
      expect(new Set(modes(run))).toEqual(new Set(['repair delete']));
    }));
});

describe('the stamp', () => {
  it('is closed before the wait for indexes, so that an abort then undoes nothing', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 100);
      let release = () => undefined as void;
      const wait = new Promise<void>((resolve) => (release = resolve));
      run.fakes.before = async (name, input: { replicasOnly?: boolean }) => {
        if (name === 'awaitReady' && input.replicasOnly !== true) await wait;
      };
      const job = await run.migrate();
      await until(
        () => run.fakes.calls.at(-1)?.name === 'awaitReady' && run.fakes.called('closeStamp').length > 0,
      );
      await job.executeUpdate('abort', { args: [{ reason: 'enough' }] });
      release();
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      const { warnings } = (await run.child().result()) as MigrationReport;
      expect(warnings.join()).toContain('the wait for its indexes was ended (enough)');
    }));
});
