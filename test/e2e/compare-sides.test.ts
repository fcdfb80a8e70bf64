// The comparator judges the product, so it is judged first: by damage made through Qdrant's own API.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type QdrantServer, startQdrant } from '../../src/local/index.js';
import { compareSides, type Side } from '../support/compare-sides.js';
import { parseExactly } from '../support/exact-json.js';
import { officialClient } from '../support/official-client.js';
import {
  addPrint,
  printOf,
  type PointPrints,
  printsOverRest,
  type RestPoint,
} from '../support/point-prints.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, createIndex, rest, upsertTexts } from '../support/rest-text.js';
import { DAMAGED_ID, EXTRA_ID, fillWorst, LOST_ID } from '../support/worst-collection.js';
import { WORST_PAYLOADS } from '../support/worst-payloads.js';

let folder: string;
let source: QdrantServer;
let target: QdrantServer;
let a: Side;
let b: Side;
let filled: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-e2e-'));
  source = await startQdrant({ version: '1.16.3', storageDir: join(folder, 'source') });
  target = await startQdrant({ version: '1.17.0', storageDir: join(folder, 'target') });
  a = { url: source.url, collection: 'worst' };
  b = { url: target.url, collection: 'worst' };
  filled = await fillWorst(a, 'worst', { ordinary: 60, large: false });
});
beforeEach(async () => void (await fillWorst(b, 'worst', { ordinary: 60, large: false })));
afterAll(async () => {
  await source?.stop();
  await target?.stop();
  await rm(folder, { recursive: true, force: true });
});

it('finds no difference between two collections made from the same text, though the versions spell numbers differently', async () => {
  const [overGrpc, too] = [
    { ...a, grpcUrl: source.grpcUrl },
    { ...b, grpcUrl: target.grpcUrl },
  ];
  expect(filled).toBeGreaterThan(120);
  expect(await compareSides(overGrpc, too)).toEqual({ points: filled, differences: [], configuration: [] });
});

it('reads the same as Qdrant’s own client, where JavaScript has the numbers', async () => {
  await fillRandom(b, { name: 'plain', points: 1_500 });
  const prints: PointPrints = new Map();
  let offset: unknown;
  do {
    const page = await officialClient(b).scroll('plain', {
      limit: 400,
      with_payload: true,
      with_vector: true,
      ...(typeof offset === 'number' || typeof offset === 'string' ? { offset } : {}),
    });
    for (const point of page.points)
      addPrint(prints, printOf(parseExactly(JSON.stringify(point)) as RestPoint));
    offset = page.next_page_offset;
  } while (offset !== null && offset !== undefined);
  expect(prints.size).toBe(1_500);
  expect(await printsOverRest(b, 'plain')).toEqual(prints);
});

it('finds one changed payload byte, one lost point and one extra point', async () => {
  await overwritePayload(DAMAGED_ID, '{"text":"to be damaged","n":0}');
  await rest(b, 'POST', `${collectionPath('worst')}/points/delete?wait=true`, `{"points":[${LOST_ID}]}`);
  await upsertTexts(b, 'worst', [`{"id":${EXTRA_ID},"vector":{},"payload":{}}`]);
  await createIndex(b, 'worst', 'one_more', '"keyword"');
  const { differences, configuration } = await compareSides(a, b);
  expect(differences).toEqual([
    { id: DAMAGED_ID, kind: 'changed', parts: ['payload'] },
    { id: LOST_ID.replaceAll('"', ''), kind: 'missing', parts: [] },
    { id: EXTRA_ID, kind: 'extra', parts: [] },
  ]);
  expect(configuration).toEqual(['payload_schema/one_more/data_type: absent and "keyword"']);
});

const nothing = String(1_000 + WORST_PAYLOADS.indexOf('{"nothing":null}'));
const border = String(1_000 + WORST_PAYLOADS.indexOf('{"n":9007199254740993}'));

it.each([
  ['1.0 for 1', DAMAGED_ID, '{"text":"to be damaged","n":1.0}'],
  ['a missing field for null', nothing, '{}'],
  ['the integer beside 2^53 + 1', border, '{"n":9007199254740992}'],
])('sees %s in a payload', async (_, id, payload) => {
  await overwritePayload(id, payload);
  expect((await compareSides(a, b)).differences).toEqual([{ id, kind: 'changed', parts: ['payload'] }]);
});

it('sees the sign of a zero in a vector', async () => {
  const body =
    '{"points":[{"id":3001,"vector":{"dense":[0.0,0.0,1.0,-1.0,3.4028235e38,1e-45,0.1,16777217.0]}}]}';
  await rest(b, 'PUT', `${collectionPath('worst')}/points/vectors?wait=true`, body);
  expect((await compareSides(a, b)).differences).toEqual([
    { id: '3001', kind: 'changed', parts: ['vector dense'] },
  ]);
});

function overwritePayload(id: string, payload: string): Promise<string> {
  const body = `{"payload":${payload},"points":[${id}]}`;
  return rest(b, 'PUT', `${collectionPath('worst')}/points/payload?wait=true`, body);
}
