import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobReport, MigrationReport } from '../../src/model/contracts/results.js';
import { fail } from '../support/fake-clusters.js';
import { WorkflowLab, failureOf, until, type Run } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

const move = (run: Run, input: Record<string, unknown> = {}) => run.start('snapshotMigration', input);
const names = (run: Run) => run.fakes.calls.map((call) => call.name);
type Moving = { placed: { shard: { id: number } } };

it('moves every shard once, proves the collection as every migration does, and sets aliases last', () =>
  lab.withClusters(async (run) => {
    run.record('moved');
    run.fakes.fill(run.a, 'docs', 1_000);
    const job = await move(run);
    const report: JobReport = await job.result();
    expect(report).toMatchObject({ outcome: 'verified', verified: 1, points: 1_000, bytes: 3_000 });
    expect(report.collections[0]?.moved).toEqual({ shards: 3, capture: 'stream', via: 'push' });
    expect(run.target()).toEqual(run.source());
    const moved = run.fakes.called('moveShard') as Moving[];
    expect(moved.map(({ placed }) => placed.shard.id).sort()).toEqual([0, 1, 2]);
    const order = [
      'planMove',
      'prepareMove',
      'moveShard',
      'markMoved',
      'digestSlice',
      'releaseTarget',
      'assignAliases',
    ];
    const called = names(run);
    expect(order.map((name) => called.indexOf(name as never))).toEqual(
      order.map((name) => called.indexOf(name as never)).sort((a, b) => a - b),
    );
    expect(called).not.toContain('copySlice');
    const child: MigrationReport = await run.child().result();
    expect(child).toMatchObject({ aliases: ['current'], proof: { equal: true, sourceCount: 1_000 } });
  }));

it('repairs what was written on the source while the shards moved', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 300);
    run.fakes.before = (name) => {
      if (name === 'markMoved') run.source().set('7', 'changed').delete('8');
    };
    const job = await move(run);
    expect(await job.result()).toMatchObject({ outcome: 'verified' });
    const child: MigrationReport = await run.child().result();
    expect(child.repaired).toEqual({ upserted: 1, deleted: 1 });
    expect(run.target()).toEqual(run.source());
  }));

it('continues point by point under the same id, and reports why, when snapshots cannot do it with `auto`', () =>
  lab.withClusters(async (run) => {
    run.record('moved-by-scroll');
    run.fakes.fill(run.a, 'docs', 100);
    run.fakes.moves.plan = { unfit: 'the source is newer' };
    const job = await move(run, { method: 'auto', overrides: { shard_number: 2 } });
    const report: JobReport = await job.result();
    expect(report.collections[0]).toMatchObject({
      outcome: 'verified',
      because: 'It was copied point by point: the source is newer.',
    });
    expect(names(run)).not.toContain('moveShard');
    expect(run.fakes.called('planCollection').at(-1)).toMatchObject({ overrides: { shard_number: 2 } });
    expect(run.target()).toEqual(run.source());
  }));

it.each([
  ['snapshots alone were asked for', { method: 'snapshot' }],
  ['what is there shall be swapped, which scroll migration cannot', { method: 'auto', onExisting: 'swap' }],
  ['a backup shall stay, which scroll migration cannot', { method: 'auto', through: 'offsite' }],
])('ends as SnapshotUnfit and touches nothing where %s', (_, input) =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 100);
    run.fakes.moves.plan = { unfit: 'the source is newer' };
    const failure = await failureOf(await move(run, input));
    expect(failure.type).toBe('SnapshotUnfit');
    expect(failure.message).toMatch(/the source is newer.*--method scroll/s);
    expect(names(run)).toEqual(['resolveCollections', 'compareReplicas', 'planMove']);
  }),
);

it('removes what it created when a shard fails, and reports it', () =>
  lab.withClusters(async (run) => {
    run.record('move-fails');
    run.fakes.fill(run.a, 'docs', 100);
    run.fakes.before = (name, input: Moving) => {
      if (name === 'moveShard' && input.placed.shard.id === 1) throw fail('QdrantRejected', 'No');
    };
    const failure = await failureOf(await move(run, { onFailure: 'fail' }));
    expect(failure).toMatchObject({ type: 'QdrantRejected' });
    expect(failure.message).toContain(`docs on ${run.b} was removed again`);
    expect(run.fakes.clusters[run.b]).toEqual({});
    expect(names(run)).not.toContain('releaseTarget');
  }));

it('keeps a target that has all shards when only the proof fails', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 100);
    run.fakes.before = (name) => {
      if (name === 'markMoved') run.target().delete('5');
    };
    const failure = await failureOf(await move(run, { onDifference: 'fail' }));
    expect(failure).toMatchObject({ type: 'SidesDiffer' });
    expect(names(run)).not.toContain('undoMove');
    expect(names(run)).toContain('releaseTarget');
    expect(names(run)).not.toContain('assignAliases');
    expect(run.target().size).toBe(99);
  }));

it('removes what the snapshot brought back before the proof, also with `onDifference: fail`', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 100);
    run.fakes.before = (name) => {
      if (name === 'markMoved')
        for (const id of ['901', '902']) run.target().set(id, 'deleted on the source');
    };
    const report: JobReport = await (await move(run, { onDifference: 'fail' })).result();
    expect(report).toMatchObject({
      outcome: 'verified',
      collections: [{ repaired: { upserted: 0, deleted: 2 } }],
    });
    expect(report.collections[0]?.warnings?.[0]).toContain(
      '2 points that the snapshot brought back were removed',
    );
    expect(run.target()).toEqual(run.source());
  }));

it('has only the proof to do where an earlier attempt moved everything', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 100);
    run.fakes.fill(run.b, 'docs', 100);
    run.fakes.targetState = 'ours';
    run.fakes.moves.plan = { isMoved: true };
    const job = await move(run);
    expect((await job.result()) as JobReport).toMatchObject({ outcome: 'verified' });
    expect(names(run)).not.toContain('moveShard');
  }));

it('waits for the job that captures the source, or fails and names it', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 100);
    const { client } = lab.env;
    const workflowId = `ferry/${run.a}/docs/backup`;
    const other = await client.workflow.start('holdLock', { taskQueue: run.queue, workflowId, args: [] });
    const refused = await failureOf(await move(run, { onFailure: 'fail' }));
    expect(refused).toMatchObject({ type: 'CollectionBusy' });
    expect(refused.message).toContain(run.fakes.holder.text);
    expect(names(run)).not.toContain('moveShard');
    const waiting = await move(run, { onBusy: 'wait' });
    await until(() => run.fakes.called('describeHolder').length === 2);
    await other.signal('letGo');
    expect(await waiting.result()).toMatchObject({ outcome: 'verified' });
  }));

it('lets the running shard finish when it is paused, and moves the others after `resume`', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 100);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    run.fakes.before = async (name, input: Moving) => {
      if (name === 'moveShard' && input.placed.shard.id === 0) await held;
    };
    const job = await move(run, { shards: 1 });
    await until(() => run.fakes.called('moveShard').length === 1);
    await job.executeUpdate('pause');
    // The job passes it on to its collections by a signal.
    await until(async () => (await run.status()).paused);
    release();
    await until(async () => (await run.status()).phase === 'paused');
    expect(run.fakes.called('moveShard')).toHaveLength(1);
    await job.executeUpdate('resume');
    expect(await job.result()).toMatchObject({ outcome: 'verified' });
    expect(run.fakes.called('moveShard')).toHaveLength(3);
  }));

it('lets a running shard keep its limit, and says that the new one applies from the next shard', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 100);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    run.fakes.before = async (name, input: Moving) => {
      if (name === 'moveShard' && input.placed.shard.id === 0) await held;
    };
    const job = await move(run, { shards: 1 });
    await until(() => run.fakes.called('moveShard').length === 1);
    const args: [unknown] = [{ maxMegabytesPerSecond: 20 }];
    const answer = await run.child().executeUpdate<string, [unknown]>('throttle', { args });
    expect(answer).toMatch(/at most 20 MB\/s from the next shard; shards in flight keep theirs/);
    release();
    expect(await job.result()).toMatchObject({ outcome: 'verified' });
    const limits = (run.fakes.called('moveShard') as { maxMegabytesPerSecond?: number }[]).map(
      ({ maxMegabytesPerSecond }) => maxMegabytesPerSecond,
    );
    expect(limits).toEqual([undefined, 20, 20]);
  }));

it('lets the other shards end before it waits for an operator, and shows the failure meanwhile', () =>
  lab.withClusters(async (run) => {
    run.fakes.fill(run.a, 'docs', 100);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let isFixed = false;
    run.fakes.before = async (name, input: Moving) => {
      if (name !== 'moveShard') return;
      if (input.placed.shard.id === 0) await held;
      if (input.placed.shard.id === 1 && !isFixed) throw fail('QdrantRejected', 'Disk full');
    };
    const job = await move(run, { shards: 2 });
    await until(async () => /QdrantRejected: Disk full/.test(await run.details()));
    expect((await run.status()).phase).toBe('copying');
    release();
    await until(async () => (await run.status()).phase === 'awaiting-operator');
    isFixed = true;
    await run.child().executeUpdate('retry');
    expect(await job.result()).toMatchObject({ outcome: 'verified' });
    const moved = run.fakes.called('moveShard') as Moving[];
    expect(moved.map(({ placed }) => placed.shard.id).sort()).toEqual([0, 1, 1, 2]);
  }));

it('continues as new between shards, and moves none twice', () =>
  lab.withClusters(async (run) => {
    run.record('move-continued');
    run.fakes.fill(run.a, 'docs', 200);
    run.fakes.moves.shards = 12;
    const job = await move(run, { shards: 2, continueAsNewAfterEvents: 60 });
    expect(await job.result()).toMatchObject({ outcome: 'verified' });
    const moved = run.fakes.called('moveShard') as Moving[];
    expect(moved.map(({ placed }) => placed.shard.id).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 12 }, (_, id) => id),
    );
    expect(run.fakes.called('planMove')).toHaveLength(1);
    expect(run.target()).toEqual(run.source());
  }));
