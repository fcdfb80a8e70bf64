// What snapshots are captured from and brought to: a source that streams them (1.17.0) and one that stores them first
// (1.16.3), a target, an S3 gateway and a folder as stores, Temporal and the real workers. All of it on one disk.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
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
import { profiling, raise, type Keep } from '../stage.js';

const BUCKET = 'bench';

export interface SnapshotStage {
  streaming: QdrantServer;
  storing: QdrantServer;
  target: QdrantServer;
  gateway: S3Gateway;
  temporal: TemporalServer;
  control: LocalProcess;
  data: LocalProcess;
  /** For files of the plain pipes. */
  pipes: string;
  /** Removes every backup from both stores. */
  emptyStores(): Promise<void>;
  close(): Promise<void>;
}

export function openSnapshotStage(): Promise<SnapshotStage> {
  return raise(startAll);
}

async function startAll(folder: string, keep: Keep): Promise<Omit<SnapshotStage, 'close'>> {
  const qdrant = async (name: string, version: QdrantServer['version']) =>
    keep(await startQdrant({ version, storageDir: join(folder, name) }));
  const temporal = keep(await startTemporal({ dbFile: join(folder, 'temporal.db'), ui: false }));
  const streaming = await qdrant('streaming', '1.17.0');
  const storing = await qdrant('storing', '1.16.3');
  const target = await qdrant('target', '1.17.0');
  const keys = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
  const gateway = keep(await startS3Gateway({ folder: join(folder, 'gateway'), bucket: BUCKET, ...keys }));
  const [disk, pipes] = [join(folder, 'disk'), join(folder, 'pipes')];
  await Promise.all([disk, pipes].map((one) => mkdir(one)));
  const servers = { temporal, streaming, storing, target, gateway };
  const config = join(folder, 'ferry.yaml');
  await writeFile(config, ferryYaml(servers, disk), { mode: 0o600 });
  const worker = { config, folder, extraEnv: { FERRY_STATE_DIR: folder, ...profiling() } };
  const control = keep(await startWorkerProcess({ role: 'control', ...worker }));
  const data = keep(await startWorkerProcess({ role: 'data', ...worker }));
  const backups = ['streaming', 'storing'].flatMap((cluster) => [
    join(disk, cluster),
    join(folder, 'gateway', 'objects', BUCKET, cluster),
  ]);
  const emptyStores = async () => {
    await Promise.all(backups.map((one) => rm(one, { recursive: true, force: true })));
  };
  return { ...servers, control, data, pipes, emptyStores };
}

type Servers = Pick<SnapshotStage, 'temporal' | 'streaming' | 'storing' | 'target' | 'gateway'>;

function ferryYaml({ temporal, streaming, storing, target, gateway }: Servers, disk: string): string {
  const cluster = ({ url, grpcUrl }: QdrantServer) => ({ url, grpcUrl });
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = gateway;
  return stringify({
    temporal: { address: temporal.address },
    clusters: { streaming: cluster(streaming), storing: cluster(storing), target: cluster(target) },
    stores: {
      gateway: { url: `s3://${bucket}`, endpoint, region, accessKeyId, secretAccessKey },
      disk: { url: pathToFileURL(disk).href },
    },
  });
}
