// Two Qdrants and places for backups, and no Temporal anywhere: ferry.yaml names one that is gone.

import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  startQdrant,
  startS3Gateway,
  type LocalProcess,
  type QdrantServer,
  type S3Gateway,
} from '../../src/local/index.js';
import { pause } from './kill-watch.js';
import type { TestStack } from './test-stack.js';

export interface TwoClusters extends Pick<TestStack, 'config' | 'folder' | 'source' | 'target' | 'side'> {
  stop(): Promise<void>;
}

/** Nobody listens there. */
export const NOWHERE = '127.0.0.1:1';

export async function startTwoClusters(): Promise<TwoClusters> {
  const root = await mkdtemp(join(tmpdir(), 'ferry-alone-'));
  const started: LocalProcess[] = [];
  const keep = <T extends LocalProcess>(one: T): T => (started.push(one), one);
  const stop = async () => {
    for (const one of started.reverse()) await one.stop();
    await rm(root, { recursive: true, force: true });
  };
  try {
    const keys = { accessKeyId: 'ferry', secretAccessKey: randomBytes(16).toString('hex') };
    const bucket = { folder: join(root, 's3'), bucket: 'backups', ...keys };
    const s3 = keep(await startS3Gateway(bucket));
    const source = keep(await startQdrant({ version: '1.16.3', storageDir: join(root, 'source') }));
    const target = keep(await startQdrant({ version: '1.17.0', storageDir: join(root, 'target') }));
    const config = join(root, 'ferry.yaml');
    await writeFile(config, configText({ source, target, s3 }), { mode: 0o600 });
    const sides = { source, target };
    const side: TestStack['side'] = (which, collection) => ({
      url: sides[which].url,
      grpcUrl: sides[which].grpcUrl,
      collection,
    });
    return { config, folder: join(root, 'state'), source, target, side, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configText(servers: { source: QdrantServer; target: QdrantServer; s3: S3Gateway }): string {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = servers.s3;
  const cluster = ({ url, grpcUrl }: QdrantServer) => ({ url, grpcUrl });
  return stringify({
    temporal: { address: NOWHERE, namespace: 'lost', ui: `http://${NOWHERE}` },
    clusters: { source: cluster(servers.source), target: cluster(servers.target) },
    stores: { offsite: { url: `s3://${bucket}/ferry`, endpoint, region, accessKeyId, secretAccessKey } },
    defaults: { store: 'offsite' },
  });
}

/** What the commands with this state folder started, and what that started. */
export async function processesOf(stateFolder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return environment.split('\0').includes(`FERRY_STATE_DIR=${stateFolder}`) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

export async function untilNoneLives(stateFolder: string): Promise<void> {
  while ((await processesOf(stateFolder)).length > 0) await pause(50);
}
