// The smallest damage we can think of, all at once, one kind a point: the proof must find what the independent
// comparison finds, no more and no less, and the repair must mend it.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MigrationReport, VerificationReport } from '../../src/model/contracts/results.js';
import { type ComparedSides, compareSides, type FoundDifference } from '../support/compare-sides.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';
import { resultOf } from '../support/workflows-of.js';
import { fillHalves, fillWorst, WORST, WORST_HALVES } from '../support/worst-collection.js';
import { WORST_PAYLOADS } from '../support/worst-payloads.js';

let stack: TestStack;
let points: number;

beforeAll(async () => {
  stack = await startTestStack();
  points = await fillWorst(stack.source, WORST, { large: false, shards: 6, strict: true });
  expect(await ferry(stack, 'migrate', 'source', 'target', WORST, '--json')).toMatchObject({ code: 0 });
});
afterAll(async () => stack?.stop());

/** Over REST alone, in pages that the strict mode allows. */
function compare(name: string): Promise<ComparedSides> {
  const side = (which: 'source' | 'target') => ({ url: stack[which].url, collection: name, pageSize: 50 });
  return compareSides(side('source'), side('target'));
}

/** Payloads of the worst collection, and what becomes of them. */
const PAYLOADS: [string, string][] = [
  ['{"n":18446744073709551615}', '{"n":1.8446744073709552e19}'],
  ['{"n":9007199254740993}', '{"n":9007199254740992}'],
  ['{"x":-0.0}', '{"x":0.0}'],
  ['{"nothing":null}', '{}'],
  ['{"true":true,"false":false,"list":[true,false]}', '{"true":true,"false":false,"list":[false,true]}'],
  [
    '{"\\u00e9":"one code point","e\\u0301":"two code points"}',
    '{"\\u00e9":"two code points","e\\u0301":"one code point"}',
  ],
  [
    '{"deep":{"list":[{"n":18446744073709551615},[[9223372036854775809]]]}}',
    '{"deep":{"list":[{"n":18446744073709551615},[[9223372036854775808]]]}}',
  ],
  [
    '{"one":1,"also":1.0,"list":[1,1.0,[1.0,1]],"o":{"a":1.0,"b":1}}',
    '{"one":1,"also":1.0,"list":[1,1.0,[1.0,1]],"o":{"a":1.0,"b":1.0}}',
  ],
];
const VECTOR_LOST = '3000';
const ULP = '2005';

it('moves a collection of six shards whose strict mode allows small requests only', async () => {
  expect(await compare(WORST)).toEqual({ points, differences: [], configuration: [] });
});

it('finds the smallest damage of ten kinds, and names each point and what differs', async () => {
  for (const [before, after] of PAYLOADS) await overwritePayload(idOf(before), after);
  const vectors = `${collectionPath(WORST)}/points/vectors`;
  await rest(
    stack.target,
    'POST',
    `${vectors}/delete?wait=true`,
    `{"points":[${VECTOR_LOST}],"vector":["half rows"]}`,
  );
  const ulp = '{"indices":[4294967295,0,7],"values":[0.50000006,-0.25,1.0]}';
  await rest(
    stack.target,
    'PUT',
    `${vectors}?wait=true`,
    `{"points":[{"id":${ULP},"vector":{"words":${ulp}}}]}`,
  );

  const { differences } = await compare(WORST);
  expect(differences).toHaveLength(10);
  const run = await ferry(stack, 'verify', 'source', 'target', WORST, '--json');
  expect(run).toMatchObject({ code: 3 });
  const { proof } = await resultOf<VerificationReport>(
    stack.temporal,
    reportOf(run).collections[0]!.workflowId,
  );
  expect(proof).toMatchObject({
    equal: false,
    missing: 0,
    changed: 10,
    extra: 0,
    renormalised: 0,
    configuration: [],
  });
  expect(proof.first.map((one) => one.id).sort()).toEqual(idsIn(differences));
  const reported = Object.fromEntries(proof.first.map((one) => [one.id, one.fields]));
  expect(reported[VECTOR_LOST]).toEqual(['vector half rows']);
  expect(reported[idOf('{"nothing":null}')]).toEqual(['payload.nothing']);
  expect(await idsInReports(proof.reportKeys)).toEqual(idsIn(differences));
});

it('repairs all of it and nothing else, when the input says that the target may be changed', async () => {
  const run = await ferry(stack, 'migrate', 'source', 'target', WORST, '--json', '--delete-extras');
  expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
  const report = await resultOf<MigrationReport>(stack.temporal, `ferry/target/${WORST}`);
  expect(report.repaired).toEqual({ upserted: 10, deleted: 0 });
  expect(await compare(WORST)).toEqual({ points, differences: [], configuration: [] });
});

it('tells a damaged short float16 vector from those that were only normalised again', async () => {
  await fillHalves(stack.source);
  expect(await ferry(stack, 'migrate', 'source', 'target', WORST_HALVES, '--json')).toMatchObject({
    code: 0,
  });
  const before = (await compare(WORST_HALVES)).differences;
  expect(before.length).toBeGreaterThan(0);
  const sound = Array.from({ length: 50 }, (_, i) => String(i)).find(
    (id) => !before.some((one) => one.id === id),
  );
  const body = `{"points":[{"id":${sound},"vector":[0.5,-0.5,0.5,-0.5]}]}`;
  await rest(stack.target, 'PUT', `${collectionPath(WORST_HALVES)}/points/vectors?wait=true`, body);
  const run = await ferry(stack, 'verify', 'source', 'target', WORST_HALVES, '--json');
  expect(run).toMatchObject({ code: 3 });
  const { proof } = await resultOf<VerificationReport>(
    stack.temporal,
    reportOf(run).collections[0]!.workflowId,
  );
  expect(proof).toMatchObject({ changed: 1, renormalised: before.length });
  expect(proof.first.map((one) => one.id)).toEqual([sound]);
});

const idOf = (payload: string) => String(1_000 + WORST_PAYLOADS.indexOf(payload));
const idsIn = (found: FoundDifference[]) => found.map((one) => one.id).sort();

async function overwritePayload(id: string, payload: string): Promise<void> {
  const body = `{"payload":${payload},"points":[${id}]}`;
  await rest(stack.target, 'PUT', `${collectionPath(WORST)}/points/payload?wait=true`, body);
}

/** The full lists that the workers left as files, one JSON document a line. */
async function idsInReports(keys: string[]): Promise<string[]> {
  const texts = await Promise.all(keys.map((key) => readFile(fileURLToPath(key), 'utf8')));
  const lines = texts.flatMap((text) => text.trimEnd().split('\n'));
  return lines.map((line) => (JSON.parse(line) as { id: string }).id).sort();
}
