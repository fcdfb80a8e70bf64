// A job of ours as a user starts it, and what it and one kind of its activities cost, by the times in its history.

import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { CONTROL_QUEUE } from '../../src/model/names.js';
import type { JobReport } from '../../src/model/contracts/results.js';
import { activitySpan } from '../contestants/activity-span.js';
import { CpuRecorder, forgetPeak, peakBytes } from '../process-usage.js';
import { serverPids, type Moved, type SnapshotCourse } from './snapshot-contestant.js';

export interface OurJob {
  workflow: 'fullBackup' | 'disasterRecovery' | 'snapshotMigration' | 'scrollMigration';
  input: object;
  /** Id of the collection's workflow, in whose history the activities are. */
  child: string;
  activity: 'captureShard' | 'recoverShard' | 'moveShard' | 'copySlice';
}

export interface OurOuting {
  activities: Moved;
  whole: Moved;
  /** From the call to this moment, in milliseconds since 1970. */
  until(moment: number): Moved;
  /** In the store that was written. */
  backup: string | undefined;
}

export async function runOurJob(course: SnapshotCourse, job: OurJob): Promise<OurOuting> {
  const connection = await Connection.connect({ address: course.stage.temporal.address });
  try {
    return await timed(new Client({ connection }), course, job);
  } finally {
    await connection.close();
  }
}

async function timed(client: Client, course: SnapshotCourse, job: OurJob): Promise<OurOuting> {
  const { control, data } = course.stage;
  const workers = new CpuRecorder([control.pid, data.pid]);
  const servers = new CpuRecorder(serverPids(course));
  await forgetPeak(data.pid);
  await Promise.all([workers.start(), servers.start()]);
  const began = Date.now();
  const report = (await client.workflow.execute(job.workflow, {
    taskQueue: CONTROL_QUEUE,
    workflowId: `bench/${randomUUID()}`,
    args: [job.input],
  })) as JobReport;
  const ended = Date.now();
  await Promise.all([workers.stop(), servers.stop()]);
  requireAll(report, job, course.points);
  const { events } = await client.workflow.getHandle(job.child).fetchHistory();
  const { from, to } = activitySpan(events ?? [], job.activity);
  const peak = await peakBytes(data.pid);
  const line = (first: number, last: number): Moved => ({
    seconds: (last - first) / 1_000,
    cpuSeconds: workers.between(first, last),
    peakBytes: peak,
    bytes: report.bytes,
    serverCpuSeconds: servers.between(first, last),
  });
  const until = (moment: number) => line(began, moment);
  return { activities: line(from, to), whole: until(ended), until, backup: report.backup };
}

function requireAll({ outcome, points, bytes }: JobReport, { workflow }: OurJob, wanted: number): void {
  if (outcome === 'verified' && points === wanted && bytes > 0) return;
  throw new Error(`${workflow} ended as ${outcome} with ${points} of ${wanted} points`);
}
