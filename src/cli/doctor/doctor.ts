// `ferry doctor`: is everything there that a job needs?

import type { Command } from 'commander';
import type { Controls } from '../../cluster/control-port.js';
import { loadConfig } from '../../config.js';
import type { FerryConfig } from '../../model/ferry-config.js';
import { CONTROL_QUEUE, DATA_QUEUE } from '../../model/names.js';
import { type Temporal, openTemporal } from '../temporal.js';
import { EXIT } from '../terminal/exit-codes.js';
import { plural } from '../terminal/formatting.js';
import { type GlobalOptions, outputOf, setExitCode, addExample } from '../terminal/output.js';
import { type QueueKind, pollersOf } from '../watch/troubles.js';
import { storeFindings } from './store-findings.js';
import { type Finding, examine, findingLine } from './finding.js';
import { forgottenHoldBacks, releaseForgotten } from './forgotten-hold-backs.js';

const UNCHECKED: Finding = {
  ok: true,
  warns: true,
  what: 'stores, workers, indexing held back',
  says: 'not checked, because Temporal does not answer',
};

export function registerDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('check what jobs need: Temporal, workers, clusters, and stores as the workers see them')
    .option('--fix', 'restore indexing and strict mode where a job that no longer runs left them held back');
  addExample(command, 'ferry doctor --fix');
  command.action(async () => {
    const options = command.optsWithGlobals<GlobalOptions & { fix?: boolean }>();
    const output = outputOf(options);
    // The SDKs of Qdrant are heavy: other commands do without them.
    const { qdrantControls } = await import('../../qdrant/control.js');
    const config = loadConfig(options.config);
    const controls = qdrantControls(config.clusters);
    const temporal = openTemporal(config);
    const findings: Finding[] = [{ ok: true, what: 'configuration', says: config.path }];
    try {
      findings.push(...(await queueFindings(temporal, config)));
      // Who works on what only Temporal knows.
      const asksTemporal = findings.some(({ ok, what }) => ok && what === 'Temporal');
      const [ofStores, ofClusters] = await Promise.all([
        asksTemporal ? storeFindings(temporal, config) : [],
        clusterFindings(controls, config),
      ]);
      findings.push(...ofStores, ...ofClusters);
      if (!asksTemporal) findings.push(UNCHECKED);
      const aliases = asksTemporal ? Object.keys(config.clusters) : [];
      const { forgotten, unread } = await forgottenHoldBacks(controls, temporal, aliases);
      findings.push(...unread);
      findings.push(...(await releaseForgotten(controls, forgotten, options.fix ?? false)));
    } finally {
      await temporal.close();
    }
    const ok = findings.every((finding) => finding.ok);
    output.result({ ok, findings }, findings.map(findingLine(output.paint)));
    setExitCode(ok ? EXIT.done : EXIT.failed);
  });
}

export async function clusterFindings(controls: Controls, config: FerryConfig): Promise<Finding[]> {
  const findings = await Promise.all(
    Object.keys(config.clusters).map((alias) => [
      examine(`cluster ${alias}, REST`, async () => {
        const cluster = controls.of(alias);
        const [version, collections] = [await cluster.version(), await cluster.collections()];
        return `Qdrant ${version}, ${plural(collections.length, 'collection')}`;
      }),
      examine(`cluster ${alias}, gRPC`, async () => {
        const cluster = controls.of(alias);
        if (cluster.restOnly === true) return 'not used (`grpc: false`): points go over REST as text';
        await cluster.checkGrpcReachable();
        return 'answers';
      }),
    ]),
  );
  return Promise.all(findings.flat());
}

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
