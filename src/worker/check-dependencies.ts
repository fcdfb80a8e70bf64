// What a check asks of ferry.yaml and of Temporal: the same for the control worker and for the command. And the folders
// whose disks a worker looks at.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Client, ScheduleDescription } from '@temporalio/client';
import type { CheckControlDependencies, CheckStoreDependencies } from '../activities/check-activities.js';
import { stateDir } from '../config.js';
import { scheduleFacts } from '../checks/schedule-facts.js';
import type {
  CheckedQueue,
  CheckSurvey,
  Finding,
  SurveyCheckInput,
} from '../model/contracts/check-activities.js';
import type { QueueWorker } from '../model/contracts/store-examination.js';
import { notChecked, type ScheduleFacts } from '../model/health/places.js';
import {
  isDisk,
  queuesOfStore,
  requireCluster,
  requireStore,
  type FerryConfig,
} from '../model/ferry-config.js';
import { mapInOrder } from '../model/map-in-order.js';
import { CONTROL_QUEUE, DATA_QUEUE } from '../model/names.js';
import { policyInMemo } from '../model/policies/memo.js';
import { schedulesOf as schedulesPlanned, type PolicySchedule } from '../model/policies/schedules.js';
import { dueTimes } from '../policies/due-times.js';
import { readSchedules, type SchedulesAt } from '../policies/ferry-schedules.js';
import { failedRun, longestRunSeconds } from '../policies/measured-runs.js';
import { qdrantControls } from '../qdrant/control.js';
import type { ObjectStore } from '../storage/object-store.js';
import { workersOf } from './examination-dependencies.js';

export function checkControlDependencies(config: FerryConfig, client: Client): CheckControlDependencies {
  return {
    controls: qdrantControls(config.clusters),
    surveyCheck: (input) => surveyCheck(config, client, input),
  };
}

export function checkStoreDependencies(
  config: FerryConfig,
  openStore: (alias: string) => ObjectStore,
): CheckStoreDependencies {
  return {
    openStore,
    folderOf: (store) => folderOf(config, store),
    disksOf: (store) => disksOf(config, stateDir(), store),
  };
}

const MOST_WORKERS = 20;
const AT_ONCE = 8;
/** An idle worker asks for work once a minute. One that was killed is listed for minutes. */
const ASKS_WITHIN_MS = 70_000;

/** Throws `UnknownAlias` for what ferry.yaml does not have; what Temporal does not tell is a finding. */
export async function surveyCheck(
  config: FerryConfig,
  client: Client,
  input: SurveyCheckInput,
): Promise<CheckSurvey> {
  const store = requireStore(config, input.store);
  const clusters = input.clusters ?? Object.keys(config.clusters).sort();
  for (const cluster of clusters) requireCluster(config, cluster);
  const ofStore = queuesOfStore(config, store);
  const ofClusters = clusters.map((cluster) => config.clusters[cluster]?.taskQueue ?? DATA_QUEUE);
  const names = [...new Set([...ofStore, ...ofClusters])].sort();
  const findings: Finding[] = [];
  const asked = await tried(findings, 'Who polls the queues', () => polledQueues(client, names));
  const schedules = await tried(findings, 'The schedules', () =>
    schedulesOf(client, config, input, findings),
  );
  const workers = asked?.workers ?? new Map<string, QueueWorker[]>();
  const attended = ofStore.find((queue) => (workers.get(queue) ?? []).length > 0);
  const single = ofStore.flatMap((queue) => workers.get(queue) ?? []).map(({ worker }) => worker);
  return {
    ...{ store: store.alias, clusters, isDisk: isDisk(store), findings },
    dataQueue: attended ?? ofStore[0] ?? DATA_QUEUE,
    queues: asked?.queues ?? [],
    workers: [...new Set(single)].slice(0, MOST_WORKERS),
    schedules: schedules ?? [],
  };
}

async function polledQueues(
  client: Client,
  names: readonly string[],
): Promise<{ queues: CheckedQueue[]; workers: Map<string, QueueWorker[]> }> {
  const workers = new Map<string, QueueWorker[]>();
  const control = (await workersOf(client, CONTROL_QUEUE, 'workflow')).filter(isIdle);
  const queues = [{ queue: CONTROL_QUEUE, workers: control.length }];
  for (const queue of names) {
    // All places of a data worker may be taken for long: then it does not ask.
    const listed = await workersOf(client, queue);
    workers.set(queue, listed);
    queues.push({ queue, workers: listed.length });
  }
  return { queues, workers };
}

function isIdle({ silentMs }: QueueWorker): boolean {
  return silentMs < ASKS_WITHIN_MS;
}

/** Those of this installation; of one policy where one is named. What ferry.yaml has and Temporal has not is a finding. */
async function schedulesOf(
  client: Client,
  config: FerryConfig,
  { policy, clusters }: SurveyCheckInput,
  findings: Finding[],
): Promise<ScheduleFacts[]> {
  const isAsked = (of: string, cluster: string) =>
    (policy ?? of) === of && (clusters?.includes(cluster) ?? true);
  const { installation } = config;
  const planned = schedulesPlanned(config.policies).schedules.filter((one) =>
    isAsked(one.policy, one.cluster),
  );
  const at: SchedulesAt = { client, ask: (question) => question(), installation };
  const found = await readSchedules(
    at,
    planned.map(({ scheduleId }) => scheduleId),
  );
  const there = new Set(found.map(({ scheduleId }) => scheduleId));
  findings.push(...planned.filter((one) => !there.has(one.scheduleId)).map(notApplied));
  const meant = found.flatMap((one) => {
    const ours = policyInMemo(one.memo);
    const cluster = one.scheduleId.split('/').at(-2) ?? '';
    const isOurs = ours?.installation === installation && isAsked(ours.policy, cluster);
    return isOurs ? [{ one, policy: ours.policy }] : [];
  });
  return mapInOrder(meant, AT_ONCE, async ({ one, policy: of }) =>
    scheduleFacts(one, of, {
      due: await dueTimes(at, one),
      ...(await incrementsOf(at, one)),
      failed: await failedRun(at, one),
    }),
  );
}

/** Empty where it starts no increments, or none of the last ones completed. */
async function incrementsOf(
  at: SchedulesAt,
  found: ScheduleDescription,
): Promise<Pick<ScheduleFacts, 'increments'>> {
  if (found.action.workflowType !== 'incrementalBackup') return {};
  const [input] = found.action.args ?? [];
  const { detect = 'digest' } = (input ?? {}) as { detect?: 'digest' | 'field' };
  const seconds = await longestRunSeconds(at, found);
  return seconds === undefined ? {} : { increments: { detect, longestRunSeconds: seconds } };
}

function notApplied({ scheduleId: schedule, policy }: PolicySchedule): Finding {
  return {
    ...{ severity: 'warning', kind: 'scheduleSilent', policy, schedule },
    text: `ferry.yaml has the schedule ${schedule}, and Temporal does not: nothing is started.`,
    hint: 'Run `ferry policies apply`.',
  };
}

async function tried<T>(findings: Finding[], what: string, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    findings.push(
      notChecked(what, `Temporal says: ${error instanceof Error ? error.message : String(error)}`),
    );
    return undefined;
  }
}

/** On this machine: the state folder, and that of the store where it is one. */
export function disksOf(
  config: FerryConfig,
  stateFolder: string,
  store: string,
): { place: string; path: string }[] {
  const place = requireStore(config, store);
  const folder = folderOf(config, store);
  return [
    { place: 'state folder', path: nearest(stateFolder) },
    ...(folder === undefined ? [] : [{ place: `store ${place.alias}`, path: nearest(folder) }]),
  ];
}

/** Undefined for a store that is no folder. */
export function folderOf(config: FerryConfig, store: string): string | undefined {
  const place = requireStore(config, store);
  return isDisk(place) ? fileURLToPath(place.url) : undefined;
}

/** A folder that nothing was written to yet will be on the disk of the one above it. */
function nearest(path: string): string {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/')))
    if (at === '' || existsSync(at)) return at || '/';
}
