import { WorkflowFailedError } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobReport, MigrationReport } from '../../src/model/contracts/results.js';
import { fail } from '../support/fake-clusters.js';
import { WorkflowLab, failureOf, until } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(() => lab.close());

describe('scrollMigration', () => {
  it('copies a collection, proves it, and restores indexing', () =>
    lab.withClusters(async (run) => {
      run.record('verified');
      run.fakes.fill(run.a, 'docs', 1_000);
      const job = await run.migrate({ copyAliases: true });
      const report: JobReport = await job.result();
      expect(report).toMatchObject({ outcome: 'verified', verified: 1, failed: 0, points: 1_000 });
      expect(run.target()).toEqual(run.source());
      const child: MigrationReport = await run.child().result();
      expect(child).toMatchObject({ outcome: 'verified', points: 1_000, aliases: ['current'], warnings: [] });
      expect(child.proof).toMatchObject({ equal: true, sourceCount: 1_000, targetCount: 1_000, passes: 1 });
      expect(child.proof.target).toEqual(child.proof.source);
      const names = run.fakes.calls.map((call) => call.name);
      expect(names.indexOf('releaseTarget')).toBeGreaterThan(names.lastIndexOf('digestSlice'));
      expect(run.fakes.called('releaseTarget')).toEqual([
        {
          target: { cluster: run.b, collection: 'docs' },
          targetPin: expect.objectContaining({ shape: 'shape' }) as unknown,
          heldBack: { indexingThreshold: '20000' },
          owned: true,
          job: job.workflowId,
        },
      ]);
      expect(run.fakes.called('closeStamp')).toEqual([
        expect.objectContaining({ job: job.workflowId, verified: child.proof.target }),
      ]);
      expect(names.slice(names.indexOf('releaseTarget'))).toEqual([
        ...[
          'releaseTarget',
          'countPoints',
          'compareConfigurations',
          'closeStamp',
          'copyAliases',
          'awaitReady',
        ],
      ]);
      expect(run.fakes.called('copySlice')).toContainEqual(
        expect.objectContaining({ what: 'copy slice 3 of 4 of docs' }),
      );
    }));

  it('proves the target again when restoring its settings changed its count', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 200);
      let isBack = false;
      run.fakes.before = async (name) => {
        if (isBack || name !== 'releaseTarget') return;
        isBack = true;
        run.target().set('9000', 'deleted before, and back');
      };
      const report = await (await run.migrate()).result();
      expect(report).toMatchObject({ outcome: 'verified', collections: [{ repaired: { deleted: 1 } }] });
      expect(run.target()).toEqual(run.source());
    }));

  it('has a row for each collection in the list, found by search attributes', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 10);
      await (await run.migrate()).result();
      const rows = async () => {
        const found: string[] = [];
        const query = `FerryTarget = '${run.b}' AND FerryPhase = 'done' AND FerryOperation = 'scrollMigration'`;
        for await (const row of lab.env.client.workflow.list({ query })) found.push(row.type);
        return found.sort();
      };
      await until(async () => (await rows()).length === 2);
      expect(await rows()).toEqual(['migrateCollection', 'scrollMigration']);
    }));

  it('touches no search attribute when the configuration switches them off', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 10);
      run.fakes.searchAttributes = false;
      await (await run.migrate()).result();
      const history = await run.child().fetchHistory();
      expect(history.events?.some((event) => event.upsertWorkflowSearchAttributesEventAttributes)).toBe(
        false,
      );
    }));

  it('completes with an empty cluster and with an empty collection', () =>
    lab.withClusters(async (run) => {
      expect(await (await run.migrate()).result()).toMatchObject({
        outcome: 'unproven',
        reason: 'there was no collection to work on, so nothing is proved',
        collections: [],
      });
      run.fakes.fill(run.a, 'empty', 0);
      expect(await (await run.migrate()).result()).toMatchObject({ outcome: 'verified', verified: 1 });
    }));

  it('migrates the other collections when one fails, and reports both at the end', () =>
    lab.withClusters(async (run) => {
      run.record('one-fails');
      for (const name of ['a', 'b', 'c', 'd']) run.fakes.fill(run.a, name, 50);
      run.fakes.before = (name, input: { target: { collection: string } }) => {
        if (name === 'planCollection' && input.target.collection === 'b') {
          throw fail('IncompatibleTarget', 'The target has another dimension');
        }
      };
      const failure = await failureOf(await run.migrate({ concurrency: 2 }));
      expect(failure).toMatchObject({ type: 'CollectionsFailed' });
      expect(failure.message).toContain('b: IncompatibleTarget: The target has another dimension');
      const report = failure.details?.[0] as JobReport;
      expect(report).toMatchObject({ outcome: 'failed', verified: 3, failed: 1 });
      expect(run.target('d')).toEqual(run.source('d'));
    }));

  it('skips a collection that was deleted before its turn, and fails when the input names it', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 100);
      run.fakes.fill(run.a, 'gone', 100);
      run.fakes.before = (name, input) => {
        const isAsked = name === 'compareReplicas' && JSON.stringify(input).includes('"gone"');
        if (isAsked) throw fail('CollectionNotFound', 'gone is not on a');
        return Promise.resolve();
      };
      expect(await (await run.migrate()).result()).toMatchObject({
        outcome: 'verified',
        verified: 1,
        failed: 0,
        skipped: 1,
        collections: expect.arrayContaining([
          expect.objectContaining({ collection: 'gone', outcome: 'skipped', points: 0 }),
        ]) as unknown,
      });
      const failure = await failureOf(await run.migrate({ collections: ['gone'] }));
      expect(failure).toMatchObject({ type: 'SourceVanished' });
      expect(failure.message).toContain('deleted before its turn came');
    }));

  it('starts no more collections after a fault of the whole cluster, and fails with its code', () =>
    lab.withClusters(async (run) => {
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) run.fakes.fill(run.a, name, 10);
      run.fakes.before = (name) => {
        if (name === 'prepareTarget')
          throw fail('CollectionLimitReached', 'Max collections limit reached: 2');
      };
      const failure = await failureOf(await run.migrate({ concurrency: 2 }));
      expect(failure).toMatchObject({ type: 'CollectionLimitReached' });
      expect(failure.message).toContain('Max collections limit reached: 2');
      const report = failure.details?.[0] as JobReport;
      expect(report).toMatchObject({ outcome: 'failed', failed: 8 });
      expect(report.collections.filter(({ outcome }) => outcome === 'failed').length).toBeLessThan(4);
      expect(report.collections.at(-1)?.error).toBe(
        'Aborted: not started, because of CollectionLimitReached',
      );
    }));

  it('runs at most `concurrency` collections at once', () =>
    lab.withClusters(async (run) => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) run.fakes.fill(run.a, name, 300);
      const busy = new Set<string>();
      let most = 0;
      run.fakes.before = (name, { target }: { target: { collection: string } }) => {
        if (name === 'prepareTarget') busy.add(target.collection);
        if (name === 'releaseTarget') busy.delete(target.collection);
        most = Math.max(most, busy.size);
      };
      await (await run.migrate({ concurrency: 2 })).result();
      expect(most).toBe(2);
    }));

  it('fails with the code of the collection when there is only one', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 50);
      run.fakes.fill(run.b, 'docs', 5);
      const failure = await failureOf(await run.migrate());
      expect(failure).toMatchObject({ type: 'TargetNotEmpty' });
      expect(run.fakes.called('prepareTarget')).toHaveLength(0);
      expect(run.fakes.called('releaseTarget')).toHaveLength(0);
    }));

  it(
    'keeps its result under 16 KiB with hundreds of failures, page by page',
    () =>
      lab.withClusters(async (run) => {
        run.record('many-pages');
        const name = (number: number) =>
          `collection-with-a-name-of-some-length-${String(number).padStart(4, '0')}`;
        for (let number = 0; number < 60; number += 1) run.fakes.fill(run.a, name(number), 0);
        run.fakes.pageSize = 25;
        run.fakes.before = (activity) => {
          if (activity === 'planCollection') throw fail('QdrantRejected', `no: ${'reason '.repeat(100)}`);
        };
        const failure = await failureOf(
          await run.migrate({ concurrency: 16, continueAsNewAfterEvents: 100 }),
        );
        const report = failure.details?.[0] as JobReport;
        expect(report.failed).toBe(60);
        expect(report.collections.length + report.more).toBe(60);
        expect(JSON.stringify(report).length).toBeLessThan(12 * 1024);
        const first = await run.started[0]!.fetchHistory();
        expect(first.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId).not.toBe(
          '',
        );
      }),
    120_000,
  );

  it.each([
    ['a wrong type', { slices: 'four' }, 'slices'],
    ['an unknown field', { collection: 'docs' }, 'collection'],
    ['an alias that does not exist', { source: 'nowhere' }, 'nowhere'],
    ['one name for several collections', { as: 'x' }, 'as'],
  ])('fails at once on %s', async (_, input, named) =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 1);
      const failure = await failureOf(await run.migrate(input));
      expect(['InvalidInput', 'UnknownAlias']).toContain(failure.type);
      expect(failure.message).toContain(named);
      expect(run.fakes.called('planCollection')).toHaveLength(0);
    }),
  );

  it.each([
    ['apiKey', { apiKey: 'hunter2' }],
    ['a URL with credentials', { source: 'http://me:hunter2@host:6333' }],
  ])('refuses %s without repeating it', async (_, input) =>
    lab.withClusters(async (run) => {
      const failure = await failureOf(await run.migrate(input));
      expect(failure.type).toBe('InvalidInput');
      expect(JSON.stringify(failure)).not.toContain('hunter2');
    }),
  );

  it.each([
    ['no input at all', []],
    ['a string', ['docs']],
    ['null', [null]],
  ])('fails at once on %s', async (_, args) =>
    lab.withClusters(async (run) => {
      for (const workflow of [
        'scrollMigration',
        'verifyCollections',
        'migrateCollection',
        'verifyCollection',
      ]) {
        const failing = lab.env.client.workflow.execute(workflow, {
          taskQueue: run.queue,
          workflowId: `${run.a}-${workflow}`,
          args,
        });
        const error = await failing.catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(WorkflowFailedError);
        const cause = (error as WorkflowFailedError).cause as ApplicationFailure;
        expect(cause.type).toBe('InvalidInput');
      }
    }),
  );

  it('names the holder when another job writes the collection', () =>
    lab.withClusters(async (run) => {
      run.fakes.fill(run.a, 'docs', 400);
      run.fakes.batchMs = 50;
      const first = await run.migrate();
      await until(async () => (await run.status()).phase === 'copying');
      const failure = await failureOf(await run.migrate());
      expect(failure.type).toBe('CollectionBusy');
      expect(failure.message).toContain(run.fakes.holder.text);
      await first.result();
    }));

  it('waits for the other job with `onBusy: wait`', () =>
    lab.withClusters(async (run) => {
      run.record('busy-waits');
      run.fakes.fill(run.a, 'docs', 400);
      run.fakes.batchMs = 50;
      const first = await run.migrate();
      await until(async () => (await run.status()).phase === 'copying');
      const second = await run.migrate({ onBusy: 'wait', onExisting: 'merge' });
      await until(() => run.fakes.called('describeHolder').length > 0);
      await first.result();
      expect(await second.result()).toMatchObject({ outcome: 'verified' });
    }));
});
