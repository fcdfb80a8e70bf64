// A real Temporal server with its UI on this machine: the development server of the `temporal` command.

import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Connection } from '@temporalio/client';
import { withoutTemporalSettings } from '../config.js';
import { SEARCH_ATTRIBUTES } from '../model/names.js';
import { findBinary, type OnProgress } from './binaries.js';
import { acceptsConnections, freePorts } from './free-ports.js';
import { localProcess, withAddresses, type LocalProcess, type ProcessSpec } from './local-process.js';
import type { ProcessIdentity } from './process-identity.js';

export interface TemporalOptions {
  /** The database; start again with the same one to find the same workflows. */
  dbFile: string;
  log?: string;
  port?: number;
  uiPort?: number;
  /** False saves memory in tests. */
  ui?: boolean;
  onProgress?: OnProgress;
  onStart?: (identity: ProcessIdentity) => void;
}

export interface TemporalServer extends LocalProcess {
  readonly address: string;
  /** Of the web UI; empty without one. */
  readonly ui: string;
}

export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const server = await temporalServer(options);
  await server.start();
  return server;
}

/** Not started yet, or already running as `alreadyRunning`. */
export async function temporalServer(
  options: TemporalOptions,
  alreadyRunning?: ProcessIdentity,
): Promise<TemporalServer> {
  const [freePort, freeUiPort] = await freePorts(2);
  const port = options.port ?? freePort ?? 0;
  const uiPort = (options.ui ?? true) ? (options.uiPort ?? freeUiPort) : undefined;
  const dbFile = resolve(options.dbFile);
  await mkdir(dirname(dbFile), { recursive: true });
  if (alreadyRunning === undefined) await removeUnborn(dbFile);
  const address = `127.0.0.1:${port}`;
  const spec: ProcessSpec = {
    name: 'temporal',
    command: await findBinary('temporal', options.onProgress),
    args: startDev(port, uiPort, dbFile),
    // Settings of the user's own Temporal must not reach this one.
    env: withoutTemporalSettings(),
    logFile: options.log ?? `${dbFile}.log`,
    // A refused attempt makes the client wait a second before the next, so look for an open port first.
    isReady: async () =>
      (await acceptsConnections(port)) && (await hasDefaultNamespace(address)) && (await noteBorn(dbFile)),
    ...(options.onStart === undefined ? {} : { onStart: options.onStart }),
  };
  const addresses = { address, ui: uiPort === undefined ? '' : `http://127.0.0.1:${uiPort}` };
  return withAddresses(localProcess(spec, alreadyRunning), addresses);
}

/** A server killed while it created its database leaves a file without tables, with which no later one starts. */
async function removeUnborn(dbFile: string): Promise<void> {
  if (existsSync(bornFile(dbFile))) return;
  for (const file of [dbFile, `${dbFile}-wal`, `${dbFile}-shm`, `${dbFile}-journal`])
    await rm(file, { force: true });
}

async function noteBorn(dbFile: string): Promise<true> {
  await writeFile(bornFile(dbFile), '');
  return true;
}

const bornFile = (dbFile: string): string => `${dbFile}.complete`;

/** Half the processor time. A killed server loses nothing; a machine that loses its power may lose the last seconds. */
const PRAGMAS = ['journal_mode=wal', 'synchronous=normal'];

function startDev(port: number, uiPort: number | undefined, dbFile: string): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--db-filename', dbFile],
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort), '--ui-disable-news-fetch']),
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...['--log-level', 'error'],
  ];
}

async function hasDefaultNamespace(address: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: 1_000 });
  try {
    await connection.workflowService.describeNamespace({ namespace: 'default' });
    return true;
  } finally {
    await connection.close();
  }
}
