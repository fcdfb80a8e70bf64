// Every fault of docs/runbook.md that can happen to the bytes of a snapshot, on every route they take: the same fault ends
// with the same code, and nothing that looks whole is left behind. The stores are real folders; the nodes are in memory.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Pacer } from '../../src/cluster/pacer.js';
import type { SnapshotNode } from '../../src/cluster/snapshots-port.js';
import type { RecoverShardInput } from '../../src/model/contracts/recovery-activities.js';
import type { MoveShardInput } from '../../src/model/contracts/move-activities.js';
import { FerryError } from '../../src/model/errors.js';
import { captureStored, captureStreamed, type Capture } from '../../src/shards/capture-snapshot.js';
import { downloadToFile, type NamedSnapshot } from '../../src/shards/download-to-file.js';
import { freshDownload, storeSnapshot } from '../../src/shards/store-snapshot.js';
import { moveShard } from '../../src/shards/move-shard.js';
import { freshCapture } from '../../src/shards/node-file.js';
import { pump } from '../../src/shards/pump.js';
import { shardBytes } from '../../src/shards/recover-objects.js';
import type { ShardNode } from '../../src/cluster/receiver-port.js';
import { recoverShard } from '../../src/shards/recover-shard.js';
import { SnapshotCheck } from '../../src/shards/snapshot-check.js';
import { renamed } from '../../src/qdrant/files/tar-headers.js';
import type { ObjectStore, Upload } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { withInstead } from '../support/instead.js';
import { allOf, bytesOf } from '../support/object-stores.js';

const source = { collection: 'docs', shard: 0 };
const whole = tarOf('segments/one', 'shard_config.json');
const sha256 = hashOf(whole);
const CHUNK_BYTES = 700;
const INSIDE_AN_ENTRY = 600;

function tarOf(...names: string[]): Buffer {
  const entries = names.map((name) => [renamed(Buffer.alloc(512), name, 3_000), Buffer.alloc(3_072, name)]);
  return Buffer.concat([...entries.flat(), Buffer.alloc(1_024)]);
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function flippedAt(at: number): Buffer {
  const bytes = Buffer.from(whole);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes;
}

/** What a node sends instead of the snapshot. */
interface Sent {
  bytes: Buffer;
  /** Thrown after them. */
  error?: Error;
  /** What the node gives for the file: that of the whole, unless it is another file altogether. */
  isWholeFile?: false;
  /** After the first chunk. */
  cancel?: AbortController;
}

async function* sent({ bytes, error, cancel }: Sent, from = 0): AsyncGenerator<Uint8Array> {
  for (let at = from; at < bytes.length; at += CHUNK_BYTES) {
    yield bytes.subarray(at, at + CHUNK_BYTES);
    cancel?.abort(new Error('cancelled'));
  }
  if (error) throw error;
}

const fileOf = ({ bytes, isWholeFile }: Sent) =>
  isWholeFile === false ? { bytes: bytes.length, sha256: hashOf(bytes) } : { bytes: whole.length, sha256 };

let folder: string;
let store: ObjectStore;
let made = 0;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'ferry-bytes-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  made += 1;
  store = openStore({ alias: 'disk', url: pathToFileURL(join(folder, `store-${made}`)).href });
});

const named = (from: Sent): NamedSnapshot => ({
  ...{ name: 'it', etag: 'one', ...fileOf(from) },
  from: (position) => sent(from, position),
});

function nodeOf(from: Sent): SnapshotNode {
  const file = { name: 'docs-shard-0.snapshot', ...fileOf(from) };
  let isMade = false;
  return {
    url: 'http://node.test',
    stream: () => sent(from),
    create: async () => ((isMade = true), file),
    list: async () => (isMade ? [file] : []),
    download: async (_source, _name, position) => ({
      ...{ etag: 'one', bytes: file.bytes },
      body: sent(from, position),
    }),
    remove: async () => ((isMade = false), true),
    locate: () => ({ url: 'http://node.test/file' }),
    creations: async () => undefined,
    lastOperation: async () => undefined,
    close: async () => undefined,
  };
}

/** What has arrived whole at the receiving node. */
let received: Buffer[] = [];
beforeEach(() => void (received = []));

function receiver(refusal?: Error): ShardNode {
  return {
    push: async ({ body }) => {
      if (refusal) throw refusal;
      // As an HTTP client does, which hides why the body broke off.
      const bytes = await bytesOf(body).catch(() => Promise.reject(new Error('the body broke off')));
      received.push(bytes);
    },
    pull: async () => Promise.reject(new Error('nothing is pulled here')),
    points: async () => 0,
    signs: async () => undefined,
    close: async () => undefined,
  };
}

const never = new AbortController().signal;
const pacer = new Pacer({});

type Route = (from: Sent, signal: AbortSignal, refusal?: Error) => Promise<unknown>;

function captureFrom(from: Sent, signal: AbortSignal, into: ObjectStore): Capture {
  const objectOf = (nonce: string) => ({ store: into, key: `it-${nonce}`, documentKey: `it-${nonce}.json` });
  const state = freshCapture();
  return { what: 'it', source, node: nodeOf(from), objectOf, state, onProgress: () => undefined, signal };
}

const move =
  (mode: 'stream' | 'stored'): Route =>
  (from, signal, refusal) => {
    const input = {
      ...{ source: { cluster: 'a', ...source }, target: { cluster: 'b', collection: 'docs' } },
      placed: { shard: { id: 0, ordinal: 0 }, into: 0, peers: ['1'] },
      ...{ mode, via: 'push' },
    } as unknown as MoveShardInput;
    const deps = {
      nodes: { holding: async () => nodeOf(from), only: async () => nodeOf(from) },
      shardNodes: { holding: async () => receiver(refusal) },
    };
    const attempt = { state: freshCapture(), onProgress: () => undefined, remember: async () => undefined };
    return moveShard(deps, input, { ...attempt, signal, stop: never });
  };

const pathOf = () => join(folder, `file-${made}`);

const streams: Record<string, Route> = {
  'a capture by stream': (from, signal, refusal) =>
    captureStreamed(captureFrom(from, signal, refusing(store, refusal))),
  'a move by stream': move('stream'),
};
const files: Record<string, Route> = {
  'a capture of a stored file': (from, signal, refusal) =>
    captureStored(captureFrom(from, signal, refusing(store, refusal))),
  'a move of a stored file': move('stored'),
  'a download into a store': (from, signal, refusal) => {
    const attempt = { state: freshDownload(), onProgress: () => undefined, signal, stop: never };
    const download = { file: named(from), source, store: refusing(store, refusal), object: 'it' };
    return storeSnapshot(download, attempt);
  },
  'a download to a disk': (from, signal) =>
    downloadToFile({
      ...{ file: named(from), source, path: pathOf(), pacer, signal },
      onProgress: () => undefined,
    }),
  'a push of a file': (from, signal, refusal) => {
    const check = new SnapshotCheck({ what: 'it', source, ...fileOf(from) });
    return pump({ open: () => sent(from), check, signal }, ({ body }) =>
      receiver(refusal).push({ name: 'it', body: body() }, { priority: 'snapshot' }, signal),
    );
  },
};

function refusing(real: ObjectStore, refusal: Error | undefined): ObjectStore {
  if (!refusal) return real;
  const upload = async (key: string): Promise<Upload> =>
    withInstead(await real.upload(key), { putPart: () => Promise.reject(refusal) });
  return withInstead(real, { upload });
}

async function expectNothingWhole(): Promise<void> {
  expect(await allOf(store.list(''))).toEqual([]);
  expect(received).toEqual([]);
  expect(existsSync(pathOf())).toBe(false);
}

const broken = new FerryError('ClusterUnreachable', 'the connection broke');
const faults: [string, string, Sent][] = [
  ['a connection that breaks', 'ClusterUnreachable', { bytes: whole.subarray(0, 2_000), error: broken }],
  ['a body that ends early', 'SnapshotIncomplete', { bytes: whole.subarray(0, 2_000) }],
  ['a body that ends between two entries', 'SnapshotIncomplete', { bytes: whole.subarray(0, 3_584) }],
  ['a corrupt tar header', 'SnapshotDamaged', { bytes: flippedAt(3_584 + 5) }],
  ['a snapshot of another kind', 'SnapshotDamaged', { bytes: tarOf('config.json'), isWholeFile: false }],
];
const fileFaults: [string, string, Sent][] = [
  ['a bit that flipped inside an entry', 'SnapshotDamaged', { bytes: flippedAt(INSIDE_AN_ENTRY) }],
  ['a file cut on the disk', 'SnapshotDamaged', { bytes: whole.subarray(0, 2_000), isWholeFile: false }],
];

describe.each(Object.entries({ ...streams, ...files }))('%s', (name, route) => {
  it('brings all bytes', async () => {
    await route({ bytes: whole }, never);
    const [object] = await allOf(store.list(''));
    const arrived =
      object !== undefined
        ? await bytesOf(store.read(object.key))
        : (received[0] ?? (await readFile(pathOf())));
    expect(hashOf(arrived)).toBe(sha256);
  });

  it.each(name in files ? [...faults, ...fileFaults] : faults)('%s is %s', async (_, code, from) => {
    await expect(route(from, never)).rejects.toMatchObject({ code });
    await expectNothingWhole();
  });

  it('ends with the reason of whoever cancels it', async () => {
    const cancel = new AbortController();
    await expect(route({ bytes: whole, cancel }, cancel.signal)).rejects.toThrow('cancelled');
    await expectNothingWhole();
  });

  it.skipIf(name === 'a download to a disk').each([
    ['StoreFull', false],
    ['StoreThrottled', true],
    ['QdrantDiskFull', false],
  ] as const)('ends with %s when its receiver does', async (code, retryable) => {
    const refusal = new FerryError(code, 'no more');
    await expect(route({ bytes: whole }, never, refusal)).rejects.toMatchObject({ code, retryable });
    await expectNothingWhole();
  });
});

it('ends with StoreFull when the disk of a download is full', async () => {
  const { name, bytes, etag } = named({ bytes: whole });
  await symlink('/dev/full', `${pathOf()}.part`);
  await writeFile(`${pathOf()}.part.json`, JSON.stringify({ name, bytes, etag }));
  const download = files['a download to a disk'] as Route;
  await expect(download({ bytes: whole }, never)).rejects.toMatchObject({ code: 'StoreFull' });
  await expectNothingWhole();
});

describe('a recovery of a shard of a backup', () => {
  const recover = async (change: (body: Buffer) => Buffer, refusal?: Error) => {
    const half = Math.floor(whole.length / 2);
    const parts = [whole.subarray(0, half), whole.subarray(half)].map((body, at) => ({
      ...{ key: 'it', offset: at * half, bytes: body.length, sha256: hashOf(body) },
    }));
    await store.put('it', change(whole));
    const shard = {
      id: 0,
      ordinal: 0,
      name: 'it',
      bytes: whole.length,
      parts,
      startedAt: '',
      finishedAt: '',
    };
    const recoverable = {
      ...shard,
      read: (passing: { signal: AbortSignal }) => shardBytes(store, shard, passing),
      address: async () => undefined,
    };
    const input = { target: { collection: 'docs' }, shard: { into: 0 }, via: 'push' };
    const nodes = { holding: async () => receiver(refusal) };
    const log = { last: null, remember: async () => undefined };
    const step = input as unknown as RecoverShardInput;
    await recoverShard(nodes, recoverable, step, { signal: never }, log);
  };

  it('brings all bytes', async () => {
    await recover((body) => body);
    expect(received.map(hashOf)).toEqual([sha256]);
  });

  it.each([
    ['a bit that flipped', () => flippedAt(INSIDE_AN_ENTRY)],
    ['an object that was cut', (body: Buffer) => body.subarray(0, -1)],
  ])('%s is ObjectDamaged', async (_, change) => {
    await expect(recover(change)).rejects.toMatchObject({ code: 'ObjectDamaged', retryable: false });
    expect(received).toEqual([]);
  });

  it('ends with the code of its receiver when that one refuses', async () => {
    const refusal = new FerryError('QdrantDiskFull', 'no more');
    await expect(recover((body) => body, refusal)).rejects.toMatchObject({ code: 'QdrantDiskFull' });
  });
});
