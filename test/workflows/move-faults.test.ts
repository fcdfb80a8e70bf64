import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MoveShardInput } from '../../src/model/contracts/move-activities.js';
import type { JobReport, MigrationReport } from '../../src/model/contracts/results.js';
import { fail } from '../support/fake-clusters.js';
import { failsForGood, failsOnce, holds, parksOnEach, pausesAtEach, workerDies } from '../support/faults.js';
import { WorkflowLab, failureOf, until, type Run } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

const movedShards = (run: Run) =>
  (run.fakes.called('moveShard') as MoveShardInput[])
    .map(({ placed }) => placed.shard.id)
    .sort((a, b) => a - b);
const reportOf = (run: Run): Promise<MigrationReport> => run.child().result();

/** The snapshot migration of `docs` with 300 points. */
async function move(run: Run, input: Record<string, unknown> = {}) {
  run.fakes.fill(run.a, 'docs', 300);
  return run.start('snapshotMigration', input);
}

/** Between the first write and the note that every shard is in. */
const BEFORE_MOVED = ['prepareMove', 'moveShard', 'awaitReady', 'markMoved'] as const;
const AFTER_MOVED = [
  ...(['planSlices', 'digestSlice', 'countPoints', 'releaseTarget', 'compareConfigurations'] as const),
  ...(['closeStamp', 'assignAliases'] as const),
];

describe.concurrent('a step that fails for good', () => {
  it.each(['compareReplicas', 'planMove'] as const)('%s: nothing is made and nothing removed', (step) =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, step);
      const failure = await failureOf(await move(run));
      expect(failure).toMatchObject({ type: 'QdrantRejected' });
      for (const other of ['prepareMove', 'undoMove', 'releaseTarget'] as const)
        expect(run.fakes.called(other)).toEqual([]);
    }),
  );

  it.each(BEFORE_MOVED)('%s: what was made is removed again, and the failure says so', (step) =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, step);
      const failure = await failureOf(await move(run, { onFailure: 'fail' }));
      expect(failure).toMatchObject({ type: 'QdrantRejected', message: expect.stringContaining(step) });
      expect(failure.message).toContain(`docs on ${run.b} was removed again`);
      expect(run.fakes.clusters[run.b]).toEqual({});
      expect(run.fakes.called('assignAliases')).toEqual([]);
    }),
  );

  it.each(AFTER_MOVED)('%s: the target is kept for the same job to continue', (step) =>
    lab.withClusters(async (run) => {
      const cure = failsForGood(run.fakes, step);
      const failure = await failureOf(await move(run, { onFailure: 'fail' }));
      expect(failure).toMatchObject({ type: 'QdrantRejected', message: expect.stringContaining(step) });
      expect(failure.message).toMatch(/docs on .* has 300 of 300 points.*start the same job again/s);
      expect(run.target()).toEqual(run.source());
      expect(run.fakes.called('undoMove')).toEqual([]);
      cure();
    }),
  );

  it('undoMove: the failure tells the operator what to delete', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'moveShard');
      failsForGood(run.fakes, 'undoMove', 'ClusterUnauthorized');
      const failure = await failureOf(await move(run, { onFailure: 'fail' }));
      expect(failure).toMatchObject({ type: 'QdrantRejected' });
      expect(failure.message).toMatch(/docs on .* is incomplete and could not be removed .*: delete it/);
    }));

  it('names the snapshots that stay on the nodes of the source', () =>
    lab.withClusters(async (run) => {
      run.fakes.before = (name) => {
        if (name === 'moveShard') throw fail('QdrantRejected', 'No');
      };
      run.fakes.moves.left = ['docs-0.snapshot on peer 1'];
      const failure = await failureOf(await move(run, { onFailure: 'fail' }));
      expect(failure.message).toContain('The snapshot docs-0.snapshot on peer 1');
    }));

  it('parks the collection with `park`, and `retry` continues without repeating what is done', () =>
    lab.withClusters(async (run) => {
      run.record('move-parked');
      const job = await move(run, { onFailure: 'park', shards: 1 });
      const steps = [...BEFORE_MOVED, ...AFTER_MOVED] as const;
      expect(await parksOnEach(run.fakes, run.child(), steps)).toHaveLength(steps.length);
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(movedShards(run)).toEqual([0, 0, 1, 2]);
      expect(run.target()).toEqual(run.source());
      expect(run.fakes.called('undoMove')).toEqual([]);
    }));
});

describe.concurrent('an attempt', () => {
  it('that fails once is repeated by itself', () =>
    lab.withClusters(async (run) => {
      failsOnce(run.fakes, 'moveShard');
      expect(await (await move(run)).result()).toMatchObject({ outcome: 'verified' });
    }));

  it('whose worker dies is repeated on another one', () =>
    lab.withClusters(async (run) => {
      workerDies(run.fakes, 'moveShard');
      workerDies(run.fakes, 'digestSlice');
      expect(await (await move(run, { heartbeatSeconds: 2 })).result()).toMatchObject({
        outcome: 'verified',
      });
      expect(run.target()).toEqual(run.source());
    }));
});

describe.concurrent('by pull', () => {
  const pull = (run: Run, input: Record<string, unknown> = {}) =>
    move(run, { via: 'pull', shards: 1, ...input });
  const waysAsked = (run: Run) => (run.fakes.called('moveShard') as MoveShardInput[]).map(({ via }) => via);

  /** Everything came by pull, also what was repeated; the shard that failed was asked for twice. */
  async function expectPulled(run: Run): Promise<void> {
    expect((await reportOf(run)).moved).toMatchObject({ via: 'pull' });
    expect(waysAsked(run)).toEqual(['pull', 'pull', 'pull', 'pull']);
    expect(movedShards(run)).toEqual([0, 0, 1, 2]);
    expect(run.target()).toEqual(run.source());
  }

  it('repeats a pull that failed as a pull', () =>
    lab.withClusters(async (run) => {
      failsOnce(run.fakes, 'moveShard');
      expect(await (await pull(run)).result()).toMatchObject({ outcome: 'verified' });
      await expectPulled(run);
    }));

  it('repeats it on another worker when the one that waits for the node dies', () =>
    lab.withClusters(async (run) => {
      workerDies(run.fakes, 'moveShard');
      expect(await (await pull(run, { heartbeatSeconds: 2 })).result()).toMatchObject({
        outcome: 'verified',
      });
      await expectPulled(run);
    }));

  it('parks where the node refuses, and `retry` has it fetch the shard', () =>
    lab.withClusters(async (run) => {
      run.record('move-pulled');
      const job = await pull(run, { onFailure: 'park' });
      expect(await parksOnEach(run.fakes, run.child(), ['moveShard'])).toEqual(['moveShard']);
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      await expectPulled(run);
    }));

  it.each(['QdrantRejected', 'RecoveryUnsettled'] as const)('ends as %s, and removes what it made', (code) =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'moveShard', code);
      const failure = await failureOf(await pull(run, { onFailure: 'fail' }));
      expect(failure).toMatchObject({ type: code, message: expect.stringContaining('was removed again') });
      expect(run.fakes.clusters[run.b]).toEqual({});
      expect(waysAsked(run)).toEqual(['pull']);
    }),
  );

  it('ends as Aborted while the node fetches, and removes what it made', () =>
    lab.withClusters(async (run) => {
      const held = holds(run.fakes, 'moveShard');
      const job = await pull(run);
      await held.reached();
      await job.executeUpdate('abort');
      await until(() => run.hasSignal(run.child()));
      held.release();
      const failure = await failureOf(job);
      expect(failure).toMatchObject({ type: 'Aborted' });
      expect(failure.message).toContain('was removed again');
      expect(run.fakes.clusters[run.b]).toEqual({});
    }));

  it('asks no other node once one has refused, with `auto`', () =>
    lab.withClusters(async (run) => {
      expect(await (await pull(run, { via: 'auto' })).result()).toMatchObject({ outcome: 'verified' });
      expect(waysAsked(run)).toEqual(['auto', 'push', 'push']);
    }));
});

it.each([
  ['moveShard', {}],
  ['recoverShard', { through: 'store' }],
] as const)('ends when a node may still be busy with %s, and removes what it made', (step, way) =>
  lab.withClusters(async (run) => {
    failsForGood(run.fakes, step, 'RecoveryUnsettled');
    const failure = await failureOf(await move(run, { onFailure: 'park', shards: 1, ...way }));
    expect(failure).toMatchObject({ type: 'RecoveryUnsettled' });
    expect(run.fakes.called(step)).toHaveLength(1);
    expect(run.fakes.clusters[run.b]).toEqual({});
  }),
);

it('leaves a collection alone that took the place of its own', () =>
  lab.withClusters(async (run) => {
    failsForGood(run.fakes, 'digestSlice', 'CollectionChanged');
    failsForGood(run.fakes, 'releaseTarget', 'CollectionChanged');
    const failure = await failureOf(await move(run));
    expect(failure).toMatchObject({ type: 'CollectionChanged' });
    expect(failure.message).toContain(`docs on ${run.b} was left as it is now`);
    expect(failure.message).not.toContain('points');
    expect(run.fakes.called('undoMove')).toEqual([]);
  }));

describe.concurrent('replicas that do not become active', () => {
  it('park the collection, and it continues once they are', () =>
    lab.withClusters(async (run) => {
      run.fakes.replicas = { ready: false, reason: 'shard 1 is Dead on peer 2' };
      const job = await move(run, { onFailure: 'park' });
      await until(async () => (await run.status()).attention?.includes('shard 1 is Dead') === true);
      run.fakes.replicas = { ready: true };
      await run.child().executeUpdate('retry');
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
    }));

  it('fail the job where it shall not wait, and what was made is removed', () =>
    lab.withClusters(async (run) => {
      run.fakes.replicas = { ready: false, reason: 'shard 1 is Dead on peer 2' };
      const failure = await failureOf(await move(run, { onFailure: 'fail' }));
      expect(failure).toMatchObject({ type: 'ReplicaNotActive' });
      expect(failure.message).toContain('shard 1 is Dead on peer 2');
      expect(run.fakes.clusters[run.b]).toEqual({});
    }));
});

describe.concurrent('steering', () => {
  it('holds between two steps whenever it is paused, and loses nothing', () =>
    lab.withClusters(async (run) => {
      const job = await move(run);
      await pausesAtEach(run.fakes, run.child(), ['planMove', 'digestSlice']);
      expect(await job.result()).toMatchObject({ outcome: 'verified' });
      expect(movedShards(run)).toEqual([0, 1, 2]);
      expect(run.target()).toEqual(run.source());
    }));

  it.each(['prepareMove', 'moveShard'] as const)('ends as Aborted in %s, and removes what it made', (step) =>
    lab.withClusters(async (run) => {
      const held = holds(run.fakes, step);
      if (step === 'moveShard') run.record('move-aborted');
      const job = await move(run, { shards: 1 });
      await held.reached();
      await job.executeUpdate('abort', { args: [{ reason: 'wrong cluster' }] });
      await until(() => run.hasSignal(run.child()));
      held.release();
      const failure = await failureOf(job);
      expect(failure).toMatchObject({ type: 'Aborted', message: expect.stringContaining('wrong cluster') });
      expect(failure.message).toContain('was removed again');
      expect(run.fakes.clusters[run.b]).toEqual({});
    }),
  );

  it('ends as Aborted in the proof, and keeps the target', () =>
    lab.withClusters(async (run) => {
      const held = holds(run.fakes, 'digestSlice');
      const job = await move(run);
      await held.reached();
      await job.executeUpdate('abort');
      await until(() => run.hasSignal(run.child()));
      held.release();
      expect(await failureOf(job)).toMatchObject({ type: 'Aborted' });
      expect(run.target()).toEqual(run.source());
      expect(run.fakes.called('releaseTarget')).toHaveLength(1);
      expect(run.fakes.called('assignAliases')).toEqual([]);
    }));
});

describe.concurrent('with `through`', () => {
  it('takes a backup and fills the target from it', () =>
    lab.withClusters(async (run) => {
      run.record('moved-through');
      expect(await (await move(run, { through: 'store' })).result()).toMatchObject({ outcome: 'verified' });
      const { moved } = await reportOf(run);
      expect(run.fakes.store.backups.get(moved?.backup ?? '')?.get('docs')).toMatchObject({
        isComplete: true,
      });
      expect(movedShards(run)).toEqual([]);
      run.expectOrder('planMove', 'writeBackup', 'prepareMove', 'placeBackup', 'recoverShard', 'markMoved');
      expect(run.target()).toEqual(run.source());
    }));

  it('makes nothing when the backup fails', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'captureShard');
      const failure = await failureOf(await move(run, { through: 'store', onFailure: 'fail' }));
      expect(failure).toMatchObject({ type: 'QdrantRejected' });
      expect(run.fakes.called('prepareMove')).toEqual([]);
    }));

  it('removes what it made when a shard of the backup cannot be recovered', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'recoverShard');
      const failure = await failureOf(await move(run, { through: 'store', onFailure: 'fail' }));
      expect(failure.message).toContain('was removed again');
      expect(run.fakes.clusters[run.b]).toEqual({});
    }));
});

describe.concurrent('with `replace`', () => {
  async function replace(run: Run, input: Record<string, unknown> = {}) {
    run.fakes.fill(run.b, 'docs', 50).set('1', 'the old one');
    run.fakes.targetState = 'recreate';
    run.fakes.moves.plan = { exists: true };
    return move(run, { onExisting: 'replace', onFailure: 'fail', ...input });
  }

  it('deletes the collection only after a backup of it is in the store', () =>
    lab.withClusters(async (run) => {
      const report: JobReport = await (await replace(run, { store: 'store' })).result();
      expect(report).toMatchObject({ outcome: 'verified' });
      const { moved } = await reportOf(run);
      expect(run.fakes.store.backups.get(moved?.safetyBackup ?? '')?.get('docs')).toMatchObject({
        points: 50,
      });
      run.expectOrder('planMove', 'lookAtReplacedTarget', 'writeBackup', 'prepareMove', 'moveShard');
      expect(run.target()).toEqual(run.source());
    }));

  it('deletes nothing when the safety backup fails', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'captureShard');
      expect(await failureOf(await replace(run))).toMatchObject({ type: 'QdrantRejected' });
      expect(run.target().get('1')).toBe('the old one');
      expect(run.fakes.called('undoMove')).toEqual([]);
    }));

  it('takes another one when the collection was written since, and gives up after three', () =>
    lab.withClusters(async (run) => {
      let written = 0;
      run.fakes.before = (name) => {
        if (name === 'prepareMove') run.target().set('901', `write ${(written += 1)}`);
        if (name === 'undoMove') throw fail('CollectionChanged', 'It is the old one');
      };
      expect(await failureOf(await replace(run))).toMatchObject({ type: 'SafetyBackupStale' });
      expect(run.fakes.called('openBackup')).toHaveLength(3);
      expect(run.target().get('1')).toBe('the old one');
    }));

  it('says where the old points are when a shard fails after the deletion', () =>
    lab.withClusters(async (run) => {
      failsForGood(run.fakes, 'moveShard');
      const failure = await failureOf(await replace(run));
      expect(failure.message).toContain('was removed again');
      expect(failure.message).toMatch(/What docs held before is in the backup \S+ of/);
    }));
});
