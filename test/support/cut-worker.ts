// A data or control worker that can be cut off from everything: its Temporal, its Qdrants and its store lie behind
// proxies of its own, while other workers of the same stack go straight.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { startWorkerProcess, type LocalProcess } from '../../src/local/index.js';
import type { WorkerRole } from '../../src/local/worker-process.js';
import { cutProxy, type CutProxy } from './cut-proxy.js';
import type { TestStack } from './test-stack.js';

interface Addresses {
  temporal: { address: string };
  clusters: Record<string, { url: string; grpcUrl: string }>;
  stores: Record<string, { endpoint?: string }>;
}

export interface CutWorker {
  process: LocalProcess;
  temporal: CutProxy;
  /** By the name of the cluster or store: "target", "target.grpc", "offsite". */
  servers: Record<string, CutProxy>;
  /** Bytes that it has sent to all of its servers. */
  sent(): number;
  stop(): Promise<void>;
}

export async function startCutWorker(
  stack: Pick<TestStack, 'config' | 'folder'>,
  role: WorkerRole,
  name = `cut-${role}`,
): Promise<CutWorker> {
  const document = parse(await readFile(stack.config, 'utf8')) as Addresses;
  const proxies: CutProxy[] = [];
  const servers: Record<string, CutProxy> = {};
  const through = async (address: string, as: string): Promise<string> => {
    const proxy = await cutProxy(address);
    proxies.push(proxy);
    servers[as] = proxy;
    const url = new URL(address);
    url.port = String(proxy.port);
    return url.href.replace(/\/$/, '');
  };
  const temporal = await cutProxy(document.temporal.address);
  proxies.push(temporal);
  document.temporal.address = temporal.address;
  for (const [alias, cluster] of Object.entries(document.clusters)) {
    cluster.url = await through(cluster.url, alias);
    cluster.grpcUrl = await through(cluster.grpcUrl, `${alias}.grpc`);
  }
  for (const [alias, store] of Object.entries(document.stores ?? {})) {
    if (store.endpoint !== undefined) store.endpoint = await through(store.endpoint, alias);
  }
  const folder = join(stack.folder, name);
  const config = join(stack.folder, `${name}.yaml`);
  await writeFile(config, stringify(document), { mode: 0o600 });
  const process = await startWorkerProcess({
    role,
    config,
    folder,
    extraEnv: { FERRY_STATE_DIR: stack.folder },
  });
  return {
    process,
    temporal,
    servers,
    sent: () => Object.values(servers).reduce((sum, { passed }) => sum + passed.up, 0),
    stop: async () => {
      await process.kill();
      await Promise.all(proxies.map((proxy) => proxy.end()));
    },
  };
}
