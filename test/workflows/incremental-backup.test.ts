import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WriteManifestInput } from '../../src/model/contracts/backup-activities.js';
import type { CaptureSliceInput } from '../../src/model/contracts/point-backup-activities.js';
import type { BackupReport, JobReport } from '../../src/model/contracts/results.js';
import { damagesBase, failsForGood, holds, parksOnEach, workerDies } from '../support/faults.js';
import { WorkflowLab, failureOf, type Run } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

const slicesOf = (run: Run) =>
  (run.fakes.called('captureSlice') as CaptureSliceInput[]).map(({ position }) => position).sort();

/** A full backup by points of `docs` with 300 points, of which 3 are then changed and 1 is deleted. */
async function fullThenChanged(run: Run): Promise<JobReport> {
  run.fakes.fill(run.a, 'docs', 300);
  const full: JobReport = await (await run.backUp({ format: 'points', recall: false })).result();
  const points = run.fakes.clusters[run.a]?.['docs'] ?? new Map<string, string>();
  const [gone = '', ...others] = [...points.keys()];
  for (const id of others.slice(0, 3)) points.set(id, `${points.get(id)} changed`);
  points.delete(gone);
  return full;
}

it('continues the last backup by points, and what it recovers is the state of its own moment', () =>
  lab.withClusters(async (run) => {
    run.record('increment');
    const full = await fullThenChanged(run);
    expect(full).toMatchObject({ outcome: 'verified', collections: [{ proven: 'recorded' }] });
    const report: JobReport = await (await run.increment()).result();
    const changes = { base: full.backup, changed: 3, deleted: 1 };
    expect(report).toMatchObject({
      operation: 'incrementalBackup',
      outcome: 'verified',
      collections: [{ changes, points: 299 }],
    });
    run.expectOrder('planPoints', 'captureSlice', 'writePointsManifest', 'checkObjects', 'writeComplete');
    expect(run.fakes.called('writeIdSet')).toEqual([]);
    const before = new Map(run.fakes.clusters[run.a]?.['docs']);
    run.fakes.clusters[run.a]?.['docs']?.clear();
    const recovered = await (
      await run.recover({ backup: report.backup, collections: ['docs'], as: { docs: 'back' } })
    ).result();
    expect(recovered).toMatchObject({ outcome: 'unproven', collections: [{ points: 299 }] });
    expect(run.fakes.clusters[run.b]?.['back']).toEqual(before);
  }));

it('takes a full backup where there is none to continue, and says so', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 300);
    const report: JobReport = await (await run.increment()).result();
    expect(report.collections).toMatchObject([
      { changes: { changed: 300, deleted: 0 }, warnings: [expect.stringContaining('A full backup')] },
    ]);
    expect(report.collections[0]?.changes?.base).toBeUndefined();
  }));

it('leaves a collection to the job that is backing it up, and counts that as success', () =>
  lab.withClusters(async (run) => {
    const held = holds(run.fakes, 'captureShard');
    run.fakes.fill(run.a, 'docs', 300);
    const full = await run.backUp();
    await held.reached();
    const report: JobReport = await (await run.increment()).result();
    expect(report.collections).toMatchObject([
      { outcome: 'skipped', reason: expect.stringContaining('another job') },
    ]);
    expect(report.failed).toBe(0);
    held.release();
    await full.result();
  }));

it('takes a full backup where the one to continue turns out to be damaged, also with `park`', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 300);
    const base: JobReport = await (await run.increment()).result();
    damagesBase(run.fakes);
    const report: JobReport = await (await run.increment({ onFailure: 'park' })).result();
    const [collection] = report.collections;
    expect(collection).toMatchObject({ outcome: 'verified', changes: { changed: 300, deleted: 0 } });
    expect(collection?.changes?.base).toBeUndefined();
    expect(collection?.warnings).toEqual([
      expect.stringContaining(`the newest one, ${base.backup}, cannot be continued`),
    ]);
  }));

const STEPS = ['planPoints', 'captureSlice', 'writePointsManifest', 'checkObjects', 'writeComplete'] as const;

describe.concurrent('a step of an increment that fails for good', () => {
  it.each(STEPS)('%s: the job fails, and nothing counts as complete', (step) =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 300);
      failsForGood(run.fakes, step);
      const failure = await failureOf(await run.increment());
      expect(failure).toMatchObject({ type: 'QdrantRejected', message: expect.stringContaining(step) });
      expect(run.fakes.called('writeProof')).toEqual([]);
      expect([...run.fakes.store.backups.values()].some((one) => one.get('docs')?.isComplete)).toBe(false);
    }),
  );

  it('parks the collection with `park`, and `retry` repeats no slice that is stored', () =>
    lab.withClusters(async (run) => {
      run.record('increment-parked');
      run.fakes.fill(run.a, 'docs', 300);
      const job = await run.increment({ onFailure: 'park', slices: 1 });
      expect(await parksOnEach(run.fakes, run.capture(), STEPS)).toHaveLength(STEPS.length);
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(slicesOf(run)).toEqual([0, 0, 1, 2]);
    }));

  it('captures a slice again whose worker died, and continues as new without repeating the others', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 300);
      workerDies(run.fakes, 'captureSlice');
      const job = await run.increment({ slices: 1, heartbeatSeconds: 5, continueAsNewAfterEvents: 20 });
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      const child: BackupReport = await run.capture().result();
      expect(child).toMatchObject({ points: 300, proven: 'recorded', capture: 'points' });
    }));
});

describe('the digest index of a snapshot', () => {
  it('is written while the source is digested, before the shards and after', () =>
    lab.withClusters(async (run) => {
      run.record('index');
      run.fakes.fill(run.a, 'docs', 300);
      const report: JobReport = await (await run.backUp({ index: true, recall: false })).result();
      expect(report).toMatchObject({ outcome: 'verified', collections: [{ proven: 'quiesced' }] });
      run.expectOrder('planPoints', 'captureSlice', 'captureShard', 'writeIdSet', 'writeManifest');
      expect(run.fakes.called('digestSlice')).toEqual([]);
      const slices = run.fakes.called('captureSlice') as CaptureSliceInput[];
      const after = slices.filter(({ index }) => index === 'after');
      expect(run.names().lastIndexOf('captureSlice')).toBeGreaterThan(run.names().indexOf('writeIdSet'));
      expect(after.map(({ before }) => before).sort()).toEqual(
        after.map(({ position }) => `before-${position}`).sort(),
      );
      const [manifest] = run.fakes.called('writeManifest') as WriteManifestInput[];
      expect(manifest?.index?.before).toHaveLength(after.length);
      expect(manifest?.index?.after).toHaveLength(after.length);
    }));

  it('is left out, with its proof, where a slice cannot be read', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 300);
      failsForGood(run.fakes, 'captureSlice');
      const report: JobReport = await (await run.backUp({ index: true, recall: false })).result();
      expect(report.collections).toMatchObject([
        { outcome: 'verified', proven: 'none', warnings: [expect.stringContaining('could not be digested')] },
      ]);
      const [manifest] = run.fakes.called('writeManifest') as WriteManifestInput[];
      expect(manifest?.index).toBeUndefined();
    }));

  it('is refused where no digests are wanted', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 300);
      const failed = await failureOf(await run.backUp({ index: true, digest: false }));
      expect(failed).toMatchObject({
        type: 'InvalidInput',
        message: expect.stringContaining('set only one of them'),
      });
    }));
});
