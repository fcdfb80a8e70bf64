// One of Qdrant's own snapshots into a collection or a shard of one node. May be repeated: the content is replaced. What
// lies on the node or in a store passes through here: every byte is hashed and the archive looked at, and a file that is
// cut, or not the expected one, ends the upload before its last byte, so that Qdrant refuses it and nothing is
// changed. What the node fetches by itself is checked by Qdrant, where a checksum is given. A call whose answer was lost
// is settled first: no second one is sent beside it.

import { FerryError } from '../model/errors.js';
import type { RecoverOnNodeInput, RecoverOnNodeResult } from '../model/contracts/snapshot-activities.js';
import type { ObjectStore } from '../storage/object-store.js';
import { nodeNamed, sourceOf, withNodes, type ClusterNode, type ClusterNodes } from './cluster-nodes.js';
import { samePeer } from './create-snapshot.js';
import type { ShardNode, SnapshotFile } from '../shards/receiver-port.js';
import {
  settledPull,
  settledPush,
  settleEarlier,
  type CallSite,
  type FlightLog,
} from '../shards/settled-call.js';
import { pump } from '../shards/pump.js';
import { SnapshotCheck } from '../shards/snapshot-check.js';
import { fileOnNode } from './snapshot-file.js';

export interface RecoverDeps {
  open: ClusterNodes;
  openStore(alias: string): ObjectStore;
}

export interface Passing {
  log: FlightLog;
  signal: AbortSignal;
  onBytes(bytes: number): void;
}

export async function recoverOnNode(
  { open, openStore }: RecoverDeps,
  input: RecoverOnNodeInput,
  passing: Passing,
): Promise<RecoverOnNodeResult> {
  const { cluster, collection, shard, node, peer, from, priority, sha256 } = input;
  return withNodes(open, cluster, passing.signal, async (whole) => {
    const there = samePeer(cluster, nodeNamed(cluster, whole, node), peer);
    const receiver = there.receiver(shard === undefined ? { collection } : { collection, shard });
    try {
      const site = siteOf(receiver, input, passing);
      if ((await settleEarlier(site)) === 'found') return {};
      if ('url' in from) {
        const placing = sha256 === undefined ? { priority } : { priority, sha256 };
        await settledPull(site, () => receiver.pull(from.url, placing, passing.signal));
        return {};
      }
      const file =
        'name' in from
          ? await onNode(there, input, from.name, passing)
          : await inStore(openStore(from.store), from.object);
      return await pushChecked(input, file, passing, async (checked) => {
        const sized = { ...site, bytes: file.bytes };
        const push = (watched: SnapshotFile) => receiver.push(watched, { priority }, passing.signal);
        await settledPush(sized, checked, push);
      });
    } finally {
      await receiver.close();
    }
  });
}

/** The lock on what is written lets no other recovery of ours be meant by what the node tells. */
function siteOf(node: ShardNode, { shard }: RecoverOnNodeInput, { log, signal }: Passing): CallSite {
  return { node, log, signal, isAlone: true, isWhole: shard === undefined };
}

interface Source {
  name: string;
  bytes: number;
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

async function onNode(
  there: ClusterNode,
  { cluster, collection, shard }: RecoverOnNodeInput,
  name: string,
  { signal }: Passing,
): Promise<Source> {
  const scope = shard === undefined ? { collection } : { collection, shard };
  const file = await fileOnNode(cluster, there, scope, name, signal);
  return { name, bytes: file.bytes, open: (ends) => file.from(0, ends) };
}

async function inStore(store: ObjectStore, key: string): Promise<Source> {
  const found = await store.head(key);
  if (!found) {
    const context = { bucket: store.alias, key };
    throw new FerryError('ObjectMissing', `The store "${store.alias}" has no object ${key}`, { context });
  }
  const range = { from: 0, to: found.bytes };
  return {
    name: key.slice(key.lastIndexOf('/') + 1),
    bytes: found.bytes,
    open: (signal) => store.read(key, { range, signal }),
  };
}

async function pushChecked(
  input: RecoverOnNodeInput,
  { name, bytes, open }: Source,
  { signal, onBytes }: Passing,
  push: (checked: SnapshotFile) => Promise<unknown>,
): Promise<RecoverOnNodeResult> {
  const sha256 = input.sha256 === undefined ? {} : { sha256: input.sha256 };
  const check = new SnapshotCheck({ what: name, source: sourceOf(input), bytes, ...sha256 });
  await pump({ open, check, onBytes, signal }, ({ body }) => push({ name, bytes, body: body() }));
  return { bytes: check.bytes, sha256: check.sha256 ?? '' };
}
