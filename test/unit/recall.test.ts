import { describe, expect, it } from 'vitest';
import { recallDocumentSchema, queriesIn } from '../../src/model/format/recall-document.js';
import { collectionManifestSchema, partsOf } from '../../src/model/format/manifest.js';
import { parseDocument } from '../../src/model/format/parse-document.js';
import {
  NO_RECALL,
  addQuery,
  addTallies,
  fairShare,
  foundAgain,
  hasFallen,
  sharesOf,
  spreadOver,
  type Neighbour,
} from '../../src/model/format/recall.js';

const near = (...pairs: [string, number | null][]): Neighbour[] =>
  pairs.map(([id, score]) => ({ id, score }));

describe('neighbours found again', () => {
  const wanted = near(['1', 9], ['2', 8], ['18446744073709551615', 5]);

  it('are counted by id, whatever their order', () => {
    expect(foundAgain(wanted, near(['18446744073709551615', 5], ['1', 9], ['3', 8.5]))).toBe(2);
    expect(foundAgain(wanted, wanted)).toBe(3);
    expect(foundAgain(wanted, [])).toBe(0);
  });

  it('tell ids apart that are one number to JavaScript', () => {
    expect(foundAgain(wanted, near(['18446744073709551614', 4]))).toBe(0);
  });

  it('are as good when another point is just as near', () => {
    expect(foundAgain(wanted, near(['1', 9], ['2', 8], ['other', 5]))).toBe(3);
    expect(foundAgain(wanted, near(['1', 9], ['2', 8], ['other', 5.000001]))).toBe(3);
    expect(foundAgain(wanted, near(['1', 9], ['2', 8], ['other', 4.9]))).toBe(2);
  });

  it('have only one stand-in for each that is missing', () => {
    const tied = near(['a', 5], ['b', 5], ['c', 5]);
    expect(foundAgain(tied, near(['a', 5], ['x', 5]))).toBe(2);
    expect(foundAgain(tied, near(['x', 5], ['y', 5], ['z', 5]))).toBe(3);
  });

  it('may have scores that no float holds', () => {
    expect(foundAgain(near(['a', null]), near(['x', null]))).toBe(1);
    expect(foundAgain(near(['a', null]), near(['x', 1]))).toBe(0);
  });
});

describe('the shares', () => {
  const then = { exact: near(['a', 3], ['b', 2]), approximate: near(['a', 3]) };

  it('are of all neighbours that the source found exactly, and know what it found approximately itself', () => {
    const one = addQuery(NO_RECALL, then, { exact: then.exact, approximate: near(['b', 2]) });
    const other = addQuery(NO_RECALL, then, { exact: near(['a', 3]), approximate: [] });
    const shares = { exact: 0.75, approximate: 0.25, atCapture: 0.5, queries: 2 };
    expect(sharesOf(addTallies(one, other))).toEqual(shares);
  });

  it('are none where nothing was asked', () => {
    expect(sharesOf(NO_RECALL)).toBeUndefined();
  });

  it('have fallen only when it is more than chance', () => {
    const shares = { exact: 1, atCapture: 0.98, queries: 20 };
    expect(hasFallen({ ...shares, approximate: 0.94 })).toBe(false);
    expect(hasFallen({ ...shares, approximate: 0.9 })).toBe(true);
    expect(hasFallen({ ...shares, approximate: 1 })).toBe(false);
  });
});

describe('points over shard keys', () => {
  it('go to all of them, and what one cannot give to those behind it', () => {
    expect([fairShare(20, 3), fairShare(13, 2), fairShare(6, 1)]).toEqual([7, 7, 6]);
    expect([fairShare(20, 2), fairShare(0, 1), fairShare(5, 0)]).toEqual([10, 0, 0]);
  });

  it('go evenly over a part of them when there are too many', () => {
    expect(spreadOver([1, 2, 3, 4, 5, 6], 3)).toEqual([1, 3, 5]);
    expect(spreadOver([1, 2], 3)).toEqual([1, 2]);
  });
});

describe('recall.json', () => {
  const query = {
    shardKey: { number: '18446744073709551615' },
    point: '9007199254740993',
    exact: near(['18446744073709551614', 0.5], ['c0ffee00-0000-4000-8000-000000000001', null]),
    approximate: near(['18446744073709551614', 0.5]),
  };
  const document = {
    format: 'qdrant-ferry/recall',
    version: 2,
    ...{ backup: 'b', cluster: 'prod', collection: 'docs' },
    ...{ startedAt: '2026-11-24T01:02:03.000Z', finishedAt: '2026-11-24T01:02:04.000Z' },
    limit: 10,
    vectors: [{ vector: '', queries: [query] }],
    leftOut: [{ vector: 'rows', why: 'QdrantRejected: no' }],
  };
  const read = (value: unknown) => parseDocument(recallDocumentSchema, JSON.stringify(value), 'recall.json');

  it('keeps ids as they are', () => {
    expect(read(document)).toEqual(document);
    expect(queriesIn(read(document))).toBe(1);
  });

  it.each([
    ['a later version', { ...document, version: 3 }, 'ManifestTooNew'],
    ['an unknown field', { ...document, more: 1 }, 'ManifestInvalid'],
    [
      'an id that is a number',
      { ...document, vectors: [{ vector: '', queries: [{ ...query, point: 7 }] }] },
      'ManifestInvalid',
    ],
    [
      'a search that found nothing',
      { ...document, vectors: [{ vector: '', queries: [{ ...query, exact: [] }] }] },
      'ManifestInvalid',
    ],
  ])('is refused with %s', (_, value, code) => {
    expect(() => read(value)).toThrow(expect.objectContaining({ code }) as Error);
  });
});

describe('a manifest', () => {
  const sha256 = '0'.repeat(64);
  const time = '2026-11-24T01:02:03.000Z';
  const part = { key: 'prod/b/docs/s', offset: 0, bytes: 5, sha256 };
  const manifest = {
    format: 'qdrant-ferry/collection',
    version: 2,
    ...{ backup: 'b', kind: 'full', cluster: 'prod', collection: 'docs', startedAt: time, finishedAt: time },
    ...{
      qdrantVersion: '1.17.0',
      ferryVersion: '0.1.0',
      capture: { method: 'snapshot', mode: 'stream' },
      info: '{}',
      aliases: [],
    },
    ...{ clusterIdentity: [], settingsAt: time, countedAt: time },
    ...{ sharding: 'auto', shardKeys: [], points: 1, notes: [] },
    shards: [{ id: 0, ordinal: 0, name: 's', bytes: 5, parts: [part], startedAt: time, finishedAt: time }],
  };
  const recall = { key: 'prod/b/docs/recall.json', bytes: 7, sha256 };

  it('without a baseline is one all the same', () => {
    expect(partsOf(collectionManifestSchema.parse(manifest))).toEqual([part]);
  });

  it('counts the baseline among what has to be there', () => {
    const parts = partsOf(collectionManifestSchema.parse({ ...manifest, recall }));
    expect(parts).toEqual([part, { ...recall, offset: 0 }]);
  });
});
