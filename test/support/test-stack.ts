// A stack of its own for one test file: Temporal, two Qdrants with whatever settings the test needs, and the real
// worker processes from dist. Everything ends with `stop`.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  freePorts,
  type LocalProcess,
  type QdrantServer,
  type QdrantVersion,
  startQdrant,
  startTemporal,
  startWorkerProcess,
  type TemporalServer,
} from '../../src/local/index.js';
import type { Side } from './compare-sides.js';
import { exportOneOfEach, wantsHistories } from './histories.js';
import { withClient } from './workflows-of.js';

export interface TestStackOptions {
  /** Qdrant in cluster mode, which custom shard keys need. */
  clustered?: boolean;
  /** The older one by default. */
  sourceVersion?: QdrantVersion;
  sourceEnv?: Record<string, string>;
  targetEnv?: Record<string, string>;
  /** Qdrant's own configuration file of the target. */
  targetConfig?: object;
  /** More fields of the clusters in ferry.yaml, and more clusters. */
  sourceFields?: Record<string, unknown>;
  targetFields?: Record<string, unknown>;
  moreClusters?: (servers: { source: QdrantServer; target: QdrantServer }) => Record<string, unknown>;
  /** Places for backups; the first one is the default. */
  stores?: (folder: string) => Promise<Record<string, Record<string, unknown>>>;
  workerEnv?: Record<string, string>;
  metricsPorts?: Record<'control' | 'data', number>;
}

export interface TestStack {
  folder: string;
  config: string;
  temporal: TemporalServer;
  source: QdrantServer;
  target: QdrantServer;
  workers: { control: LocalProcess; data: LocalProcess };
  side(which: 'source' | 'target', collection: string): Side;
  stop(): Promise<void>;
}

export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-e2e-'));
  const started: LocalProcess[] = [];
  let temporal: TemporalServer | undefined;
  const stop = async () => {
    if (temporal && wantsHistories()) await withClient(temporal, exportOneOfEach);
    // The workers first: a server that is gone keeps them from ending in order. A server's own end is nobody's subject.
    await Promise.all(started.filter(isWorker).map((one) => one.stop()));
    await Promise.all(started.filter((one) => !isWorker(one)).map((one) => one.kill()));
    await rm(folder, { recursive: true, force: true });
  };
  const keep = <T extends LocalProcess>(one: T): T => {
    started.push(one);
    return one;
  };
  try {
    const [server, source, target] = await Promise.all([
      startTemporal({ dbFile: join(folder, 'temporal/temporal.db'), ui: false }).then(keep),
      startSide(folder, 'source', options.sourceVersion ?? '1.16.3', options).then(keep),
      startSide(folder, 'target', '1.17.0', options).then(keep),
    ]);
    temporal = server;
    const config = join(folder, 'ferry.yaml');
    const stores = await options.stores?.(folder);
    await writeConfig(config, { temporal, source, target }, options, stores);
    const worker = { config, folder, extraEnv: { FERRY_STATE_DIR: folder, ...options.workerEnv } };
    const [control, data] = await Promise.all([
      startWorkerProcess({ role: 'control', ...worker, ...metricsOf('control', options) }).then(keep),
      startWorkerProcess({ role: 'data', ...worker, ...metricsOf('data', options) }).then(keep),
    ]);
    const addresses = { source, target };
    const side: TestStack['side'] = (which, collection) => ({
      url: addresses[which].url,
      grpcUrl: addresses[which].grpcUrl,
      collection,
    });
    return { folder, config, ...{ temporal, source, target }, workers: { control, data }, side, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function metricsOf(role: 'control' | 'data', { metricsPorts }: TestStackOptions) {
  return metricsPorts === undefined ? {} : { extraArgs: ['--metrics-port', String(metricsPorts[role])] };
}

const isWorker = ({ name }: LocalProcess): boolean => name.endsWith(' worker');

async function startSide(
  folder: string,
  side: 'source' | 'target',
  version: QdrantVersion,
  options: TestStackOptions,
): Promise<QdrantServer> {
  const [p2p] = await freePorts(1);
  const cluster = options.clustered ?? false;
  const ownConfig = side === 'target' ? options.targetConfig : undefined;
  const configFile = join(folder, `${side}.yaml`);
  if (ownConfig) await writeFile(configFile, stringify(ownConfig));
  return startQdrant({
    version,
    storageDir: join(folder, side),
    extraEnv: {
      ...(cluster ? { QDRANT__CLUSTER__ENABLED: 'true', QDRANT__CLUSTER__P2P__PORT: String(p2p) } : {}),
      ...(side === 'source' ? options.sourceEnv : options.targetEnv),
    },
    extraArgs: [
      ...(cluster ? ['--uri', `http://127.0.0.1:${p2p}`] : []),
      ...(ownConfig ? ['--config-path', configFile] : []),
    ],
  });
}

async function writeConfig(
  path: string,
  servers: { temporal: TemporalServer; source: QdrantServer; target: QdrantServer },
  options: TestStackOptions,
  stores: Record<string, Record<string, unknown>> = {},
): Promise<void> {
  const [store] = Object.keys(stores);
  const cluster = ({ url, grpcUrl }: QdrantServer) => ({ url, grpcUrl });
  const document = {
    temporal: { address: servers.temporal.address },
    clusters: {
      source: { ...cluster(servers.source), ...options.sourceFields },
      target: { ...cluster(servers.target), ...options.targetFields },
      ...options.moreClusters?.(servers),
    },
    stores,
    ...(store === undefined ? {} : { defaults: { store } }),
  };
  await writeFile(path, stringify(document), { mode: 0o600 });
}
