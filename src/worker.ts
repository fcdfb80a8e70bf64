// Composition root of the workers: configuration, adapters, activities, Worker. No logic.

import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import {
  createBackupControlActivities,
  createBackupStoreActivities,
} from './activities/backup-activities.js';
import {
  createCheckControlActivities,
  createCheckStoreActivities,
  createDiskActivities,
} from './activities/check-activities.js';
import { createPointBackupActivities } from './activities/point-backup-activities.js';
import { createControlActivities } from './activities/control-activities.js';
import { createDataActivities } from './activities/data-activities.js';
import { createExaminationActivities } from './activities/examination-activities.js';
import { createHealthActivities } from './activities/health-activities.js';
import { createMoveActivities, createMoveControlActivities } from './activities/move-activities.js';
import { leasedStores } from './activities/leased-ports.js';
import { createPruneActivities } from './activities/prune-activities.js';
import { failureInterceptor } from './activities/failure-interceptor.js';
import { leaseInterceptor } from './activities/lease.js';
import {
  createRecoveryActivities,
  createRecoveryControlActivities,
} from './activities/recovery-activities.js';
import {
  createSnapshotControlActivities,
  createSnapshotDataActivities,
} from './activities/snapshot-activities.js';
import { searchAttributesWanted, stateDir, temporalConnection } from './config.js';
import type { FerryConfig } from './model/ferry-config.js';
import { CONTROL_QUEUE, DATA_QUEUE } from './model/names.js';
import { removeOldReports } from './transfer/file-report.js';
import { controlDependencies, dataDependencies } from './worker/activity-dependencies.js';
import {
  backupControlDependencies,
  backupStoreDependencies,
  pointBackupDependencies,
  storesOf,
  storesOn,
} from './worker/backup-dependencies.js';
import { checkControlDependencies, checkStoreDependencies } from './worker/check-dependencies.js';
import { examinationDependencies } from './worker/examination-dependencies.js';
import { healthDependencies } from './worker/health-dependencies.js';
import { LiveConfig } from './worker/live-config.js';
import { moveControlDependencies, moveDependencies } from './worker/move-dependencies.js';
import { ownQueueSettings, servesDisk } from './worker/own-queue.js';
import { recoveryDependencies } from './worker/recovery-dependencies.js';
import { registerSearchAttributes } from './worker/search-attributes.js';
import { snapshotControlDependencies, snapshotDataDependencies } from './worker/snapshot-dependencies.js';
import { connectWorker } from './worker/worker-connection.js';
import { installRuntime, type WorkerRuntimeOptions } from './worker/worker-runtime.js';
import { workflowCode, workflowInterceptors } from './worker/workflow-code.js';

export interface RunWorkerOptions extends WorkerRuntimeOptions {
  role: 'control' | 'data';
  config?: string;
  /** Queues of a data worker; absent: `ferry-data` and each that ferry.yaml names. */
  queues?: string[];
  /** Activities that a data worker runs at once, on each queue. */
  slots?: number;
  /** Gets our pid when the worker polls. */
  readyFile?: string;
}

/** Until SIGTERM or SIGINT; what runs then gets 30 s to end. */
export async function runWorker(options: RunWorkerOptions): Promise<void> {
  const live = new LiveConfig(options.config, (line) => process.stderr.write(`${line}\n`));
  const { config } = live;
  const settings = temporalConnection(config);
  const namespace = settings.namespace ?? 'default';
  installRuntime(options);
  const connection = await connectWorker(settings);
  if (searchAttributesWanted()) await registerSearchAttributes(connection, namespace);
  const shared = { connection, namespace, ...workerSettings(options.role, live) };
  const workers =
    options.role === 'control'
      ? [await Worker.create({ ...shared, ...controlSettings(config, connection, namespace) })]
      : await Promise.all(dataSettings(config, options).map((data) => Worker.create({ ...shared, ...data })));
  const queues = workers.map((worker) => worker.options.taskQueue).join(', ');
  if (options.role === 'data') tidyReports(join(stateDir(), 'reports'));
  live.remarks = () => unpolled(queuesOf(config, options), workers);
  const unwatch = await live.watch();
  const running = workers.map((worker) => worker.run());
  if (options.readyFile !== undefined) writeFileSync(options.readyFile, `${process.pid}\n`);
  process.stderr.write(`${options.role} worker polls ${queues} at ${settings.connectionOptions.address}\n`);
  await Promise.all(running).finally(() => {
    unwatch();
    return connection.close();
  });
}

const TIDY_EVERY_MS = 24 * 3_600_000;

function tidyReports(folder: string): void {
  const tidy = () => void removeOldReports(folder, Date.now());
  tidy();
  setInterval(tidy, TIDY_EVERY_MS).unref();
}

function workerSettings(role: string, live: LiveConfig): Partial<WorkerOptions> {
  return {
    identity: identityOf(role),
    shutdownGraceTime: '30s',
    interceptors: {
      activity: [failureInterceptor, live.interceptor, leaseInterceptor],
      ...(role === 'control' ? workflowInterceptors() : {}),
    },
  };
}

function identityOf(role: string): string {
  return `ferry-${role}@${hostname()}#${process.pid}`;
}

function controlSettings(config: FerryConfig, connection: NativeConnection, namespace: string) {
  const client = new Client({ connection, namespace });
  return {
    taskQueue: CONTROL_QUEUE,
    ...workflowCode(),
    activities: {
      ...createControlActivities(controlDependencies(config, client)),
      ...createBackupControlActivities(backupControlDependencies(config)),
      ...createRecoveryControlActivities(backupControlDependencies(config)),
      ...createMoveControlActivities(moveControlDependencies(config)),
      ...createCheckControlActivities(checkControlDependencies(config, client)),
      ...createExaminationActivities(examinationDependencies(config, client)),
      ...createSnapshotControlActivities(snapshotControlDependencies(config)),
      ...createHealthActivities(healthDependencies(config, namespace)),
    },
    maxConcurrentActivityTaskExecutions: 20,
    // After a control worker was killed, its workflows answer again after this time.
    stickyQueueScheduleToStartTimeout: '1s',
  } satisfies Partial<WorkerOptions>;
}

type QueueSettings = Partial<WorkerOptions> & { taskQueue: string };

function dataSettings(config: FerryConfig, options: RunWorkerOptions): QueueSettings[] {
  const queues = queuesOf(config, options);
  const stores = storesOf(config);
  const shared = queues.map((taskQueue) => ({
    taskQueue,
    activities: dataActivities(config, storesOn(taskQueue, config, stores)),
    maxConcurrentActivityTaskExecutions: options.slots ?? 4,
    // How much is done again after a kill; and how late a cancel is heard.
    maxHeartbeatThrottleInterval: '5s' as const,
    defaultHeartbeatThrottleInterval: '5s' as const,
  }));
  return servesDisk(config, queues)
    ? [...shared, ownQueueSettings(config, identityOf(options.role))]
    : shared;
}

function queuesOf(config: FerryConfig, { role, queues }: RunWorkerOptions): string[] {
  if (role === 'control') return [CONTROL_QUEUE];
  const places = [...Object.values(config.clusters), ...Object.values(config.stores)];
  const named = places.flatMap((place) => place.taskQueue ?? []);
  return [...new Set(queues ?? [DATA_QUEUE, ...named])];
}

/** Queues that came into ferry.yaml since; a worker polls those of its start. */
function unpolled(queues: readonly string[], workers: readonly Worker[]): string[] {
  const polled = workers.map((worker) => worker.options.taskQueue);
  const missing = queues.filter((queue) => !polled.includes(queue));
  return missing.map((queue) => `this worker polls ${queue} only after a restart`);
}

function dataActivities(config: FerryConfig, stores: ReturnType<typeof storesOf>) {
  return {
    ...createDataActivities(dataDependencies(config, stateDir())),
    ...createBackupStoreActivities(backupStoreDependencies(config, stores)),
    ...createPruneActivities(leasedStores(stores)),
    ...createCheckStoreActivities(checkStoreDependencies(config, stores)),
    ...createDiskActivities(checkStoreDependencies(config, stores)),
    ...createPointBackupActivities(pointBackupDependencies(config, stores)),
    ...createRecoveryActivities(recoveryDependencies(config, stores)),
    ...createMoveActivities(moveDependencies(config, stores)),
    ...createSnapshotDataActivities(snapshotDataDependencies(config, stores)),
  };
}
