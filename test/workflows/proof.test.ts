import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompareSliceInput } from '../../src/model/contracts/slice-activities.js';
import type { MigrationReport } from '../../src/model/contracts/results.js';
import { WorkflowLab, failureOf, until, type Run } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

/** Does something once, just before the first activity of that name. */
function once(run: Run, activity: string, deed: () => void): void {
  let done = false;
  run.fakes.before = (name) => {
    if (done || name !== activity) return;
    done = true;
    deed();
  };
}

const report = async (run: Run): Promise<MigrationReport> => (await run.child().result()) as MigrationReport;
const compared = (run: Run) => run.fakes.called('compareSlice') as CompareSliceInput[];

describe('the proof of a migration', () => {
  it('repairs what differs, and only in the slices that differ', () =>
    lab.withClusters(async (run) => {
      run.record('repair');
      run.fakes.fill(run.a, 'docs', 1_000);
      once(run, 'digestSlice', () => {
        run.target().set('7', 'damaged');
        run.target().delete('8');
        run.target().set('9000', 'nobody asked for this');
      });
      await (await run.migrate()).result();
      const { proof, repaired, warnings } = await report(run);
      expect(run.target()).toEqual(run.source());
      expect(compared(run)).toHaveLength(2);
      expect(compared(run)[0]).toMatchObject({ mode: 'repair', extras: 'delete' });
      expect(proof).toMatchObject({ equal: true, missing: 0, changed: 0, extra: 0, passes: 2 });
      expect(repaired).toEqual({ upserted: 2, deleted: 1 });
      expect(warnings.join()).toContain('7 (changed), 8 (missing), 9000 (extra)');
    }));

  it('digests the repaired slices of both sides again', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 1_000);
      once(run, 'digestSlice', () => run.target().delete('8'));
      await (await run.migrate()).result();
      const digests = run.fakes.called('digestSlice') as { side: { cluster: string } }[];
      const sides = digests.map(({ side }) => side.cluster);
      expect(sides).toHaveLength(10);
      expect(sides.slice(8).sort()).toEqual([run.a, run.b].sort());
    }));

  it('only reports differences with `onDifference: fail`', () =>
    lab.withClusters(async (run) => {
      run.record('differs');
      run.fakes.fill(run.a, 'docs', 1_000);
      once(run, 'digestSlice', () => {
        run.target().delete('8');
        run.target().set('9', 'changed');
      });
      const failure = await failureOf(await run.migrate({ onDifference: 'fail' }));
      expect(failure.type).toBe('SidesDiffer');
      expect(failure.message).toContain('1 missing, 1 changed');
      expect(failure.details).toMatchObject([
        {
          outcome: 'different',
          collections: [{ outcome: 'different', ids: ['8', '9'] }],
        },
      ]);
      expect(compared(run)).toEqual([expect.objectContaining({ mode: 'report' })]);
      expect(run.fakes.called('releaseTarget')).toHaveLength(1);
    }));

  it('reads everything again when the source was written during the copy', () =>
    lab.withClusters(async (run) => {
      run.record('source-written');
      run.fakes.fill(run.a, 'docs', 400);
      once(run, 'countPoints', () => run.source().set('5000', 'late'));
      await (await run.migrate()).result();
      expect(run.target()).toEqual(run.source());
      expect((await report(run)).proof).toMatchObject({ equal: true, sourceCount: 401, targetCount: 401 });
    }));

  it('parks when the source is written in every round, and continues at `retry`', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 100);
      let writes = 10_000;
      let writing = true;
      run.fakes.before = (name) => {
        if (writing && name === 'countPoints') run.source().set(String((writes += 1)), 'again');
      };
      const job = await run.migrate();
      await until(async () => (await run.status()).phase === 'awaiting-operator');
      expect((await run.status()).attention).toContain('somebody writes to the source');
      await until(async () => (await job.query<{ phase: string }>('status')).phase === 'awaiting-operator');
      writing = false;
      await job.executeUpdate('retry');
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(run.target()).toEqual(run.source());
    }));

  it('fails as different after 5 passes with `onFailure: fail`', () =>
    lab.withClusters(async (run) => {
      run.record('never-equal');
      run.fakes.fill(run.a, 'docs', 100);
      run.fakes.before = (name) => {
        if (name === 'digestSlice') run.target().set('50', `written by another ${Math.random()}`);
      };
      const failure = await failureOf(await run.migrate({ onFailure: 'fail', slices: 1 }));
      expect(failure.type).toBe('SidesDiffer');
      expect(compared(run)).toHaveLength(5);
      expect(failure.details).toMatchObject([{ collections: [{ ids: ['50'] }] }]);
    }));

  it('counts vectors that the target only normalised again as equal', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 100);
      once(run, 'digestSlice', () => run.target().set('3', `~${run.source().get('3')}`));
      expect(await (await run.migrate()).result()).toMatchObject({ outcome: 'verified' });
      expect((await report(run)).proof).toMatchObject({ equal: true, renormalised: 1, changed: 0 });
    }));

  it('digests each node of the target with `replicas`', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 1_000);
      run.fakes.nodes = 3;
      await (await run.migrate({ replicas: true, slices: 2 })).result();
      const digests = run.fakes.called('digestSlice') as { lane: number; side: { cluster: string } }[];
      const lanes = digests.filter(({ side }) => side.cluster === run.b).map(({ lane }) => lane);
      expect(lanes.sort()).toEqual([0, 0, 1, 1, 2, 2]);
    }));

  it('reads the source again, and is unproven with `trustCopyDigest`', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 1_000);
      run.fakes.fill(run.a, 'trusted', 1_000);
      await (await run.migrate({ collections: ['docs'] })).result();
      expect(run.fakes.called('digestSlice')).toHaveLength(8);
      const job = await run.migrate({ collections: ['trusted'], trustCopyDigest: true });
      expect(await job.result()).toMatchObject({
        outcome: 'unproven',
        collections: [{ reason: 'equal to the source as it was read: the source was not read again' }],
      });
      expect(run.fakes.called('digestSlice')).toHaveLength(12);
    }));

  it('puts few points into one slice, whatever `slices` is', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 250);
      await (await run.migrate({ slices: 8 })).result();
      expect(run.fakes.called('planSlices')).toMatchObject([{ slices: 1 }]);
    }));

  it('is not verified when the source is empty and the plan counted points', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 100);
      once(run, 'planSlices', () => run.source().clear());
      const failure = await failureOf(await run.migrate());
      expect(failure).toMatchObject({ type: 'SidesDiffer' });
      expect(failure.message).toContain('the source held 100 points when the job was planned and holds none');
      expect(run.fakes.called('closeStamp')).toEqual([]);
    }));

  it('reports a setting that differs as SettingsDiffer', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 10);
      run.fakes.differences = ['hnsw m is 16 and shall be 32'];
      const failure = await failureOf(await run.migrate());
      expect(failure).toMatchObject({ type: 'SettingsDiffer' });
      expect(failure.message).toContain('hnsw m is 16');
      expect(failure.message).toContain('no writer is the cause');
    }));

  it('works page by page when one page does not hold all slices', () =>
    lab.withClusters(async (run) => {
      run.record('slice-pages');
      run.fakes.fill(run.a, 'docs', 1_000);
      run.fakes.slicesPerPage = 3;
      await (await run.migrate({ slices: 8 })).result();
      expect(run.target()).toEqual(run.source());
      expect((await report(run)).proof).toMatchObject({ equal: true, source: { count: 1_000 } });
    }));
});

describe('merge', () => {
  it('proves that the target holds the source, and keeps its other points', () =>
    lab.withClusters(async (run) => {
      run.record('merge');
      run.fakes.fill(run.a, 'docs', 100);
      run.fakes.fill(run.b, 'docs', 1).set('7777', 'theirs');
      run.fakes.owned = false;
      once(run, 'compareSlice', () => run.target().delete('42'));
      await (await run.migrate({ onExisting: 'merge' })).result();
      expect(run.target().size).toBe(101);
      expect(run.target().get('42')).toBe('value 42');
      expect((await report(run)).proof).toMatchObject({ equal: true, subset: true, extra: 0 });
      expect(compared(run).every((input) => input.extras === 'ignore')).toBe(true);
    }));
});

describe('a repeated job', () => {
  it('copies only what the failed one did not copy', () =>
    lab.withClusters(async (run) => {
      run.record('resumed');
      run.fakes.fill(run.a, 'docs', 1_000);
      run.fakes.fill(run.b, 'docs', 900).set('900', 'torn');
      run.fakes.targetState = 'ours';
      await (await run.migrate()).result();
      expect(run.fakes.called('copySlice')).toHaveLength(0);
      expect(run.target()).toEqual(run.source());
      expect(await report(run)).toMatchObject({ repaired: { upserted: 101 }, proof: { equal: true } });
    }));

  it('copies again when less than half is there, and trusts no digest taken while copying', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 1_000);
      run.fakes.fill(run.b, 'docs', 100);
      run.fakes.targetState = 'ours';
      await (await run.migrate()).result();
      expect(run.fakes.called('copySlice')).toHaveLength(4);
      expect(run.fakes.called('digestSlice')).toHaveLength(8);
      expect(run.target()).toEqual(run.source());
    }));

  it('deletes nothing from a collection that it did not create', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 100);
      run.fakes.owned = false;
      run.fakes.targetState = 'empty';
      once(run, 'digestSlice', () => run.target().set('7777', 'theirs'));
      const failure = await failureOf(await run.migrate({ onFailure: 'fail' }));
      expect(failure).toMatchObject({ type: 'SidesDiffer' });
      expect(run.target().has('7777')).toBe(true);
    }));
});
