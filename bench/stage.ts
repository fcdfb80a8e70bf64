// Everything a comparison runs on: Temporal, a source and a target Qdrant, and the real workers, in a folder of their own.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  startQdrant,
  startTemporal,
  startWorkerProcess,
  type LocalProcess,
  type QdrantServer,
  type TemporalServer,
} from '../src/local/index.js';

export interface Stage {
  source: QdrantServer;
  target: QdrantServer;
  temporal: TemporalServer;
  control: LocalProcess;
  data: LocalProcess;
  close(): Promise<void>;
}

export type Keep = <T extends LocalProcess>(one: T) => T;

/** What `startAll` started and kept ends with `close`, also when it failed half way. */
export async function raise<S extends object>(
  startAll: (folder: string, keep: Keep) => Promise<S>,
): Promise<S & { close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-bench-'));
  const started: LocalProcess[] = [];
  const keep: Keep = (one) => {
    started.push(one);
    return one;
  };
  const close = async () => {
    for (const one of started.reverse()) await one.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await startAll(folder, keep)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

export function openStage(): Promise<Stage> {
  return raise(async (folder, keep) => {
    const temporal = keep(await startTemporal({ dbFile: join(folder, 'temporal.db'), ui: false }));
    const source = keep(await startQdrant({ version: '1.16.3', storageDir: join(folder, 'source') }));
    const target = keep(await startQdrant({ version: '1.17.0', storageDir: join(folder, 'target') }));
    const config = join(folder, 'ferry.yaml');
    await writeFile(config, ferryYaml(temporal, source, target), { mode: 0o600 });
    const worker = { config, folder, extraEnv: { FERRY_STATE_DIR: folder, ...profiling() } };
    const control = keep(await startWorkerProcess({ role: 'control', ...worker }));
    const data = keep(await startWorkerProcess({ role: 'data', ...worker }));
    return { source, target, temporal, control, data };
  });
}

function ferryYaml(temporal: TemporalServer, source: QdrantServer, target: QdrantServer): string {
  const cluster = ({ url, grpcUrl }: QdrantServer) => ({ url, grpcUrl });
  return stringify({
    temporal: { address: temporal.address },
    clusters: { source: cluster(source), target: cluster(target) },
  });
}

/** BENCH_WORKER_NODE_OPTIONS=--perf-basic-prof lets `perf` name the functions in which the workers' time goes. */
export function profiling(): Record<string, string> {
  const wanted = process.env['BENCH_WORKER_NODE_OPTIONS'];
  return wanted === undefined ? {} : { NODE_OPTIONS: wanted };
}
