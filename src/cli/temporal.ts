// The command's connection to Temporal: calls with a deadline, repeated while the server is unavailable, and a link to
// the Temporal UI.

import { Client, Connection } from '@temporalio/client';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import { temporalConnection } from '../config.js';
import type { FerryConfig } from '../model/ferry-config.js';

/** A call that has no answer after this time counts as "away" and is made again. */
const CALL_MS = 6_000;

export interface Temporal {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  /** Where the workflow stands in the Temporal UI. */
  link(workflowId: string): string;
  /** With a deadline. */
  call<T>(ask: () => Promise<T>, withinMs?: number): Promise<T>;
  close(): Promise<void>;
}

/** Of this command alone: no setting of the user's Temporal concerns it. */
export interface EmbeddedTemporal {
  address: string;
  ui: string;
}

export function openTemporal(config: FerryConfig | undefined, embedded?: EmbeddedTemporal): Temporal {
  const settings = embedded ? { connectionOptions: embedded } : temporalConnection(config);
  const { connectionOptions, namespace = 'default' }: ClientConnectConfig = settings;
  const ui = embedded?.ui ?? config?.temporal.ui;
  const address = connectionOptions.address ?? '127.0.0.1:7233';
  const connection = Connection.lazy({
    address,
    // No retries inside the client: `keepTrying` knows how to wait, and says so.
    interceptors: [],
    // Left to itself gRPC waits up to two minutes before it looks for a server again.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 500, 'grpc.max_reconnect_backoff_ms': 2_000 },
    ...(connectionOptions.tls === undefined ? {} : { tls: connectionOptions.tls }),
    ...(connectionOptions.apiKey === undefined ? {} : { apiKey: connectionOptions.apiKey }),
    ...(connectionOptions.metadata === undefined ? {} : { metadata: textOnly(connectionOptions.metadata) }),
  });
  return {
    client: new Client({ connection, namespace }),
    address,
    namespace,
    link: (workflowId) => workflowLink(address, namespace, workflowId, ui),
    call: (ask, withinMs = CALL_MS) => connection.withDeadline(Date.now() + withinMs, ask),
    close: () => connection.close(),
  };
}

function textOnly(metadata: Record<string, string | Buffer>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

// The address of a workflow in the Temporal UI. ferry.yaml may name the UI; otherwise it is where the dev server
// and Temporal Cloud have it.

export function workflowLink(address: string, namespace: string, workflowId: string, ui?: string): string {
  const root = (ui ?? usualUi(address)).replace(/\/+$/, '');
  return `${root}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}

function usualUi(address: string): string {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  if (/\.tmprl\.cloud$|\.temporal\.io$/.test(host)) return 'https://cloud.temporal.io';
  const port = Number(address.slice(colon + 1));
  return `http://${host}:${port + 1_000}`;
}
