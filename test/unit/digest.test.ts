import { describe, expect, it } from 'vitest';
import { addDigests, EMPTY_DIGEST, sameDigest } from '../../src/model/format/digest.js';
import { PointHasher } from '../../src/qdrant/encoding/point-hash.js';
import { asPointStruct, pointId } from '../../src/qdrant/encoding/point-wire.js';
import { referenceCanonical, referenceHash, type PlainPoint } from '../support/reference-digest.js';
import { encodePoint, type WireLayout } from '../support/encode-point.js';
import vectors from './digest-vectors.json' with { type: 'json' };

interface Vector {
  title: string;
  point: PlainPoint;
  canonical: string;
  hash: string;
}
const cases = vectors as unknown as Vector[];
const hasher = new PointHasher();
const key = ({ shardKey }: PlainPoint) => (typeof shardKey === 'string' ? { keyword: shardKey } : shardKey);

function hashOf(bytes: Uint8Array, point: PlainPoint): string {
  const into = new Uint8Array(16);
  hasher.hash(bytes, key(point), into, hasBigInteger(point) ? Buffer.from(point.payload) : undefined);
  return Buffer.from(into).toString('hex');
}

const hasBigInteger = ({ payload }: PlainPoint) =>
  [...payload.matchAll(/(?<![\d.])\d{19,20}(?![\d.eE])/g)].some(([digits]) => BigInt(digits) >= 2n ** 63n);

describe('the digest of a point', () => {
  it.each(cases)('has the bytes and the hash of the test vector: $title', ({ point, canonical, hash }) => {
    expect(referenceCanonical(point).toString('hex')).toBe(canonical);
    expect(referenceHash(point)).toBe(hash);
  });

  it.each(cases.flatMap((one) => (['1.16', '1.17'] as const).map((layout) => ({ ...one, layout }))))(
    'is the same from the wire of Qdrant $layout: $title',
    ({ point, hash, layout }) => {
      expect(hashOf(encodePoint(point, layout), point)).toBe(hash);
    },
  );

  // Captured from real servers that hold one and the same point.
  const CAPTURED: Record<WireLayout, string> = {
    '1.16':
      '0a0b08ffffffffffffffffff0112070a016512023200120e0a0178120911000000000000f043121e0a017912193a170a0218010a0911000000000000f03f0a0208000a023200227d127b0a150a017312100d0000c03f0d0000003f12040a0203070a140a0175120f0d0000803f0d000000400d000040400a1b0a016d12160d0000803f0d000020400d000040400d0000904018020a140a0168120f0d0000803f0d000000400d000040400a190a016112140d0000803f0d000000400d000060400d000080402a030a016b',
    '1.17':
      '0a0b08ffffffffffffffffff0112070a016512023200121e0a017912193a170a0218010a0911000000000000f03f0a0208000a023200120e0a0178120911000000000000f0432289011286010a200a016d121bba06180a0a0a080000803f000020400a0a0a0800004040000090400a160a01681211aa060e0a0c0000803f00000040000040400a160a01751211aa060e0a0c0000803f00000040000040400a1a0a01611215aa06120a100000803f0000004000006040000080400a160a01731211b2060e0a080000c03f0000003f120203072a030a016b',
  };
  it.each(Object.entries(CAPTURED))(
    'is that of the last vector for the bytes that Qdrant %s sent',
    (_, hex) => {
      const { point, hash } = cases.at(-1) as Vector;
      expect(hashOf(Buffer.from(hex, 'hex'), point)).toBe(hash);
      expect(pointId(Buffer.from(hex, 'hex'))).toBe(point.id);
    },
  );

  it('does not change when the point is made ready for a write', () => {
    const { point, hash } = cases.at(-1) as Vector;
    const written = asPointStruct(Buffer.from(CAPTURED['1.17'], 'hex'));
    expect(hashOf(written, point)).toBe(hash);
    expect(Buffer.from(written).toString('hex')).not.toContain('2a030a016b');
  });

  it('reports a double that may have been an integer of 2^63 or more', () => {
    const into = new Uint8Array(16);
    hasher.hash(Buffer.from(CAPTURED['1.16'], 'hex'), undefined, into);
    expect(hasher.sawSuspect).toBe(true);
    hasher.hash(encodePoint(cases[5]!.point, '1.17'), undefined, into);
    expect(hasher.sawSuspect).toBe(false);
  });

  it('refuses a field it does not know, by name, instead of dropping it', () => {
    const strange = Buffer.concat([encodePoint(cases[0]!.point, '1.17'), Buffer.from([0x3a, 1, 0])]);
    expect(() => hashOf(strange, cases[0]!.point)).toThrow(/does not know.*field=7/);
    expect(() => asPointStruct(strange)).toThrow(/UnknownPointField|does not know/);
  });

  it('refuses a payload value of another wire type than its kind has', () => {
    const text = encodePoint({ id: '1', vectors: {}, payload: '{"a":"b"}' }, '1.17').toString('hex');
    const asBool = Buffer.from(text.replace('220162', '280162'), 'hex'); // field 4, a string, becomes field 5, a bool
    expect(() => hashOf(asBool, { id: '1', vectors: {}, payload: '{}' })).toThrow(
      /whole message|does not know/,
    );
    const asNumber = Buffer.from(text.replace('220162', '200162'), 'hex'); // field 4 with a number in it
    expect(() => hashOf(asNumber, { id: '1', vectors: {}, payload: '{}' })).toThrow(/does not know/);
  });

  it.each([1, 5, 20])('refuses a message that ends %i bytes too early', (cut) => {
    const bytes = encodePoint(cases[4]!.point, '1.17');
    expect(() => hashOf(bytes.subarray(0, bytes.length - cut), cases[4]!.point)).toThrow(
      /not a whole message/,
    );
  });
});

describe('the digest of a range', () => {
  const one = { count: 1, sum: 'f'.repeat(32) };

  it('adds up modulo 2^128, in any order', () => {
    expect(addDigests(one, { count: 1, sum: '2'.padStart(32, '0') })).toEqual({
      count: 2,
      sum: '1'.padStart(32, '0'),
    });
    expect(addDigests({ count: 1, sum: '2'.padStart(32, '0') }, one)).toEqual(
      addDigests(one, { count: 1, sum: '2'.padStart(32, '0') }),
    );
  });

  it('does not let two equal surplus points cancel out', () => {
    expect(sameDigest(addDigests(one, one), EMPTY_DIGEST)).toBe(false);
  });
});
