// Wrappers around the ports: what cannot be undone requires a fresh lease first, so that no room and no activity can
// forget it. Reading passes as it is. Where a request takes long to send, the lease is asked for again before its last
// bytes go out.

import type { ClusterNode, ClusterNodes, SnapshotNode, SnapshotNodes } from '../cluster/snapshots-port.js';
import type { ShardNode, ShardNodes } from '../cluster/receiver-port.js';
import type { ObjectStore, Upload } from '../storage/object-store.js';
import type { ClusterControl, Controls } from '../cluster/control-port.js';
import type { Clusters, PointConnection } from '../cluster/points-port.js';
import { currentLease } from './lease.js';

/** Throws `LeaseLost` where another attempt may be at work by now. */
function requireLease(): void {
  currentLease()?.require();
}

const CONTROL_WRITES = [
  'create',
  'change',
  'remove',
  'createShardKey',
  'createIndex',
  'deleteIndex',
  'pointAliases',
] as const;

export function leasedControls(controls: Controls): Controls {
  const coats = new Map<ClusterControl, ClusterControl>();
  return {
    of: (alias) => once(coats, controls.of(alias), (control) => guarded(control, CONTROL_WRITES)),
    taskQueueOf: (alias) => controls.taskQueueOf(alias),
  };
}

export function leasedConnect(connect: Clusters['connect']): Clusters['connect'] {
  return (cluster, lane) => {
    const inner = connect(cluster, lane);
    return changed<PointConnection>(inner, {
      upsert: async (collection, key, page, signal) => {
        requireLease();
        await inner.upsert(collection, key, page, signal, requireLease);
      },
      delete: async (collection, key, ids, signal) => {
        requireLease();
        await inner.delete(collection, key, ids, signal, requireLease);
      },
    });
  };
}

export function leasedStores(open: (alias: string) => ObjectStore): (alias: string) => ObjectStore {
  const coats = new Map<ObjectStore, ObjectStore>();
  return (alias) => once(coats, open(alias), leasedStore);
}

export function leasedStore(inner: ObjectStore): ObjectStore {
  return changed(inner, {
    put: async (key, body, options) => {
      requireLease();
      return inner.put(key, body, { ...options, beforeRequest: requireLease });
    },
    delete: async (key) => {
      requireLease();
      await inner.delete(key, { beforeRequest: requireLease });
    },
    upload: async (key) => {
      requireLease();
      return leasedUpload(await inner.upload(key));
    },
    resumeUpload: async (key, id) => {
      const upload = await inner.resumeUpload(key, id);
      return upload && leasedUpload(upload);
    },
  });
}

function leasedUpload(upload: Upload): Upload {
  return guarded(upload, ['complete', 'abort']);
}

export function leasedSnapshotNodes(nodes: SnapshotNodes): SnapshotNodes {
  return {
    holding: async (...wanted) => leasedNode(await nodes.holding(...wanted)),
    only: async (...wanted) => leasedNode(await nodes.only(...wanted)),
  };
}

function leasedNode(node: SnapshotNode): SnapshotNode {
  return guarded(node, ['create', 'remove']);
}

export function leasedShardNodes(nodes: ShardNodes): ShardNodes {
  return { holding: async (...wanted) => leasedShardNode(await nodes.holding(...wanted)) };
}

function leasedShardNode<T extends ShardNode>(inner: T): T {
  const node = guarded(inner, ['pull']);
  return changed<ShardNode>(node, {
    push: async (file, placing, signal) => {
      requireLease();
      await inner.push(file, { ...placing, beforeEnd: requireLease }, signal);
    },
  }) as T;
}

export function leasedClusterNodes(open: ClusterNodes): ClusterNodes {
  return async (...wanted) => {
    const found = await open(...wanted);
    return { ...found, nodes: found.nodes.map(leasedClusterNode) };
  };
}

function leasedClusterNode(node: ClusterNode): ClusterNode {
  return changed(node, {
    snapshots: leasedNode(node.snapshots),
    receiver: (into) => leasedShardNode(node.receiver(into)),
  });
}

/** The same port, whose `writes` ask for the lease first. All of them return promises. */
function guarded<T extends object, K extends keyof T>(inner: T, writes: readonly K[]): T {
  const coats = writes.map((name) => {
    const write = inner[name] as (...args: unknown[]) => Promise<unknown>;
    const coat = async (...args: unknown[]): Promise<unknown> => {
      requireLease();
      return write.apply(inner, args);
    };
    return [name, coat];
  });
  return changed(inner, Object.fromEntries(coats) as Partial<T>);
}

/** The same object with some members replaced; the others are still its own, with its private state. */
function changed<T extends object>(inner: T, members: Partial<T>): T {
  return new Proxy(inner, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return members[name as keyof T];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

function once<T extends object>(made: Map<T, T>, inner: T, make: (inner: T) => T): T {
  const coat = made.get(inner) ?? make(inner);
  made.set(inner, coat);
  return coat;
}
