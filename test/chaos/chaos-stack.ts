// One stack for all rounds: two Qdrants, an S3 gateway, a disk, Temporal and a control worker. Two data workers see it:
// `far` through proxies that can be cut, `near` directly. To both, clusters and stores have the same aliases.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { stringify } from 'yaml';
import {
  startQdrant,
  startS3Gateway,
  startTemporal,
  startWorkerProcess,
  type LocalProcess,
  type QdrantServer,
  type S3Gateway,
  type TemporalServer,
} from '../../src/local/index.js';
import { storesOf } from '../support/backup-stack.js';
import { fillBulky } from '../support/bulky-collection.js';
import { takeSide, type Side, type TakenSide } from '../support/compare-sides.js';
import { cutProxy, type CutProxy } from '../support/cut-proxy.js';
import { gateway504, type Gateway504 } from '../support/gateway-504.js';

export type ClusterName = 'source' | 'target';

/** On both clusters, and never written again. */
export const COLLECTION = 'docs';
export const POINTS = 1_200;
export const SHARDS = 2;

/** What lies between the far worker and the rest. */
export interface Proxies {
  temporal: CutProxy;
  sourceRest: CutProxy;
  sourceGrpc: CutProxy;
  targetRest: CutProxy;
  targetGrpc: CutProxy;
  store: CutProxy;
}

export interface ChaosStack {
  folder: string;
  /** The near worker's, and the commands'. */
  config: string;
  client: Client;
  temporal: TemporalServer;
  clusters: Record<ClusterName, QdrantServer>;
  /** Between the REST ports and whoever is not near: the far worker, and the control worker. */
  gateways: Record<ClusterName, Gateway504>;
  proxies: Proxies;
  control: LocalProcess;
  /** What both clusters hold as `docs`. */
  content: TakenSide;
  side(cluster: ClusterName, collection: string): Side;
  startWorker(which: 'far' | 'near'): Promise<LocalProcess>;
  stop(): Promise<void>;
}

type Ending = () => Promise<unknown>;

export async function startChaosStack(): Promise<ChaosStack> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-chaos-'));
  const endings: Ending[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const end of endings.splice(0).reverse()) await end();
  };
  try {
    return { ...(await startAll(folder, (end) => endings.push(end))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startAll(folder: string, onEnd: (end: Ending) => void): Promise<Omit<ChaosStack, 'stop'>> {
  const keep = <T extends LocalProcess>(one: T): T => {
    onEnd(() => one.stop());
    return one;
  };
  const temporal = keep(await startTemporal({ dbFile: join(folder, 'temporal/temporal.db'), ui: false }));
  const clusters = {
    source: keep(await startQdrant({ version: '1.16.3', storageDir: join(folder, 'source') })),
    target: keep(await startQdrant({ version: '1.17.0', storageDir: join(folder, 'target') })),
  };
  const s3 = keep(await startS3Gateway(bucketIn(folder)));
  const gateways = {
    source: await gateway504(clusters.source.url),
    target: await gateway504(clusters.target.url),
  };
  onEnd(() => Promise.all([gateways.source.end(), gateways.target.end()]));
  const proxies = await startProxies({ temporal, clusters, s3, gateways });
  onEnd(() => Promise.all(Object.values(proxies).map((proxy: CutProxy) => proxy.end())));
  const configs = await writeConfigs(folder, { temporal, clusters, s3, gateways }, proxies);
  const control = keep(
    await startWorkerProcess({ role: 'control', ...workerIn(folder, 'control', configs) }),
  );
  const connection = await Connection.connect({ address: temporal.address });
  onEnd(() => connection.close());
  const side = (cluster: ClusterName, collection: string): Side => ({
    url: clusters[cluster].url,
    collection,
  });
  return {
    ...{ folder, config: configs.near, client: new Client({ connection }) },
    ...{ temporal, clusters, gateways, proxies, control, side },
    content: await fillBoth(side),
    startWorker: async (which) =>
      keep(await startWorkerProcess({ role: 'data', ...workerIn(folder, which, configs) })),
  };
}

function bucketIn(folder: string) {
  const keys = { accessKeyId: 'ferry', secretAccessKey: 'a-key-of-this-run' };
  return { folder: join(folder, 's3'), bucket: 'backups', ...keys };
}

async function fillBoth(side: ChaosStack['side']): Promise<TakenSide> {
  for (const cluster of ['source', 'target'] as const)
    await fillBulky(side(cluster, COLLECTION), { name: COLLECTION, points: POINTS, shards: SHARDS });
  return takeSide(side('source', COLLECTION));
}

type Servers = Pick<ChaosStack, 'temporal' | 'clusters' | 'gateways'> & { s3: S3Gateway };

async function startProxies({ temporal, clusters, s3, gateways }: Servers): Promise<Proxies> {
  return {
    temporal: await cutProxy(temporal.address),
    sourceRest: await cutProxy(gateways.source.url),
    sourceGrpc: await cutProxy(clusters.source.grpcUrl),
    targetRest: await cutProxy(gateways.target.url),
    targetGrpc: await cutProxy(clusters.target.grpcUrl),
    store: await cutProxy(s3.endpoint),
  };
}

type WorkerName = 'control' | 'near' | 'far';
type Configs = Record<WorkerName, string>;

async function writeConfigs(folder: string, servers: Servers, proxies: Proxies): Promise<Configs> {
  const { temporal, clusters, gateways, s3 } = servers;
  const http = (proxy: CutProxy) => `http://${proxy.address}`;
  const stores = storesOf(s3, folder);
  const farStores = { ...stores, offsite: { ...stores.offsite, endpoint: http(proxies.store) } };
  const near = (cluster: ClusterName) => ({ url: clusters[cluster].url, grpcUrl: clusters[cluster].grpcUrl });
  const behind = (cluster: ClusterName) => ({ ...near(cluster), url: gateways[cluster].url });
  const far = {
    source: { url: http(proxies.sourceRest), grpcUrl: http(proxies.sourceGrpc) },
    target: { url: http(proxies.targetRest), grpcUrl: http(proxies.targetGrpc) },
  };
  const [direct, through] = [temporal.address, proxies.temporal.address];
  return {
    near: await writeConfig(
      folder,
      'near',
      direct,
      { source: near('source'), target: near('target') },
      stores,
    ),
    control: await writeConfig(
      folder,
      'control',
      direct,
      { source: behind('source'), target: behind('target') },
      stores,
    ),
    far: await writeConfig(folder, 'far', through, far, farStores),
  };
}

async function writeConfig(
  folder: string,
  name: WorkerName,
  address: string,
  clusters: Record<ClusterName, { url: string; grpcUrl: string }>,
  stores: Record<string, unknown>,
): Promise<string> {
  const path = join(folder, name, 'ferry.yaml');
  await mkdir(join(folder, name), { recursive: true });
  const document = { temporal: { address }, clusters, stores, defaults: { store: 'offsite' } };
  await writeFile(path, stringify(document), { mode: 0o600 });
  return path;
}

function workerIn(folder: string, name: WorkerName, configs: Configs) {
  const own = join(folder, name);
  return { config: configs[name], folder: own, extraEnv: { FERRY_STATE_DIR: own } };
}
