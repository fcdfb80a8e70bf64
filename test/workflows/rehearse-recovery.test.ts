import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WriteProofInput } from '../../src/model/contracts/backup-activities.js';
import type { JobReport } from '../../src/model/contracts/results.js';
import { failsForGood, holds } from '../support/faults.js';
import { WorkflowLab, failureOf, until, type Run } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

/** The rehearsal of `docs`, of which a complete backup with 300 points is in the store. */
async function rehearse(run: Run, input: Record<string, unknown> = {}) {
  run.fakes.fill(run.a, 'docs', 300);
  if (run.fakes.store.backups.size === 0) run.fakes.store.fill({ cluster: run.a, collection: 'docs' });
  return run.rehearse(input);
}

const written = (run: Run) => run.fakes.called('writeProof') as WriteProofInput[];

it('recovers under a name of its own, writes what it found as a proof, and removes the collection', () =>
  lab.withClusters(async (run) => {
    run.record('rehearsed');
    run.fakes.fill(run.b, 'docs', 5);
    const report: JobReport = await (await rehearse(run)).result();
    expect(report).toMatchObject({ outcome: 'verified', verified: 1, points: 300 });
    expect(report.collections[0]).toMatchObject({ recall: { exact: 1, approximate: 0.98 } });
    expect(Object.keys(run.fakes.clusters[run.b] ?? {})).toEqual(['docs']);
    expect(run.target().size).toBe(5);
    expect(written(run)).toMatchObject([
      { kind: 'rehearsed', digest: { count: 300 }, recall: { exact: 1 }, collection: 'docs' },
    ]);
    run.expectOrder('recoverShard', 'digestSlice', 'replayRecall', 'writeProof', 'undoRecovery');
    expect(run.fakes.called('finishRecovery')).toEqual([]);
  }));

it('digests also what has no proof yet, and the next rehearsal is held to it', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 300);
    const stored = run.fakes.store.fill({ cluster: run.a, collection: 'docs' }, false);
    expect(await (await run.rehearse()).result()).toMatchObject({ outcome: 'verified' });
    expect(stored.proofs).toMatchObject([{ kind: 'rehearsed', digest: { count: 300 } }]);
    stored.shards.get(0)?.set('3', 'a byte changed');
    const failure = await failureOf(await run.rehearse());
    expect(failure).toMatchObject({ type: 'RecoveryDiffers' });
    expect(stored.proofs).toHaveLength(1);
    expect(run.fakes.clusters[run.b]).toEqual({});
  }));

describe.concurrent('a step that fails for good', () => {
  it.each([
    ...(['prepareRecovery', 'recoverShard', 'awaitReady', 'removeReturned'] as const),
    ...(['planSlices', 'digestSlice', 'writeProof'] as const),
  ])('%s: no proof is written, and the scratch cluster is as it was', (step) =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, step);
      const failure = await failureOf(await rehearse(run));
      expect(failure).toMatchObject({ type: 'QdrantRejected', message: expect.stringContaining(step) });
      expect(run.fakes.store.only().proofs).toMatchObject([{ kind: 'quiesced' }]);
      expect(run.fakes.clusters[run.b]).toEqual({});
    }),
  );

  it('replayRecall: the proof is written without it, and the report says why', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'replayRecall');
      const report: JobReport = await (await rehearse(run)).result();
      expect(report).toMatchObject({ outcome: 'verified' });
      expect(report.collections[0]?.warnings?.join()).toContain('QdrantRejected: replayRecall was refused');
      expect(written(run)).toMatchObject([{ kind: 'rehearsed' }]);
      expect(run.fakes.clusters[run.b]).toEqual({});
    }));
});

it('says which collection stays when it cannot be removed', () =>
  lab.withClusters(async (run) => {
    run.fakes.before = (name) => {
      // Somebody put another collection in its place.
      const there = run.fakes.clusters[run.b] ?? {};
      if (name !== 'undoRecovery') return;
      for (const collection of Object.keys(there))
        run.fakes.store.replace({ cluster: run.b, collection }, undefined, 'another');
    };
    const report: JobReport = await (await rehearse(run)).result();
    expect(report).toMatchObject({ outcome: 'verified' });
    expect(report.collections[0]?.warnings?.join()).toMatch(/docs\S* on \S+ was not removed/);
  }));

it.each(['recoverShard', 'digestSlice', 'replayRecall'] as const)(
  'ends as Aborted in %s without a proof, and removes what it made',
  (step) =>
    lab.withClusters(async (run) => {
      const held = holds(run.fakes, step);
      if (step === 'digestSlice') run.record('rehearsal-aborted');
      const job = await rehearse(run, { shards: 1 });
      await held.reached();
      await job.executeUpdate('abort');
      // Released before the collection has heard of it, the step could be the last one.
      await until(async () => run.hasSignal(await run.onlyChildOf(job)));
      held.release();
      expect(await failureOf(job)).toMatchObject({ type: 'Aborted' });
      expect(run.fakes.store.only().proofs).toMatchObject([{ kind: 'quiesced' }]);
      expect(run.fakes.clusters[run.b]).toEqual({});
    }),
);

it('continues as new in the middle, and makes only one collection', () =>
  lab.withClusters(async (run) => {
    run.record('rehearsal-continued');
    run.fakes.store.shards = 12;
    const job = await rehearse(run, { shards: 2, continueAsNewAfterEvents: 60 });
    expect(await job.result()).toMatchObject({ outcome: 'verified' });
    expect(run.fakes.called('prepareRecovery')).toHaveLength(1);
    expect(run.fakes.called('recoverShard')).toHaveLength(12);
    await until(() => Object.keys(run.fakes.clusters[run.b] ?? {}).length === 0);
  }));
