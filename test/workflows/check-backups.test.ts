// The workflow of a check: where its activities run, what it makes of those that fail, and its query.

import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CheckReport, CheckStoreActivities } from '../../src/model/contracts/check-activities.js';
import { createHealthActivities, type HealthDependencies } from '../../src/activities/health-activities.js';
import { exportOneOfEach, wantsHistories } from '../support/histories.js';
import { WorkflowLab } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(async () => {
  if (wantsHistories()) await exportOneOfEach(lab.env.client);
  await lab.close();
});

const HELD: Awaited<ReturnType<CheckStoreActivities['checkProtection']>> = {
  findings: [],
  collections: [{ cluster: 'prod', collection: 'docs', status: 'ok', backups: 1, bytes: 7 }],
  leftOut: {},
};

async function check(
  input: object,
  {
    hasWorkers = true,
    notifiers = {},
    ...instead
  }: Partial<CheckStoreActivities> &
    Partial<Pick<HealthDependencies, 'notifiers'>> & { hasWorkers?: boolean } = {},
): Promise<{ result: CheckReport; asked: CheckReport }> {
  const [control, data] = [`control-${randomUUID()}`, `data-${randomUUID()}`];
  const surveyCheck = async () => ({
    ...{ store: 'offsite', clusters: ['prod'], dataQueue: data, isDisk: false, workers: [], schedules: [] },
    queues: [{ queue: data, workers: hasWorkers ? 1 : 0 }],
    findings: [],
  });
  const listProtected = async () => ({ collections: ['docs'], identity: ['1'], nodes: [], leftOut: 0 });
  const ofStore = {
    checkProtection: async () => HELD,
    measureStore: async () => ({
      store: 'offsite',
      bytes: 7,
      byKind: { full: 7, increment: 0, other: 0 },
    }),
    lookAtDisks: async () => ({ disks: [{ place: 'state folder', usedPercent: 85 }] }),
    ...instead,
  };
  const { nativeConnection: connection, client } = lab.env;
  const health = createHealthActivities({ notifiers, linkOf: () => undefined });
  const activities = { surveyCheck, listProtected, ...health };
  const first = await Worker.create({
    ...{ connection, workflowBundle: lab.bundle, activities },
    taskQueue: control,
  });
  const second = await Worker.create({ connection, taskQueue: data, activities: ofStore });
  const running = second.run();
  const options = { taskQueue: control, workflowId: randomUUID(), args: [input] };
  try {
    return await first.runUntil(async () => {
      const handle = await client.workflow.start('checkBackups', options);
      const result = (await handle.result()) as CheckReport;
      return { result, asked: await handle.query<CheckReport>('report') };
    });
  } finally {
    second.shutdown();
    await running;
  }
}

it('reports what its activities find, and answers the query with the same', async () => {
  const { result, asked } = await check({ policy: 'nightly', clusters: ['prod'] });
  expect(result).toMatchObject({
    ...{ status: 'warning', policy: 'nightly', collections: HELD.collections },
    findings: [{ kind: 'diskFilling', place: 'state folder' }],
    stores: [{ store: 'offsite', bytes: 7 }],
  });
  expect(asked).toEqual(result);
});

it('reports what could not be asked, and checks the rest', async () => {
  const { result } = await check(
    { diskWarningPercent: 90 },
    {
      checkProtection: async () => {
        throw ApplicationFailure.nonRetryable('It refuses the key', 'StoreAccessDenied');
      },
    },
  );
  expect(result.findings).toMatchObject([{ kind: 'notChecked', cluster: 'prod', store: 'offsite' }]);
  expect(result.findings[0]?.text).toContain('StoreAccessDenied: It refuses the key');
  expect(result.stores).toHaveLength(1);
});

it('does not wait for a queue that nobody polls', async () => {
  const { result } = await check({}, { hasWorkers: false });
  const kinds = result.findings.map(({ kind, severity }) => `${kind} ${severity}`);
  expect(kinds[0]).toBe('queueWithoutWorker critical');
  expect(kinds.slice(1)).toEqual(['notChecked warning', 'notChecked warning', 'notChecked warning']);
});

it('tells its notifiers, and succeeds although one of them fails', async () => {
  const notifiers = {
    heard: { name: 'heard', timeoutSeconds: 20, command: [process.execPath, '-e', 'process.exit(0)'] },
    deaf: { name: 'deaf', timeoutSeconds: 20, command: ['/nowhere/tell'] },
  };
  const { result, asked } = await check({ clusters: ['prod'], notify: ['heard', 'deaf'] }, { notifiers });
  expect(result.announcement).toEqual({
    announced: { heard: expect.objectContaining({ status: 'warning', at: result.checkedAt }) as unknown },
    sent: ['heard'],
    failed: [
      {
        notifier: 'deaf',
        why: 'The command of deaf cannot be started (ENOENT: there is no such program on this machine)',
      },
    ],
  });
  expect(asked).toEqual(result);
});
