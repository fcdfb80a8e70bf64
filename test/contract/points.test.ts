import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import type { CompareSliceInput } from '../../src/model/contracts/slice-activities.js';
import { addDigests, sameDigest } from '../../src/model/format/digest.js';
import type { Slice } from '../../src/model/state/slice.js';
import { connectPoints } from '../../src/qdrant/points/point-connection.js';
import { compareSlice, freshCompareState, type CompareState } from '../../src/transfer/compare-slice.js';
import { copySlice, digestSlice, type CopyJob } from '../../src/transfer/copy-slice.js';
import { openFileReport } from '../../src/transfer/file-report.js';
import type { PointConnection, PointPage } from '../../src/cluster/points-port.js';
import { freshState, type WalkState } from '../../src/transfer/walk-slice.js';
import { createNotNumbers, fillNotNumbers, NOT_NUMBERS } from '../support/not-numbers.js';
import { rest } from '../support/rest-text.js';

let folder: string;
let source: QdrantServer;
let target: QdrantServer;
let from: PointConnection;
let to: PointConnection;

const NAME = 'points';
const CONFIGURATION = '{"vectors":{"size":4,"distance":"Dot"},"shard_number":3}';
const cluster = (alias: string, node: QdrantServer) => ({ alias, nodes: [node] });
const never = () => new AbortController().signal;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-points-'));
  source = await startQdrant({ version: '1.16.3', storageDir: join(folder, 'source') });
  target = await startQdrant({ version: '1.17.0', storageDir: join(folder, 'target') });
  from = connectPoints(cluster('source', source), 0);
  to = connectPoints(cluster('target', target), 0);
});
afterAll(async () => {
  from?.close();
  to?.close();
  await source?.stop();
  await target?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const side of [source, target]) {
    await rest(side, 'DELETE', `/collections/${NAME}`);
    await rest(side, 'PUT', `/collections/${NAME}`, CONFIGURATION);
  }
});

async function fill(side: QdrantServer, count: number, payload = (i: number) => `{"n":${i}}`): Promise<void> {
  const points = Array.from({ length: count }, (_, i) => {
    const id = i % 4 === 3 ? `"00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}"` : String(i);
    return `{"id":${id},"vector":[${i}.5,1,2,3],"payload":${payload(i)}}`;
  });
  await rest(side, 'PUT', `/collections/${NAME}/points?wait=true`, `{"points":[${points.join()}]}`);
}

const read = (mode: 'scroll' | 'idsFirst', more: object = {}) => ({
  collection: NAME,
  mode,
  pageBytes: 4_096,
  ...more,
});

async function pagesOf(connection: PointConnection, range: ReturnType<typeof read>): Promise<PointPage[]> {
  const pages: PointPage[] = [];
  for await (const page of connection.pages(range)) pages.push(page);
  return pages;
}

const idsOf = (pages: PointPage[]) =>
  pages.flatMap((page) => Array.from({ length: page.count }, (_, i) => page.idAt(i)));

function copyJob(slice: Slice = {}, more: Partial<CopyJob> = {}): CopyJob {
  return {
    collection: NAME,
    targetCollection: NAME,
    slice,
    state: freshState(undefined),
    read: { mode: 'idsFirst' },
    batchBytes: 4_096,
    budgetMs: 60_000,
    signal: never(),
    stop: never(),
    onProgress: () => undefined,
    reader: from,
    writer: to,
    ...more,
  };
}

const digestOf = async (connection: PointConnection) =>
  (await digestSlice({ ...copyJob(), reader: connection })).digest;

describe('reading points', () => {
  it('gives every point once and in order, the same by scroll and by ids first', async () => {
    await fill(source, 1_000);
    const scrolled = await pagesOf(from, read('scroll'));
    const byIds = await pagesOf(from, read('idsFirst'));
    expect(new Set(idsOf(scrolled)).size).toBe(1_000);
    expect(idsOf(byIds)).toEqual(idsOf(scrolled));
    expect(scrolled.length).toBeGreaterThan(10);
  });

  it('ends before the upper border and begins at a lower one that does not exist', async () => {
    await fill(source, 100);
    const ids = idsOf(await pagesOf(from, read('scroll', { from: '7', to: '12' })));
    expect(ids).toEqual(['8', '9', '10']);
    const last = idsOf(
      await pagesOf(from, read('idsFirst', { from: '99', to: '00000000-0000-4000-8000-00000000000b' })),
    );
    expect(last).toEqual(['00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000007']);
  });

  it('keeps to the wanted bytes where small points are followed by points of several MB', async () => {
    await fill(source, 300);
    for (let i = 0; i < 18; i++) {
      const big = `{"id":${10_000 + i},"vector":[1,2,3,4],"payload":{"text":"${'x'.repeat(4_000_000)}"}}`;
      await rest(source, 'PUT', `/collections/${NAME}/points?wait=true`, `{"points":[${big}]}`);
    }
    for (const mode of ['scroll', 'idsFirst'] as const) {
      const pages = await pagesOf(from, read(mode, { pageBytes: 2_000_000 }));
      expect(idsOf(pages)).toHaveLength(318);
      expect(Math.max(...pages.map((page) => page.bytes))).toBeLessThan(64 << 20);
    }
  });

  it('names the collection that does not exist', async () => {
    await expect(pagesOf(from, { ...read('scroll'), collection: 'nowhere' })).rejects.toMatchObject({
      code: 'CollectionNotFound',
      message: expect.stringContaining('nowhere'),
    });
  });
});

describe('copying a slice', () => {
  it('claims what is on the target: counts, bytes, and a digest that the target confirms', async () => {
    await fill(source, 2_000);
    const claim = await copySlice(copyJob());
    expect(claim).toMatchObject({ done: true, points: 2_000 });
    expect(await digestOf(to)).toEqual(claim.digest);
  });

  it('carries integers of 2^63 and more exactly, at any depth', async () => {
    await fill(
      source,
      60,
      (i) => `{"n":${i},"deep":[{"u":18446744073709551615,"d":1.8446744073709552e19,"f":1.0}]}`,
    );
    const claim = await copySlice(copyJob());
    expect(await digestOf(to)).toEqual(claim.digest);
    const text = await rest(target, 'POST', `/collections/${NAME}/points`, '{"ids":[4],"with_payload":true}');
    expect(text).toContain('"u":18446744073709551615');
    expect(text).toContain('"d":1.8446744073709552e+19');
  });

  it('stops in good order when asked, and continues from its cursor to the same digest', async () => {
    await fill(source, 3_000);
    const stop = new AbortController();
    const onProgress = (state: WalkState) => void (state.points > 500 && stop.abort(new Error('CANCELLED')));
    const first = await copySlice(copyJob({}, { stop: stop.signal, onProgress }));
    expect(first.done).toBe(false);
    const rest = await copySlice(copyJob({}, { state: freshState(first.cursor) }));
    expect(rest.done).toBe(true);
    expect(first.points + rest.points).toBe(3_000);
    expect(await digestOf(to)).toEqual(addDigests(first.digest, rest.digest));
  });

  it('returns when its budget is spent, with a cursor that is true', async () => {
    await fill(source, 2_000);
    const claim = await copySlice(copyJob({}, { budgetMs: 1, maxPointsPerSecond: 2_000 }));
    expect(claim.done).toBe(false);
    const onTarget = await digestSlice({ ...copyJob({ to: claim.cursor! }), reader: to });
    expect(onTarget.digest).toEqual(claim.digest);
  });

  it('holds a pace, evenly', async () => {
    await fill(source, 1_000);
    const began = performance.now();
    const seen: number[] = [];
    await copySlice(
      copyJob({}, { maxPointsPerSecond: 1_000, onProgress: ({ points }) => seen.push(points) }),
    );
    expect(performance.now() - began).toBeGreaterThan(600);
    expect(seen.length).toBeGreaterThanOrEqual(4);
  });

  it('fails as retryable when the target dies, and loses nothing when it continues', async () => {
    await fill(source, 3_000);
    let last: WalkState = freshState(undefined);
    const onProgress = (state: WalkState) => {
      if (last.points === 0) void target.kill();
      last = state;
    };
    await expect(copySlice(copyJob({}, { onProgress }))).rejects.toMatchObject({ retryable: true });
    await target.start();
    const claim = await copySlice(copyJob({}, { state: last }));
    expect(claim.points).toBe(3_000);
    expect(await digestOf(to)).toEqual(claim.digest);
    expect(await digestOf(from)).toEqual(claim.digest);
  });
});

describe('vectors that hold NaN or infinity', () => {
  const both = () => [
    { written: source, reader: from, other: target, writer: to },
    { written: target, reader: to, other: source, writer: from },
  ];
  const name = { collection: NOT_NUMBERS, targetCollection: NOT_NUMBERS };
  const job = (more: Partial<CopyJob>) => copyJob({}, { ...name, ...more });

  it('arrive bit for bit, also where Qdrant normalises them', async () => {
    for (const { written, reader, other, writer } of both()) {
      const count = await fillNotNumbers(written);
      await createNotNumbers(other);
      const claim = await copySlice(job({ reader, writer }));
      expect(claim.points).toBe(count);
      expect((await digestSlice({ ...job({}), reader: writer })).digest).toEqual(claim.digest);
    }
  });

  it('arrive with integers of 2^63 and more in their payloads', async () => {
    await fillNotNumbers(source);
    await createNotNumbers(target);
    const wide = '{"payload":{"wide":18446744073709551615},"filter":{}}';
    await rest(source, 'POST', `/collections/${NOT_NUMBERS}/points/payload?wait=true`, wide);
    const claim = await copySlice(job({}));
    expect((await digestSlice({ ...job({}), reader: to })).digest).toEqual(claim.digest);
  });

  it('are named by point and vector where REST is all there is', async () => {
    await fillNotNumbers(source);
    const text = connectPoints({ ...cluster('source', source), grpc: false }, 0);
    try {
      await expect(digestSlice({ ...job({}), reader: text })).rejects.toMatchObject({
        code: 'VectorNotNumbers',
        retryable: false,
        context: { point: '2', vector: expect.stringMatching(/^(angle|half|rows|flat)$/) as string },
      });
      await createNotNumbers(target);
      const page = await from.byId(NOT_NUMBERS, undefined, ['3']);
      await expect(text.upsert(NOT_NUMBERS, undefined, page)).rejects.toMatchObject({
        code: 'VectorNotNumbers',
        context: { point: '3' },
      });
    } finally {
      text.close();
    }
  });
});

describe('comparing a slice', () => {
  const pin = { version: '', peers: [], identity: [], shape: '' };
  const ref = (cluster: string) => ({ cluster, collection: NAME });

  async function compare(more: Partial<CompareSliceInput> = {}): Promise<CompareState> {
    const input: CompareSliceInput = {
      what: 'compare',
      slice: {},
      budgetMs: 60_000,
      batchBytes: 4_096,
      lane: 0,
      stallAfterAttempts: 3,
      source: ref('source'),
      target: ref('target'),
      sourcePin: pin,
      targetPin: pin,
      sourceRead: { mode: 'idsFirst' },
      targetRead: { mode: 'scroll' },
      mode: 'report',
      extras: 'report',
      report: { job: 'a/b', collection: NAME, pass: 1, slice: 1 },
      recheckAfterMs: 0,
      ...more,
    };
    const report = openFileReport(folder, input.report);
    const job = { input, source: from, target: to, renormalisable: new Set<string>(), report };
    const signals = { signal: never(), stop: never(), onProgress: () => undefined };
    return compareSlice({ ...job, ...signals, state: freshCompareState(undefined) });
  }

  async function damage(): Promise<void> {
    await rest(
      target,
      'POST',
      `/collections/${NAME}/points/payload?wait=true`,
      '{"payload":{"n":-1},"points":[8]}',
    );
    await rest(
      target,
      'PUT',
      `/collections/${NAME}/points/vectors?wait=true`,
      '{"points":[{"id":9,"vector":[9,9,9,9]}]}',
    );
    await rest(target, 'POST', `/collections/${NAME}/points/delete?wait=true`, '{"points":[20]}');
    const extra = '{"points":[{"id":18446744073709551615,"vector":[1,1,1,1],"payload":{}}]}';
    await rest(target, 'PUT', `/collections/${NAME}/points?wait=true`, extra);
  }

  const FOUND = [
    { id: '8', kind: 'changed', fields: ['payload.n'] },
    { id: '9', kind: 'changed', fields: ['vector'] },
    { id: '20', kind: 'missing' },
    { id: '18446744073709551615', kind: 'extra' },
  ];

  beforeEach(async () => {
    await fill(source, 500);
    await fill(target, 500);
  });

  it('finds nothing where nothing differs', async () => {
    const state = await compare();
    expect(state).toMatchObject({ done: true, points: 500, missing: 0, changed: 0, extra: 0, first: [] });
    expect(sameDigest(state.digest, await digestOf(from))).toBe(true);
  });

  it('names each changed, lost and surplus point, writes nothing, and lists them in the report', async () => {
    await damage();
    const before = await digestOf(to);
    const state = await compare();
    expect(state).toMatchObject({ missing: 1, changed: 2, extra: 1, upserted: 0, deleted: 0 });
    expect(state.first).toEqual(FOUND);
    expect(await digestOf(to)).toEqual(before);
    const { key } = openFileReport(folder, { job: 'a/b', collection: NAME, pass: 1, slice: 1 });
    const lines = (await readFile(fileURLToPath(key), 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(FOUND);
  });

  it('repairs all of it on a target that is ours', async () => {
    await damage();
    expect(await compare({ mode: 'repair', extras: 'delete' })).toMatchObject({ upserted: 3, deleted: 1 });
    expect(await digestOf(to)).toEqual(await digestOf(from));
  });

  it('never deletes where it may not', async () => {
    await damage();
    expect(await compare({ mode: 'repair', extras: 'report' })).toMatchObject({
      upserted: 3,
      deleted: 0,
      extra: 1,
    });
    expect(await compare({ mode: 'repair', extras: 'ignore' })).toMatchObject({
      upserted: 0,
      deleted: 0,
      extra: 0,
    });
    expect((await digestOf(to)).count).toBe(501);
  });

  it('fills a target that has lost everything', async () => {
    await rest(target, 'POST', `/collections/${NAME}/points/delete?wait=true`, '{"filter":{}}');
    expect(await compare({ mode: 'repair', extras: 'delete' })).toMatchObject({
      missing: 500,
      upserted: 500,
    });
    expect(await digestOf(to)).toEqual(await digestOf(from));
  });
});
