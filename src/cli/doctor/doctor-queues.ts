// Is the Temporal server there, and does anybody work on ferry's queues?

import { CONTROL_QUEUE, DATA_QUEUE } from '../../model/names.js';
import type { FerryConfig } from '../../model/ferry-config.js';
import { examine, type Finding } from './finding.js';
import { pollersOf, type QueueKind } from '../watch/queue-check.js';
import type { Temporal } from '../temporal.js';

export async function queueFindings(temporal: Temporal, config: FerryConfig): Promise<Finding[]> {
  const server = await examine('Temporal', () => serverVersion(temporal));
  if (!server.ok)
    return [
      {
        ...server,
        says: `${temporal.address} does not answer. Start it, or correct \`temporal.address\` in ferry.yaml. (${server.says})`,
      },
    ];
  const ofClusters = Object.values(config.clusters).map((cluster) => cluster.taskQueue ?? DATA_QUEUE);
  const queues = [...ofClusters, ...Object.values(config.stores).flatMap((store) => store.taskQueue ?? [])];
  const asked: [string, QueueKind][] = [
    [CONTROL_QUEUE, 'workflow'],
    ...[...new Set(queues)].map((queue): [string, QueueKind] => [queue, 'activity']),
  ];
  return [server, ...(await Promise.all(asked.map(([queue, kind]) => queueFinding(temporal, queue, kind))))];
}

async function serverVersion(temporal: Temporal): Promise<string> {
  const info = await temporal.call(() => temporal.client.workflowService.getSystemInfo({}));
  return `server ${info.serverVersion ?? 'of unknown version'} at ${temporal.address}, namespace ${temporal.namespace}`;
}

async function queueFinding(temporal: Temporal, queue: string, kind: QueueKind): Promise<Finding> {
  const finding = await examine(`queue ${queue}`, async () => {
    const { workers } = await pollersOf(temporal, queue, kind);
    return workers.join(', ');
  });
  if (!finding.ok || finding.says !== '') return finding;
  return { ...finding, ok: false, says: 'no worker polls it; `ferry worker` runs one' };
}
