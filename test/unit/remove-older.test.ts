// `keepOnNode` on a node and a store in memory: in which order it works, and what an attempt that was cut off leaves.

import { beforeEach, describe, expect, it } from 'vitest';
import type { ClusterNode, ClusterNodes, NodeFile } from '../../src/cluster/snapshots-port.js';
import type { ListedSnapshot } from '../../src/model/contracts/snapshot-activities.js';
import { FerryError } from '../../src/model/errors.js';
import { snapshotRecordKey, snapshotRecords } from '../../src/model/format/backup-names.js';
import { removeOlder } from '../../src/snapshots/remove-older.js';
import { recordOf, recordsBeside, writeRecord } from '../../src/snapshots/snapshot-records.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { MemoryStore } from '../support/memory-store.js';
import { allOf } from '../support/object-stores.js';
import { NEVER } from '../support/pruned-stores.js';

const NODE = { node: 'http://n0:6333', peer: '7' };
const FOLDER = snapshotRecords({ cluster: 'prod', peer: '7' }, { collection: 'docs' });
const snapshot = (day: number): ListedSnapshot => ({
  ...{ ...NODE, name: `docs-7-2026-11-${day}-02-00-00.snapshot`, bytes: 100 + day },
  ...{ sha256: String(day).padStart(64, '0'), createdAt: `2026-11-${day}T02:00:00Z` },
});
const [first, second, third, fourth] = [10, 11, 12, 13].map(snapshot) as [
  ListedSnapshot,
  ListedSnapshot,
  ListedSnapshot,
  ListedSnapshot,
];

let store: MemoryStore;
let files: Map<string, NodeFile>;
/** What the node and the store were asked, in order. */
let asked: string[];
let onRemove: (name: string) => void;

const lay = ({ name, bytes, sha256 }: ListedSnapshot) =>
  files.set(name, { name, bytes, sha256: sha256 ?? '' });
const recorded = (made: ListedSnapshot, into: ObjectStore = store) =>
  writeRecord(into, recordOf({ cluster: 'prod', collection: 'docs', made, job: 'nightly' }));

beforeEach(async () => {
  [store, files, asked] = [new MemoryStore(), new Map(), []];
  onRemove = () => undefined;
  for (const one of [first, second, third, fourth]) {
    lay(one);
    await recorded(one);
  }
});

const nodes: ClusterNodes = () => {
  const snapshots = {
    list: () => {
      asked.push('list');
      return Promise.resolve([...files.values()]);
    },
    remove: (_source: unknown, name: string) => {
      asked.push(`remove ${name}`);
      onRemove(name);
      return Promise.resolve(files.delete(name));
    },
  };
  const node = { url: NODE.node, peer: NODE.peer, snapshots, close: () => Promise.resolve() };
  return Promise.resolve({ nodes: [node as unknown as ClusterNode], silent: [] });
};

/** The store, with other calls. */
function storeWith(calls: Partial<ObjectStore>): ObjectStore {
  return new Proxy<ObjectStore>(store, {
    get(target, name) {
      if (Object.hasOwn(calls, name)) return calls[name as keyof ObjectStore];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

interface Keep {
  made?: ListedSnapshot;
  into?: ObjectStore;
  begun?: string[];
  begin?: (names: string[]) => Promise<void>;
}

function keep(number: number, { made = fourth, into = store, begun = [], begin }: Keep = {}) {
  const input = { what: 'keep', cluster: 'prod', collection: 'docs', store: store.alias, made, keep: number };
  const attempt = { job: 'nightly', begun, begin: begin ?? (() => Promise.resolve()), signal: NEVER };
  return removeOlder({ open: nodes, store: into }, input, attempt);
}

const onNode = () => [...files.keys()].sort();
const onRecord = async () => {
  const keys = await allOf(store.list(FOLDER));
  return keys.map(({ key }) => key.slice(FOLDER.length, -'.json'.length)).sort();
};
const names = (...some: ListedSnapshot[]) => some.map(({ name }) => name);

describe('the older snapshots', () => {
  it('go, the oldest first, and their records with them', async () => {
    expect(await keep(2)).toEqual({ removed: names(first, second), notOurs: 0, notes: [] });
    expect([onNode(), await onRecord()]).toEqual([names(third, fourth), names(third, fourth)]);
    expect(await keep(2)).toEqual({ removed: [], notOurs: 0, notes: [] });
  });

  it('of another scope, or another node, are not looked at', async () => {
    const others = [{ shard: 0, collection: 'docs' }, { collection: 'docs-2' }, {}];
    for (const scope of others)
      await writeRecord(store, recordOf({ cluster: 'prod', ...scope, made: first, job: 'nightly' }));
    await writeRecord(
      store,
      recordOf({ cluster: 'prod', collection: 'docs', made: { ...first, peer: '8' }, job: 'nightly' }),
    );
    const all = (await allOf(store.list('.ferry-snapshots/'))).length;
    await keep(1);
    expect((await allOf(store.list('.ferry-snapshots/'))).length).toBe(all - 3);
  });

  it('that were deleted by hand leave the record', async () => {
    files.delete(first.name);
    files.delete(third.name);
    expect(await keep(9)).toMatchObject({ removed: [], notOurs: 0 });
    expect(await onRecord()).toEqual(names(second, fourth));
  });

  it('that disappear while they are deleted count as deleted', async () => {
    onRemove = (name) => void files.delete(name);
    expect((await keep(3)).removed).toEqual(names(first));
    expect(await onRecord()).toEqual(names(second, third, fourth));
  });

  it('stay when another file took the name a moment ago', async () => {
    onRemove = () => lay({ ...second, sha256: 'f'.repeat(64) });
    const { removed, notOurs, notes } = await keep(2);
    expect([removed, notOurs, onNode()]).toEqual([names(first), 1, names(second, third, fourth)]);
    expect(notes.join()).toContain(
      `another file has the name of a recorded snapshot, and stays: ${second.name}`,
    );
    expect(await onRecord()).toEqual(names(second, third, fourth));
  });
});

describe('an attempt that is cut off', () => {
  it('between the file and its record is continued, and what it deleted is reported', async () => {
    let begun: string[] = [];
    const begin = async (some: string[]) => void (begun = some);
    const dies = storeWith({ delete: () => Promise.reject(new Error('killed')) });
    await expect(keep(2, { into: dies, begin })).rejects.toThrow('killed');
    expect([onNode(), await onRecord()]).toEqual([
      names(second, third, fourth),
      names(first, second, third, fourth),
    ]);
    expect((await keep(2, { begun, begin })).removed).toEqual(names(first, second));
    expect([onNode(), await onRecord()]).toEqual([names(third, fourth), names(third, fourth)]);
  });

  it('has told what it is about to delete before it deletes', async () => {
    await keep(2, { begin: async (some) => void asked.push(`begin ${some.join(' ')}`) });
    expect(asked.indexOf(`begin ${first.name} ${second.name}`)).toBe(1);
    expect(asked[0]).toBe('list');
  });
});

describe('the records', () => {
  it('are read before the node is asked: another installation’s newest one is not taken for gone', async () => {
    const fifth = snapshot(14);
    const slow = storeWith({
      list: async function* (prefix: string) {
        yield* store.list(prefix);
        // Its snapshot is made, and recorded, between our two looks.
        lay(fifth);
        await recorded(fifth);
      },
    });
    await keep(4, { into: slow });
    expect(await onRecord()).toEqual(names(first, second, third, fourth, fifth));
  });

  it('of two installations that work at the same time leave the newest of both', async () => {
    const runs = await Promise.all([keep(2, { made: third }), keep(2, { made: fourth }), keep(3)]);
    expect(new Set(runs.flatMap(({ removed }) => removed))).toEqual(new Set(names(first, second)));
    expect([onNode(), await onRecord()]).toEqual([names(third, fourth), names(third, fourth)]);
  });

  it('that cannot be read stay, are named, and so do their files', async () => {
    const [damaged, newer, moved] = [first, second, third].map(({ name }) =>
      snapshotRecordKey(FOLDER, name),
    ) as [string, string, string];
    store.write(damaged, '{"format":');
    store.write(newer, { format: 'qdrant-ferry/snapshot', version: 99 });
    store.write(moved, recordOf({ cluster: 'prod', collection: 'other', made: third, job: 'nightly' }));
    const { removed, notOurs, notes } = await keep(1);
    expect([removed, notOurs, onNode()]).toEqual([[], 3, names(first, second, third, fourth)]);
    expect(notes).toEqual([
      `3 records of snapshots on http://n0:6333 cannot be read; they stay, and so do their files: ${damaged} (ManifestInvalid), ${newer} (ManifestTooNew), ${moved} (ManifestInvalid).`,
    ]);
  });

  it('that cannot be deleted are no reason to leave the files', async () => {
    const refused = storeWith({ delete: () => Promise.reject(new FerryError('StoreAccessDenied', 'no')) });
    const { removed, notes } = await keep(2, { into: refused });
    expect([removed, onNode()]).toEqual([names(first, second), names(third, fourth)]);
    expect(notes).toEqual([expect.stringContaining('2 snapshots that are gone')]);
    expect(await keep(2)).toEqual({ removed: [], notOurs: 0, notes: [] });
    expect(await onRecord()).toEqual(names(third, fourth));
  });

  it('end the attempt where the store refuses to be read', async () => {
    const shut = storeWith({
      read: async function* () {
        await Promise.reject(new FerryError('StoreAccessDenied', 'no'));
        yield new Uint8Array();
      },
    });
    await expect(keep(1, { into: shut })).rejects.toMatchObject({ code: 'StoreAccessDenied' });
    expect(onNode()).toHaveLength(4);
  });

  it('are refused where Qdrant gives no checksum', () => {
    const { sha256: _sha256, ...made } = first;
    expect(() => recordOf({ cluster: 'prod', made, job: 'nightly' })).toThrow(/cannot be recorded/);
  });

  it('read as they were written', async () => {
    const ours = recordOf({ cluster: 'prod', collection: 'docs', made: fourth, job: 'nightly' });
    const { records, unreadable } = await recordsBeside(store, ours, NEVER);
    expect(unreadable).toEqual([]);
    expect(records.map(({ name, sha256, createdAt }) => [name, sha256, createdAt])).toEqual(
      [first, second, third, fourth].map(({ name, sha256, createdAt }) => [
        name,
        sha256,
        new Date(createdAt ?? '').toISOString(),
      ]),
    );
  });
});

it('nothing is deleted where the address leads to another peer by now', async () => {
  await expect(keep(1, { made: { ...fourth, peer: '8' } })).rejects.toMatchObject({ code: 'ClusterChanged' });
  expect(onNode()).toHaveLength(4);
});
