// Puts a snapshot into a shard or a collection of one node: fetched by the node, or sent to it as a form. Promises that the
// priority is always set (Qdrant's default has changed between versions), that it waits for the answer without a limit, and
// that no presigned URL gets into an error. Does not retry.

import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Schemas } from '@qdrant/js-client-rest';
import { Agent, request as send } from 'undici';
import type {
  Placing,
  RecoverySigns,
  ShardNode,
  ShardNodes,
  SnapshotFile,
} from '../cluster/receiver-port.js';
import { tlsOf, type ClusterConnection } from '../model/cluster.js';
import { FerryError, type ErrorCode } from '../model/errors.js';
import { requireCluster } from '../model/ferry-config.js';
import type { Json } from '../model/json.js';
import { clusterPath, localShards } from './control-layout.js';
import { answersTo, snapshotCounts, startOf, telemetryOf } from './node-telemetry.js';
import { toText, type Rest } from './openapi.js';
import type { RestNode } from './rest.js';
import { answerFailure, asLostAnswer, isQdrants, isUnsent, transportFailure } from './rest-failures.js';
import { addresses } from './snapshot-nodes.js';
import { storedPath } from './snapshots.js';

/** Read and hashed while the node takes what was sent. */
const READ_AHEAD_BYTES = 1024 ** 2;

export function shardNodes(clusters: Record<string, ClusterConnection>): ShardNodes {
  return {
    holding: async (cluster, wanted, signal) => {
      const connection = requireCluster({ clusters }, cluster);
      const node = await nodeWith(connection, wanted, signal);
      return new QdrantReceiver(node, wanted);
    },
  };
}

/** Any node with a replica, in whatever state: an attempt that died may have left it `Partial`. */
async function nodeWith(
  connection: ClusterConnection,
  { collection, shard, peer }: { collection: string; shard: number; peer?: string },
  signal: AbortSignal,
): Promise<RestNode> {
  const nodes = await addresses(connection, signal);
  const answers = await Promise.allSettled(nodes.map((node) => holds(node, collection, shard, signal)));
  signal.throwIfAborted();
  const holders = answers.flatMap((one) =>
    one.status === 'fulfilled' && one.value.holds ? [one.value] : [],
  );
  const chosen =
    peer === undefined ? holders[0] : holders.find((one) => one.peer === peer || one.peer === undefined);
  await Promise.all(nodes.filter((node) => node !== chosen?.node).map((node) => node.close()));
  if (chosen) return chosen.node;
  const lost = answers.find((one) => one.status === 'rejected');
  if (lost) throw lost.reason;
  const happened = `No node in ferry.yaml holds shard ${shard} of "${collection}"`;
  throw new FerryError('NodesUnknown', happened, { context: { cluster: connection.alias } });
}

async function holds(node: RestNode, collection: string, shard: number, signal: AbortSignal) {
  const answer = await clusterInfo(node, collection, signal);
  return { node, peer: toText(answer.peer_id), holds: localShards(answer).some(({ id }) => id === shard) };
}

function clusterInfo(node: RestNode, collection: string, signal: AbortSignal) {
  const options = { signal, timeoutMs: 10_000 };
  return node.json<Rest<'CollectionClusterInfo'>>('GET', clusterPath(collection), options);
}

/** Takes snapshots of a shard, or of a collection where no shard is named. */
export class QdrantReceiver implements ShardNode {
  readonly #node: RestNode;
  readonly #source: { collection: string; shard?: number };
  readonly #path: string;
  readonly #agent: Agent;

  constructor(node: RestNode, source: { collection: string; shard?: number }) {
    this.#node = node;
    this.#source = source;
    this.#path = storedPath(source);
    this.#agent = new Agent({ connect: { timeout: 2_000, ...tlsOf(node.connection) } });
  }

  async pull(location: string, { sha256, priority, apiKey }: Placing, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify({
      location,
      priority,
      ...(sha256 === undefined ? {} : { checksum: sha256 }),
      ...(apiKey === undefined ? {} : { api_key: apiKey }),
    } satisfies Schemas['SnapshotRecover']);
    const headers = { 'content-type': 'application/json' };
    const call = { method: 'PUT', path: `${this.#path}/recover?wait=true`, body, headers } as const;
    await this.#send(call, signal, () => true);
  }

  async push(file: SnapshotFile, placing: Placing, signal: AbortSignal): Promise<void> {
    const { sha256, priority } = placing;
    let isSent = false;
    const form = formOf(file, () => {
      placing.beforeEnd?.();
      isSent = true;
    });
    const query = new URLSearchParams({ priority, wait: 'true' });
    if (sha256 !== undefined) query.set('checksum', sha256);
    const body = Readable.from(form.body, { objectMode: false, highWaterMark: READ_AHEAD_BYTES });
    const { headers } = form;
    const call = { method: 'POST', path: `${this.#path}/upload?${query}`, body, headers } as const;
    await this.#send(call, signal, () => isSent);
  }

  async points(signal: AbortSignal): Promise<number | undefined> {
    const answer = await clusterInfo(this.#node, this.#source.collection, signal);
    return localShards(answer).find(({ id }) => id === this.#source.shard)?.points;
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#node.close()]);
  }

  async signs(signal: AbortSignal): Promise<RecoverySigns | undefined> {
    const telemetry = await telemetryOf(this.#node, signal);
    return telemetry === undefined ? undefined : signsIn(telemetry, this.#source);
  }

  /** `canTakeEffect`: whether enough was sent for the node to carry it out. */
  async #send(call: Call, signal: AbortSignal, canTakeEffect: () => boolean): Promise<void> {
    const { method, path, body, headers } = call;
    const { apiKey, alias } = this.#node.connection;
    const where = { cluster: alias, node: this.#node.url };
    const key: Record<string, string> = apiKey === undefined ? {} : { 'api-key': apiKey };
    const held = { headersTimeout: 0, bodyTimeout: 0, dispatcher: this.#agent };
    let failure: FerryError;
    try {
      const answer = await send(`${this.#node.url}${path}`, {
        ...{ method, body, signal, headers: { ...headers, ...key } },
        ...held,
      });
      const text = await answer.body.text();
      const isGood = answer.statusCode >= 200 && answer.statusCode < 300;
      if (isGood && isQdrants(text)) return;
      const refusal = answerFailure(answer.statusCode, text, answer.headers['retry-after'], path, where);
      failure = asMeant(refusal, answer.statusCode, text);
      if (isQdrants(text)) throw failure;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof FerryError) throw error;
      failure = transportFailure(error, where);
      if (isUnsent(error)) throw failure;
    }
    throw canTakeEffect() ? asLostAnswer(failure) : failure;
  }
}

interface Call {
  method: 'PUT' | 'POST';
  path: string;
  body: string | Readable;
  headers: Record<string, string>;
}

function signsIn(
  telemetry: Json,
  { collection, shard }: { collection: string; shard?: number },
): RecoverySigns {
  const kind = shard === undefined ? '' : '/shards/{}';
  const calls = [
    `PUT /collections/{}${kind}/snapshots/recover`,
    `POST /collections/{}${kind}/snapshots/upload`,
  ];
  return {
    running: snapshotCounts(telemetry, collection, 'running_snapshot_recovery'),
    answers: answersTo(telemetry, calls),
    ...startOf(telemetry),
  };
}

/** What Qdrant's 400 means, which only its sentence shows. */
function asMeant(refusal: FerryError, status: number, text: string): FerryError {
  const code = status === 400 ? meaning(text) : undefined;
  if (code === undefined) return refusal;
  return new FerryError(code, refusal.happened, { cause: refusal, context: refusal.context });
}

/**
 * "Checksum mismatch: …" or "Wrong input: Snapshot checksum mismatch: …"; "Failed to download snapshot from … status -
 * 503 Service Unavailable" (1.16.3) or "Failed to download tar from …" (1.17.0): there it was the file's server that
 * refused, and it may have been for that moment only.
 */
function meaning(text: string): ErrorCode | undefined {
  if (/checksum mismatch/i.test(text)) return 'SnapshotDamaged';
  const status = Number(/failed to download .* status - (\d{3})/i.exec(text)?.[1]);
  return status >= 500 || status === 408 || status === 429 ? 'QdrantUnavailable' : undefined;
}

/** A form of one file. The closing boundary goes out only when the whole body has passed. */
function formOf(
  file: SnapshotFile,
  beforeEnd?: () => void,
): { body: AsyncIterable<Uint8Array>; headers: Record<string, string> } {
  const boundary = `ferry-${randomBytes(16).toString('hex')}`;
  const name = file.name.replace(/[^A-Za-z0-9._-]/g, '_');
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="snapshot"; filename="${name}"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const body = async function* () {
    yield head;
    yield* file.body;
    beforeEnd?.();
    yield tail;
  };
  return {
    body: body(),
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      ...(file.bytes === undefined
        ? {}
        : { 'content-length': String(head.length + file.bytes + tail.length) }),
    },
  };
}
