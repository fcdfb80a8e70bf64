// Checks what protects the collections, and reports: backups, proofs, stores, disks, schedules, queues. Changes nothing.
// What cannot be asked is a finding; the workflow fails only for an input that means nothing. The report of the run before
// comes from the schedule that started both.

import {
  defineQuery,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  checkBackupsSchema,
  type CheckedDisk,
  type CheckReport,
  type CheckSurvey,
} from '../../model/contracts/check-activities.js';
import type { Announcement } from '../../model/contracts/health-activities.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { checkWith, type CheckSteps } from '../../model/health/check-with.js';
import { ownQueueOf } from '../../model/names.js';
import { surfacing, troubleOf } from '../runtime/failures.js';
import { isTimeout, runActivity } from '../runtime/run-activity.js';

export const reportQuery = defineQuery<CheckReport | null>('report');

export async function checkBackups(input: unknown): Promise<CheckReport> {
  let report: CheckReport | undefined;
  setHandler(reportQuery, () => report ?? (workflowInfo().lastResult as CheckReport | undefined) ?? null, {
    description: 'The report of this check; until it has ended, that of the one before it.',
  });
  return surfacing(async () => {
    const { notify = [], remindHours, heartbeatSeconds, ...asked } = parseInput(checkBackupsSchema, input);
    const { policy, clusters, store } = asked;
    const survey = await runActivity('surveyCheck', { policy, clusters, store }, 'what there is to check');
    report = await checkWith(stepsOf(survey, heartbeatSeconds), asked, survey, new Date());
    setCurrentDetails(detailsOf(report));
    report = { ...report, announcement: await announce(report, notify, remindHours) };
    return report;
  });
}

/** Sets metrics and tells the notifiers. A check does not fail because nobody could be told. */
async function announce(report: CheckReport, notify: string[], remindHours: number): Promise<Announcement> {
  const previous = workflowInfo().lastResult as CheckReport | undefined;
  try {
    const input = { report, previous, notify, remindHours };
    return await runActivity('announceHealth', input, 'metrics and notifiers');
  } catch (error) {
    if (isCancellation(error)) throw error;
    const why = isTimeout(error) ? 'no worker told it in time' : troubleOf(error).message;
    const failed = notify.map((notifier) => ({ notifier, why }));
    return { announced: previous?.announcement?.announced ?? {}, sent: [], failed };
  }
}

function stepsOf(survey: CheckSurvey, heartbeatSeconds: number): CheckSteps {
  const { store, dataQueue: taskQueue } = survey;
  const place = (summary: string) => ({ taskQueue, heartbeatSeconds, summary });
  const needsWorker = async <T>(run: () => Promise<T>): Promise<T> => {
    const isPolled = survey.queues.every(({ queue, workers }) => queue !== taskQueue || workers > 0);
    if (isPolled) return run();
    throw new NoWorker(taskQueue);
  };
  return {
    listProtected: (input) => runActivity('listProtected', input, `collections of ${input.cluster}`),
    checkProtection: (input) =>
      needsWorker(() => runActivity('checkProtection', input, place(`backups of ${input.cluster}`))),
    measureStore: () =>
      needsWorker(() => {
        const now = new Date().toISOString();
        return runActivity('measureStore', { store, now }, place(`size of ${store}`));
      }),
    lookAtDisks: () => needsWorker(() => lookAtDisks(survey)),
    reasonOf: (error) => {
      if (isCancellation(error)) throw error;
      if (error instanceof NoWorker) return error.message;
      if (isTimeout(error)) return 'no worker answered in time';
      const { code, message } = troubleOf(error);
      return message.startsWith(code) ? message : `${code}: ${message}`;
    },
  };
}

class NoWorker extends Error {
  constructor(queue: string) {
    super(`no worker polls the queue ${queue}`);
  }
}

/** Each worker that serves a disk is asked on its own queue; of others whoever takes the question. */
async function lookAtDisks({ store, isDisk, dataQueue, workers }: CheckSurvey): Promise<CheckedDisk[]> {
  const places = isDisk
    ? workers.map((worker) => ({ taskQueue: ownQueueOf(worker), summary: `disks of ${worker}` }))
    : [{ taskQueue: dataQueue, summary: `disks of a worker of ${dataQueue}` }];
  const looks = await Promise.all(
    places.map(async (place) => {
      try {
        return (await runActivity('lookAtDisks', { store }, { ...place, takenWithinMs: 10_000 })).disks;
      } catch (error) {
        // A worker that was killed is listed for minutes, and a busy one may not answer.
        if (!isTimeout(error)) throw error;
        return [{ place: place.summary, unknown: 'the worker did not answer in time' }];
      }
    }),
  );
  return distinct(looks.flat());
}

/** Workers of one machine see the same disks. */
function distinct(disks: readonly CheckedDisk[]): CheckedDisk[] {
  const byPlace = new Map(disks.map((disk) => [`${disk.host} ${disk.place} ${disk.path}`, disk]));
  return [...byPlace.values()];
}

function detailsOf({ status, findings }: CheckReport): string {
  const shown = findings.slice(0, 20).map(({ severity, text }) => `- **${severity}** ${text}`);
  const more = findings.length - shown.length;
  return [`**${status}**`, '', ...shown, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n');
}
