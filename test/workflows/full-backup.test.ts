import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaptureShardInput } from '../../src/model/contracts/backup-activities.js';
import type { BackupReport, JobReport } from '../../src/model/contracts/results.js';
import { fail } from '../support/fake-clusters.js';
import { failsForGood, failsOnce, holds, parksOnEach, pausesAtEach, workerDies } from '../support/faults.js';
import { WorkflowLab, failureOf, statusOf, until, type Run } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

const captures = (run: Run) => run.fakes.called('captureShard') as CaptureShardInput[];
const capturedShards = (run: Run) =>
  captures(run)
    .map(({ shard }) => shard.id)
    .sort((a, b) => a - b);

/** A backup of `docs` with 300 points. */
async function backUp(run: Run, input: Record<string, unknown> = {}) {
  run.fakes.fill(run.a, 'docs', 300);
  return run.backUp(input);
}

it('captures every shard once and calls a backup complete only after its objects were checked', () =>
  lab.withClusters(async (run) => {
    run.record('backup');
    const report: JobReport = await (await backUp(run)).result();
    expect(report).toMatchObject({ outcome: 'verified', verified: 1, bytes: 3_000 });
    expect(capturedShards(run)).toEqual([0, 1, 2]);
    const stored = run.fakes.store.only();
    expect([...stored.shards.values()].reduce((sum, points) => sum + points.size, 0)).toBe(300);
    expect(stored).toMatchObject({
      isComplete: true,
      proofs: [{ kind: 'quiesced', digest: { count: 300 } }],
    });
    run.expectOrder(
      ...(['openBackup', 'compareReplicas', 'planCapture', 'readOperations', 'digestSlice'] as const),
      ...(['captureShard', 'writeRecall', 'writeIdSet', 'writeManifest', 'checkObjects'] as const),
      ...(['writeComplete', 'writeProof', 'writeBackup'] as const),
    );
    const child: BackupReport = await run.capture().result();
    expect(child).toMatchObject({ proven: 'quiesced', shards: 3, points: 300, leftOnNode: [], warnings: [] });
    expect(run.fakes.store.written).toMatchObject([{ failed: [] }]);
  }));

/** Each of them parks or fails the collection. */
const STEPS = [
  ...(['compareReplicas', 'planCapture', 'awaitOptimizers', 'readOperations', 'captureShard'] as const),
  ...(['writeIdSet', 'writeManifest', 'checkObjects', 'writeComplete'] as const),
];

describe.concurrent('a step that fails for good', () => {
  it.each(STEPS)(
    '%s: the job fails, backup.json names the collection, and nothing counts as complete',
    (step) =>
      lab.withClusters(async (run) => {
        failsForGood(run.fakes, step);
        const failure = await failureOf(await backUp(run));
        expect(failure).toMatchObject({ type: 'QdrantRejected', message: expect.stringContaining(step) });
        const { store } = run.fakes;
        expect(store.written).toMatchObject([{ failed: [{ collection: 'docs' }] }]);
        expect(store.written[0]?.failed[0]?.error).toContain('QdrantRejected');
        if (captures(run).length > 0 && step !== 'captureShard') expect(store.only().isComplete).toBe(false);
        expect(run.fakes.called('writeProof')).toEqual([]);
      }),
  );

  it('parks the collection with `park`, and `retry` continues without repeating what is done', () =>
    lab.withClusters(async (run) => {
      run.record('backup-parked');
      const job = await backUp(run, { onFailure: 'park', shards: 1 });
      const steps = [...STEPS, 'digestSlice', 'writeProof'] as const;
      expect(await parksOnEach(run.fakes, run.capture(), steps)).toHaveLength(steps.length);
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(run.fakes.store.only()).toMatchObject({ isComplete: true, proofs: [{ kind: 'quiesced' }] });
      expect(capturedShards(run)).toEqual([0, 0, 1, 2]);
      expect(run.fakes.called('planCapture')).toHaveLength(2);
    }));

  it('digestSlice: the backup is complete without a proof, and says why', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'digestSlice');
      const report: JobReport = await (await backUp(run)).result();
      expect(report).toMatchObject({ outcome: 'verified' });
      const child: BackupReport = await run.capture().result();
      expect(child).toMatchObject({ outcome: 'verified', proven: 'none' });
      expect(child.warnings.join()).toMatch(
        /could not be digested \(QdrantRejected: digestSlice was refused\)/,
      );
      expect(run.fakes.store.only()).toMatchObject({ isComplete: true, proofs: [] });
    }));

  it('writeRecall: the backup has no searches, and says why', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'writeRecall');
      expect(await (await backUp(run)).result()).toMatchObject({ outcome: 'verified' });
      const child: BackupReport = await run.capture().result();
      expect(child).toMatchObject({ proven: 'quiesced' });
      expect(child.warnings.join()).toContain('QdrantRejected: writeRecall was refused');
    }));

  it('writeProof: the job fails, and the backup stays complete', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'writeProof', 'StoreAccessDenied');
      expect(await failureOf(await backUp(run))).toMatchObject({ type: 'StoreAccessDenied' });
      expect(run.fakes.store.only()).toMatchObject({ isComplete: true, proofs: [] });
    }));

  it('probeStore: the job fails before a collection is started', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'probeStore', 'StoreAccessDenied');
      expect(await failureOf(await backUp(run))).toMatchObject({ type: 'StoreAccessDenied' });
      expect(run.names()).toEqual(['resolveBackup', 'probeStore']);
    }));

  it('of one collection leaves the other complete', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'more', 30);
      run.fakes.before = (name, { collection }: { collection: string }) => {
        if (name === 'writeIdSet' && collection === 'docs') throw fail('QdrantRejected', 'No');
      };
      const failure = await failureOf(await backUp(run));
      expect(failure).toMatchObject({ type: 'CollectionsFailed', details: [{ verified: 1, failed: 1 }] });
      expect(run.fakes.store.only('more').isComplete).toBe(true);
      expect(run.fakes.store.only('docs').isComplete).toBe(false);
    }));
});

describe.concurrent('an attempt', () => {
  it('that fails once is repeated by itself', () =>
    lab.withClusters(async (run) => {
      failsOnce(run.fakes, 'captureShard');
      failsOnce(run.fakes, 'writeIdSet');
      expect(await (await backUp(run)).result()).toMatchObject({ outcome: 'verified' });
      expect(run.fakes.store.only()).toMatchObject({ isComplete: true, proofs: [{ kind: 'quiesced' }] });
    }));

  it('whose worker dies is repeated on another one', () =>
    lab.withClusters(async (run) => {
      for (const step of ['digestSlice', 'captureShard', 'writeIdSet', 'checkObjects'] as const)
        workerDies(run.fakes, step);
      const job = await backUp(run, { heartbeatSeconds: 2 });
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect([...run.fakes.store.only().shards.keys()].sort()).toEqual([0, 1, 2]);
      expect(run.fakes.store.only()).toMatchObject({ isComplete: true, proofs: [{ kind: 'quiesced' }] });
    }));
});

describe.concurrent('steering', () => {
  it('lets the running shard finish when it is paused, and captures the others after `resume`', () =>
    lab.withClusters(async (run) => {
      const held = holds(run.fakes, 'captureShard');
      const job = await backUp(run, { shards: 1 });
      await held.reached();
      await job.executeUpdate('pause');
      await until(() => run.hasSignal(run.capture()));
      held.release();
      await until(async () => (await statusOf(run.capture())).phase === 'paused');
      expect(await statusOf(run.capture())).toMatchObject({ shards: { done: 1, of: 3 } });
      await job.executeUpdate('resume');
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(capturedShards(run)).toEqual([0, 1, 2]);
    }));

  it('holds between two steps whenever it is paused, and loses nothing', () =>
    lab.withClusters(async (run) => {
      const job = await backUp(run);
      await pausesAtEach(run.fakes, run.capture(), [
        'awaitOptimizers',
        'digestSlice',
        'writeRecall',
        'checkObjects',
      ]);
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(run.fakes.store.only()).toMatchObject({ isComplete: true, proofs: [{ kind: 'quiesced' }] });
      expect(capturedShards(run)).toEqual([0, 1, 2]);
    }));

  it('gives the next shards the new pace', () =>
    lab.withClusters(async (run) => {
      const held = holds(run.fakes, 'captureShard');
      const job = await backUp(run, { shards: 1 });
      await held.reached();
      await job.executeUpdate('throttle', { args: [{ maxMegabytesPerSecond: 7 }] });
      await until(() => run.hasSignal(run.capture()));
      held.release();
      await job.result();
      expect(
        captures(run)
          .map(({ maxMegabytesPerSecond }) => maxMegabytesPerSecond)
          .slice(-2),
      ).toEqual([7, 7]);
    }));

  it.each(['planCapture', 'digestSlice', 'captureShard', 'writeIdSet', 'checkObjects'] as const)(
    'ends as Aborted in %s, with backup.json marked as interrupted and nothing complete',
    (step) =>
      lab.withClusters(async (run) => {
        const held = holds(run.fakes, step);
        if (step === 'captureShard') run.record('backup-aborted');
        const job = await backUp(run, { shards: 1 });
        await held.reached();
        await job.executeUpdate('abort', { args: [{ reason: 'wrong store' }] });
        await until(() => run.hasSignal(run.capture()));
        held.release();
        const failure = await failureOf(job);
        expect(failure).toMatchObject({ type: 'Aborted', message: expect.stringContaining('wrong store') });
        expect(run.fakes.store.written).toMatchObject([{ interrupted: true }]);
        expect(run.fakes.called('writeComplete')).toEqual([]);
      }),
  );

  it('ends as Aborted at once while it waits for a worker that never comes', () =>
    lab.withClusters(async (run) => {
      run.fakes.dataQueue = `${run.a}-nobody`;
      const job = await backUp(run);
      await until(async () => {
        const { pendingActivities } = (await job.describe()).raw;
        return pendingActivities?.some(({ activityType }) => activityType?.name === 'probeStore') ?? false;
      });
      await job.executeUpdate('abort', { args: [{ reason: 'wrong store' }] });
      const failure = await failureOf(job);
      expect(failure).toMatchObject({
        type: 'Aborted',
        message: 'Stopped before any collection was begun: wrong store',
      });
      expect(run.fakes.called('openBackup')).toEqual([]);
      expect(run.fakes.store.written).toEqual([]);
    }));

  it('writes backup.json, marked as interrupted, when it is cancelled', () =>
    lab.withClusters(async (run) => {
      const held = holds(run.fakes, 'captureShard');
      const job = await backUp(run);
      await held.reached();
      await job.cancel();
      await job.result().catch(() => undefined);
      expect((await job.describe()).status.name).toBe('CANCELLED');
      expect(run.fakes.store.written).toMatchObject([{ interrupted: true }]);
    }));
});

it('continues as new between shards, and captures none twice', () =>
  lab.withClusters(async (run) => {
    run.record('backup-continued');
    run.fakes.store.shards = 12;
    const job = await backUp(run, { shards: 2, continueAsNewAfterEvents: 60 });
    expect(await job.result()).toMatchObject({ outcome: 'verified' });
    expect(capturedShards(run)).toEqual(Array.from({ length: 12 }, (_, id) => id));
    expect(run.fakes.called('planCapture')).toHaveLength(1);
    expect(run.fakes.store.only()).toMatchObject({ isComplete: true, proofs: [{ kind: 'quiesced' }] });
  }));

describe.concurrent('a source that changes meanwhile', () => {
  it('is captured anew when it was deleted and created again, once', () =>
    lab.withClusters(async (run) => {
      let captured = 0;
      run.fakes.before = (name) => {
        if (name === 'captureShard' && (captured += 1) === 2) throw fail('CollectionChanged', 'Another one');
      };
      expect(await (await backUp(run, { shards: 1 })).result()).toMatchObject({ outcome: 'verified' });
      expect(capturedShards(run)).toEqual([0, 0, 1, 1, 2]);
      const child: BackupReport = await run.capture().result();
      expect(child.warnings.join()).toContain('"docs" was deleted and created again');
      expect(run.fakes.store.only()).toMatchObject({ isComplete: true, proofs: [{ kind: 'quiesced' }] });
    }));

  it('fails as CollectionChanged when that happens a second time', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'writeIdSet', 'CollectionChanged');
      const failure = await failureOf(await backUp(run, { onFailure: 'park' }));
      expect(failure).toMatchObject({ type: 'CollectionChanged' });
      expect(run.fakes.called('writeComplete')).toEqual([]);
    }));

  it('is complete without a proof when it was written, and the report says why', () =>
    lab.withClusters(async (run) => {
      run.fakes.before = (name) => {
        if (name === 'writeIdSet') run.source().set('901', 'written meanwhile');
      };
      expect(await (await backUp(run)).result()).toMatchObject({ outcome: 'verified' });
      const child: BackupReport = await run.capture().result();
      expect(child.proven).toBe('none');
      expect(child.warnings.join()).toContain('the source was not the same before and after');
      expect(run.fakes.store.only()).toMatchObject({ isComplete: true, proofs: [] });
    }));
});

it('fails as ObjectDamaged, and calls nothing complete, when an object is not what was written', () =>
  lab.withClusters(async (run) => {
    run.fakes.store.damage = ['docs.shard-1: 12 of 1,000 bytes'];
    const failure = await failureOf(await backUp(run));
    expect(failure).toMatchObject({
      type: 'ObjectDamaged',
      message: expect.stringContaining('12 of 1,000 bytes'),
    });
    expect(run.fakes.store.only().isComplete).toBe(false);
  }));

it('refuses a second capture of the same collection, and names the job that holds the lock', () =>
  lab.withClusters(async (run) => {
    const held = holds(run.fakes, 'captureShard');
    const first = await backUp(run);
    await held.reached();
    const refused = await failureOf(await run.backUp());
    expect(refused).toMatchObject({
      type: 'CollectionBusy',
      message: expect.stringContaining(run.fakes.holder.text),
    });
    held.release();
    expect(await first.result()).toMatchObject({ outcome: 'verified' });
  }));
