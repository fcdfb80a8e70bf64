import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecoverShardInput } from '../../src/model/contracts/recovery-activities.js';
import type { JobReport } from '../../src/model/contracts/results.js';
import type { RecoveryReport } from '../../src/model/state/recovery-progress.js';
import { fail } from '../support/fake-clusters.js';
import { failsForGood, failsOnce, holds, parksOnEach, pausesAtEach, workerDies } from '../support/faults.js';
import { WorkflowLab, failureOf, until, type Run } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

const recovered = (run: Run) => run.fakes.called('recoverShard') as RecoverShardInput[];
const recoveredShards = (run: Run) =>
  recovered(run)
    .map(({ shard }) => shard.position)
    .sort((a, b) => a - b);
const reportOf = (run: Run): Promise<RecoveryReport> => run.child().result();

/** The recovery of `docs`, of which a complete backup with 300 points is in the store. */
async function recover(run: Run, input: Record<string, unknown> = {}) {
  run.fakes.fill(run.a, 'docs', 300);
  if (run.fakes.store.backups.size === 0) run.fakes.store.fill({ cluster: run.a, collection: 'docs' });
  return run.recover(input);
}

it('brings back every shard once, proves the collection, and sets its aliases last', () =>
  lab.withClusters(async (run) => {
    run.record('recovered');
    const report: JobReport = await (await recover(run)).result();
    expect(report).toMatchObject({ outcome: 'verified', verified: 1, points: 300 });
    expect(recoveredShards(run)).toEqual([0, 1, 2]);
    expect(run.target()).toEqual(run.source());
    run.expectOrder(
      ...(['locateStore', 'resolveRecovery', 'planRecovery', 'prepareRecovery', 'recoverShard'] as const),
      ...(['removeReturned', 'digestSlice', 'finishRecovery'] as const),
    );
    expect(run.fakes.called('finishRecovery')).toMatchObject([
      { withAliases: false, verified: { count: 300 } },
      { withAliases: true },
    ]);
    expect(await reportOf(run)).toMatchObject({
      ...{ via: 'pull', shards: 3, bytes: 3_000, points: 300, aliases: ['current'], returned: 0 },
      contentProof: { kind: 'quiesced', digest: { count: 300 } },
      warnings: [],
    });
    expect(run.fakes.called('undoRecovery')).toEqual([]);
  }));

it('is unproven, and says so, when the backup has no proof', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 300);
    run.fakes.store.fill({ cluster: run.a, collection: 'docs' }, false);
    const report: JobReport = await (await run.recover()).result();
    expect(report).toMatchObject({ outcome: 'unproven' });
    expect((await reportOf(run)).warnings.join()).toContain('the backup has no proof');
    expect(run.fakes.called('digestSlice')).toEqual([]);
  }));

/** Those between the first write and the proof. */
const BEFORE_PROOF = [
  ...(['prepareRecovery', 'recoverShard', 'awaitReady', 'countPoints', 'removeReturned'] as const),
  ...(['planVerification', 'planSlices', 'digestSlice'] as const),
];

describe.concurrent('a step that fails for good', () => {
  it('planRecovery: nothing is made and nothing removed', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'planRecovery');
      expect(await failureOf(await recover(run))).toMatchObject({ type: 'QdrantRejected' });
      expect(run.names()).toEqual(['locateStore', 'resolveRecovery', 'planRecovery']);
    }));

  it.each(BEFORE_PROOF)('%s: what was made is removed again, and the failure says so', (step) =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, step);
      const failure = await failureOf(await recover(run));
      expect(failure).toMatchObject({ type: 'QdrantRejected', message: expect.stringContaining(step) });
      expect(failure.message).toContain(`docs on ${run.b} was removed again`);
      expect(run.fakes.clusters[run.b]).toEqual({});
      expect(run.fakes.called('finishRecovery')).toEqual([]);
    }),
  );

  it('finishRecovery: what was recovered is kept, and the failure says what it lacks', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'finishRecovery');
      const failure = await failureOf(await recover(run));
      expect(failure).toMatchObject({ type: 'QdrantRejected' });
      expect(failure.message).toMatch(/was kept.*no aliases yet: the same job recovers it again/);
      expect(run.target()).toEqual(run.source());
      expect(run.fakes.called('undoRecovery')).toEqual([]);
    }));

  it('undoRecovery: the failure tells the operator what to delete', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'recoverShard');
      failsForGood(run.fakes, 'undoRecovery', 'ClusterUnauthorized');
      const failure = await failureOf(await recover(run));
      expect(failure).toMatchObject({ type: 'QdrantRejected' });
      expect(failure.message).toMatch(/docs on .* is incomplete and could not be removed .*: delete it/);
    }));

  it('parks the collection with `park`, and `retry` continues without repeating what is done', () =>
    lab.withClusters(async (run) => {
      run.record('recovery-parked');
      const job = await recover(run, { onFailure: 'park', shards: 1 });
      const steps = ['planRecovery', ...BEFORE_PROOF, 'finishRecovery'] as const;
      expect(await parksOnEach(run.fakes, run.child(), steps)).toHaveLength(steps.length);
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(recoveredShards(run)).toEqual([0, 0, 1, 2]);
      expect(run.target()).toEqual(run.source());
      expect(run.fakes.called('undoRecovery')).toEqual([]);
    }));
});

describe.concurrent('an attempt', () => {
  it('that fails once is repeated by itself', () =>
    lab.withClusters(async (run) => {
      failsOnce(run.fakes, 'recoverShard');
      expect(await (await recover(run)).result()).toMatchObject({ outcome: 'verified' });
    }));

  it('whose worker dies is repeated on another one', () =>
    lab.withClusters(async (run) => {
      for (const step of ['prepareRecovery', 'recoverShard', 'digestSlice', 'finishRecovery'] as const)
        workerDies(run.fakes, step);
      const job = await recover(run, { heartbeatSeconds: 2 });
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(run.target()).toEqual(run.source());
    }));
});

describe.concurrent('a recover call whose end nobody saw', () => {
  it('has the collection made again, and every shard recovered into the new one', () =>
    lab.withClusters(async (run) => {
      run.record('recovered-anew');
      let calls = 0;
      run.fakes.before = (name) => {
        if (name === 'recoverShard' && (calls += 1) === 2) throw fail('RecoveryUnsettled', 'No answer came');
      };
      expect(await (await recover(run, { shards: 1 })).result()).toMatchObject({ outcome: 'verified' });
      expect(recoveredShards(run)).toEqual([0, 0, 1, 1, 2]);
      const made = run.fakes.called('prepareRecovery') as { creation: string }[];
      expect(new Set(made.map(({ creation }) => creation)).size).toBe(2);
      expect((await reportOf(run)).warnings.join()).toContain(
        'docs was created again, because no answer came',
      );
      expect(run.target()).toEqual(run.source());
    }));

  it('ends the job as RecoveryUnsettled when it happens again each time, and what was made is removed', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'recoverShard', 'RecoveryUnsettled');
      const failure = await failureOf(await recover(run));
      expect(failure).toMatchObject({ type: 'RecoveryUnsettled' });
      expect(run.fakes.called('prepareRecovery')).toHaveLength(3);
      expect(run.fakes.clusters[run.b]).toEqual({});
    }));
});

describe.concurrent('what differs from the backup', () => {
  const changeAfter = (run: Run, change: () => void) => {
    let changed = false;
    run.fakes.before = (name) => {
      if (name !== 'planVerification' || changed) return;
      changed = true;
      change();
    };
  };

  it('by its digest is kept without aliases, and the failure says how to continue', () =>
    lab.withClusters(async (run) => {
      changeAfter(run, () => run.target().set('7', 'another value'));
      const failure = await failureOf(await recover(run, { onFailure: 'park' }));
      expect(failure).toMatchObject({ type: 'RecoveryDiffers' });
      expect(failure.message).toMatch(/the digest .* was kept as it was recovered, without aliases/);
      expect(run.fakes.store.kept).toEqual([{ cluster: run.b, collection: 'docs' }]);
      expect(run.target().size).toBe(300);
      expect(run.fakes.called('finishRecovery')).toEqual([]);
    }));

  it('is kept also when it cannot be marked, and the failure warns of the next recovery', () =>
    lab.withClusters(async (run) => {
      changeAfter(run, () => run.target().set('7', 'another value'));
      failsForGood(run.fakes, 'keepRecovered', 'ClusterUnauthorized');
      const failure = await failureOf(await recover(run));
      expect(failure).toMatchObject({ type: 'RecoveryDiffers' });
      expect(failure.message).toMatch(/was kept as it was recovered.*could not be marked as kept/);
      expect(run.target().size).toBe(300);
    }));

  it('is removed where the input says so', () =>
    lab.withClusters(async (run) => {
      changeAfter(run, () => run.target().set('7', 'another value'));
      const failure = await failureOf(await recover(run, { onDifference: 'remove' }));
      expect(failure).toMatchObject({ type: 'RecoveryDiffers' });
      expect(failure.message).toContain('was removed again');
      expect(run.fakes.clusters[run.b]).toEqual({});
    }));

  it('by its count names the points that are missing', () =>
    lab.withClusters(async (run) => {
      run.fakes.before = (name) => {
        if (name === 'removeReturned') run.target().delete('12');
      };
      const failure = await failureOf(await recover(run));
      expect(failure).toMatchObject({ type: 'RecoveryDiffers' });
      expect(failure.message).toContain('299 points');
      expect(failure.message).toContain('missing are the points 12');
    }));

  it('is taken unproven with `ignoreProof`, and the missing points are a warning', () =>
    lab.withClusters(async (run) => {
      run.fakes.before = (name) => {
        if (name === 'removeReturned') run.target().delete('12');
      };
      const job = await recover(run, { ignoreProof: true });
      expect(await job.result()).toMatchObject({ outcome: 'unproven' });
      const { warnings } = await reportOf(run);
      expect(warnings.join()).toContain('1 point is not in the backup');
    }));

  it('is never taken when nothing came back, proof or not', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 300);
      delete run.fakes.store.fill({ cluster: run.a, collection: 'docs' }, false).ids;
      run.fakes.before = (name) => {
        if (name === 'awaitReady') run.target().clear();
      };
      const failure = await failureOf(await run.recover({ onDifference: 'remove' }));
      expect(failure).toMatchObject({ type: 'RecoveryDiffers' });
      expect(failure.message).toContain('no point, and the backup counted 300');
    }));

  it('by its settings is kept with a closed stamp and no alias', () =>
    lab.withClusters(async (run) => {
      run.fakes.store.differences = ['hnsw_config.m is 16 instead of 32'];
      const failure = await failureOf(await recover(run));
      expect(failure).toMatchObject({ type: 'SettingsDiffer' });
      expect(failure.message).toContain('hnsw_config.m is 16 instead of 32');
      expect(failure.details?.[0]).toMatchObject({ collections: [{ outcome: 'different' }] });
      expect(run.fakes.called('finishRecovery')).toMatchObject([{ withAliases: false }]);
      expect(run.target().size).toBe(300);
    }));
});

it('removes points that the snapshots brought back, and says how many', () =>
  lab.withClusters(async (run) => {
    run.fakes.before = (name, { replicasOnly }: { replicasOnly?: boolean }) => {
      if (name === 'awaitReady' && replicasOnly)
        run.target().set('901', 'deleted before').set('902', 'deleted before');
    };
    expect(await (await recover(run)).result()).toMatchObject({ outcome: 'verified' });
    const report = await reportOf(run);
    expect(report).toMatchObject({ returned: 2, points: 300 });
    expect(report.warnings.join()).toContain('2 points that the snapshots brought back were removed');
    expect(run.target()).toEqual(run.source());
  }));

describe.concurrent('replicas that do not become active', () => {
  it('fail the job, and what was made is removed', () =>
    lab.withClusters(async (run) => {
      run.fakes.replicas = { ready: false, reason: 'shard 1 is Dead on peer 2' };
      const failure = await failureOf(await recover(run));
      expect(failure).toMatchObject({ type: 'ReplicaNotActive' });
      expect(failure.message).toContain('shard 1 is Dead on peer 2');
      expect(run.fakes.clusters[run.b]).toEqual({});
    }));
});

describe.concurrent('steering', () => {
  it('lets the running shard finish when it is paused, and recovers the others after `resume`', () =>
    lab.withClusters(async (run) => {
      const held = holds(run.fakes, 'recoverShard');
      const job = await recover(run, { shards: 1 });
      await held.reached();
      await job.executeUpdate('pause');
      await until(async () => (await run.status()).paused);
      held.release();
      await until(async () => (await run.status()).phase === 'paused');
      expect(recoveredShards(run)).toEqual([0]);
      await job.executeUpdate('resume');
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(recoveredShards(run)).toEqual([0, 1, 2]);
    }));

  it('holds between two steps whenever it is paused, and loses nothing', () =>
    lab.withClusters(async (run) => {
      const job = await recover(run);
      await pausesAtEach(run.fakes, run.child(), ['planRecovery', 'prepareRecovery', 'removeReturned']);
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(run.target()).toEqual(run.source());
      expect(recoveredShards(run)).toEqual([0, 1, 2]);
    }));

  it('gives the next shards the new pace', () =>
    lab.withClusters(async (run) => {
      const held = holds(run.fakes, 'recoverShard');
      const job = await recover(run, { shards: 1 });
      await held.reached();
      await job.executeUpdate('throttle', { args: [{ maxMegabytesPerSecond: 7 }] });
      await until(() => run.hasSignal(run.child()));
      held.release();
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(
        recovered(run)
          .map(({ maxMegabytesPerSecond }) => maxMegabytesPerSecond)
          .slice(-2),
      ).toEqual([7, 7]);
    }));

  it.each(['prepareRecovery', 'recoverShard', 'digestSlice'] as const)(
    'ends as Aborted in %s, and what was made is removed',
    (step) =>
      lab.withClusters(async (run) => {
        const held = holds(run.fakes, step);
        if (step === 'digestSlice') run.record('recovery-aborted');
        const job = await recover(run, { shards: 1 });
        await held.reached();
        await job.executeUpdate('abort', { args: [{ reason: 'wrong backup' }] });
        await until(() => run.hasSignal(run.child()));
        held.release();
        const failure = await failureOf(job);
        expect(failure).toMatchObject({ type: 'Aborted', message: expect.stringContaining('wrong backup') });
        expect(failure.message).toContain('was removed again');
        expect(run.fakes.clusters[run.b]).toEqual({});
      }),
  );

  it('keeps what is proved when it is aborted while the indexes are built', () =>
    lab.withClusters(async (run) => {
      run.fakes.ready = { ready: false, reason: 'still indexing' };
      const job = await recover(run);
      await until(() => (run.fakes.called('finishRecovery') as { withAliases: boolean }[]).length === 2);
      await job.executeUpdate('abort');
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect((await reportOf(run)).warnings.join()).toContain('the wait for its indexes was ended');
      expect(run.target()).toEqual(run.source());
    }));

  it('removes what was made when it is cancelled', () =>
    lab.withClusters(async (run) => {
      const held = holds(run.fakes, 'recoverShard');
      const job = await recover(run);
      await held.reached();
      await job.cancel();
      await job.result().catch(() => undefined);
      expect((await job.describe()).status.name).toBe('CANCELLED');
      expect(run.fakes.clusters[run.b]).toEqual({});
    }));
});

it('continues as new between shards, and recovers none twice', () =>
  lab.withClusters(async (run) => {
    run.record('recovery-continued');
    run.fakes.store.shards = 12;
    const job = await recover(run, { shards: 2, continueAsNewAfterEvents: 60 });
    expect(await job.result()).toMatchObject({ outcome: 'verified' });
    expect(recoveredShards(run)).toEqual(Array.from({ length: 12 }, (_, id) => id));
    expect(run.fakes.called('planRecovery')).toHaveLength(1);
    expect(run.fakes.called('prepareRecovery')).toHaveLength(1);
    expect(run.target()).toEqual(run.source());
  }));

describe.concurrent('with `replace`', () => {
  /** `docs` on the target holds 50 points that are not in the backup. */
  async function replace(run: Run, input: Record<string, unknown> = {}) {
    run.fakes.fill(run.b, 'docs', 50).set('1', 'the old one');
    return recover(run, { onExisting: 'replace', ...input });
  }
  const backups = (run: Run) => run.fakes.called('openBackup') as { cluster: string }[];

  it('deletes the collection only after a backup of it is in the store', () =>
    lab.withClusters(async (run) => {
      run.record('replaced');
      const job = await replace(run);
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(backups(run)).toMatchObject([{ cluster: run.b }]);
      run.expectOrder('planRecovery', 'lookAtReplaced', 'writeBackup', 'prepareRecovery', 'recoverShard');
      const { safetyBackup } = await reportOf(run);
      const safe = run.fakes.store.backups.get(safetyBackup ?? '')?.get('docs');
      expect(safe).toMatchObject({ isComplete: true, points: 50 });
      expect(run.target()).toEqual(run.source());
    }));

  it('takes none with `safetyBackup: false`', () =>
    lab.withClusters(async (run) => {
      expect(await (await replace(run, { safetyBackup: false })).result()).toMatchObject({ verified: 1 });
      expect(backups(run)).toEqual([]);
    }));

  it('deletes nothing when the safety backup fails', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'captureShard');
      const failure = await failureOf(await replace(run));
      expect(failure).toMatchObject({ type: 'QdrantRejected' });
      expect(run.target().get('1')).toBe('the old one');
      expect(run.fakes.called('prepareRecovery')).toEqual([]);
      expect(run.fakes.called('undoRecovery')).toEqual([]);
    }));

  it('takes another one when the collection was written since, and gives up after three', () =>
    lab.withClusters(async (run) => {
      let written = 0;
      run.fakes.before = (name) => {
        if (name === 'prepareRecovery') run.target().set('901', `write ${(written += 1)}`);
      };
      const failure = await failureOf(await replace(run));
      expect(failure).toMatchObject({ type: 'SafetyBackupStale' });
      expect(backups(run)).toHaveLength(3);
      expect(run.target().get('1')).toBe('the old one');
    }));

  it('fails as CollectionChanged when another collection took its place since the plan', () =>
    lab.withClusters(async (run) => {
      run.fakes.store.plan = { creation: 'planned' };
      const failure = await failureOf(await replace(run));
      expect(failure).toMatchObject({ type: 'CollectionChanged' });
      expect(backups(run)).toEqual([]);
      expect(run.target().get('1')).toBe('the old one');
    }));

  it('says where the old points are when the recovery fails after the deletion', () =>
    lab.withClusters(async (run) => {
      run.fakes.before = (name) => {
        if (name === 'recoverShard') throw fail('QdrantRejected', 'No');
      };
      run.fakes.store.plan = { aliases: ['live'] };
      const failure = await failureOf(await replace(run));
      expect(failure.message).toContain('was removed again');
      expect(failure.message).toMatch(/What docs held before is in the backup \S+ of \S+ in store/);
      expect(failure.message).toContain('Its aliases were live');
    }));
});
