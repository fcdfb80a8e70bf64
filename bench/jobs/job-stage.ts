// Servers for whole commands: a source, a target and an S3 gateway that all contestants share, and for each contestant a
// Temporal and workers of its own checkout.

import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  startQdrant,
  startS3Gateway,
  startTemporal,
  type QdrantServer,
  type QdrantVersion,
  type S3Gateway,
} from '../../src/local/index.js';
import { localProcess } from '../../src/local/local-process.js';
import { raise } from '../stage.js';
import { readFile } from 'node:fs/promises';

/** A built checkout of qdrant-ferry. */
export interface Checkout {
  name: string;
  root: string;
}

export interface JobStage {
  source: QdrantServer;
  target: QdrantServer;
  gateway: S3Gateway;
  close(): Promise<void>;
}

export interface Crew {
  /** Runs the command of this checkout; throws unless it exits with 0. */
  ferry(...args: string[]): Promise<{ seconds: number; stdout: string }>;
  close(): Promise<void>;
}

export function openJobStage(version: QdrantVersion = '1.16.3'): Promise<JobStage> {
  return raise(async (folder, keep) => ({
    source: keep(await startQdrant({ version, storageDir: join(folder, 'source') })),
    target: keep(await startQdrant({ version: '1.17.0', storageDir: join(folder, 'target') })),
    gateway: keep(
      await startS3Gateway({
        ...{ folder: join(folder, 'gateway'), bucket: 'bench' },
        ...{ accessKeyId: 'bench', secretAccessKey: 'bench-secret' },
      }),
    ),
  }));
}

export function openCrew(stage: JobStage, { name, root }: Checkout): Promise<Crew> {
  return raise(async (folder, keep) => {
    const temporal = keep(await startTemporal({ dbFile: join(folder, 'temporal.db'), ui: false }));
    const config = join(folder, 'ferry.yaml');
    await writeFile(config, ferryYaml(stage, temporal.address, name), { mode: 0o600 });
    const cli = join(root, 'dist/cli.js');
    const env = { FERRY_STATE_DIR: join(folder, 'state') };
    await mkdir(env.FERRY_STATE_DIR);
    for (const role of ['control', 'data']) {
      const readyFile = join(folder, `${role}.ready`);
      const worker = localProcess({
        name: `${role} worker of ${name}`,
        command: process.execPath,
        args: [cli, 'worker', '--role', role, '--config', config, '--ready-file', readyFile],
        env: { ...process.env, ...env },
        logFile: join(folder, `${role}.log`),
        isReady: async (pid) => (await readFile(readyFile, 'utf8')).trim() === String(pid),
      });
      await worker.start();
      keep(worker);
    }
    const ferry: Crew['ferry'] = (...args) => run(cli, [...args, '--config', config, '--json'], env);
    return { ferry };
  });
}

function ferryYaml({ source, target, gateway }: JobStage, address: string, name: string): string {
  const cluster = ({ url, grpcUrl }: QdrantServer) => ({ url, grpcUrl });
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = gateway;
  const store = { url: `s3://${bucket}/${name}`, endpoint, region, accessKeyId, secretAccessKey };
  return stringify({
    temporal: { address },
    clusters: { source: cluster(source), target: cluster(target) },
    stores: { gateway: store },
    defaults: { store: 'gateway' },
  });
}

async function run(cli: string, args: string[], env: Record<string, string>) {
  const began = performance.now();
  const child = spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`ferry ${args.join(' ')}: exit ${code}\n${stdout}\n${stderr}`);
  return { seconds: (performance.now() - began) / 1_000, stdout };
}
