import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../demo/seeded-random.js';
import {
  doubleText,
  exactlyReadable,
  float32Of,
  isKeptByQdrant,
  shownByQdrant,
} from '../../src/qdrant/encoding/number-text.js';
import { TextBytes } from '../../src/qdrant/encoding/text-bytes.js';

describe('a float of a vector', () => {
  it.each([
    ['7.038531e-26', 0x15ae43fd],
    ['-7.038531e-26', 0x95ae43fd],
    ['1e-45', 0x00000001],
    ['0.1', 0x3dcccccd],
    ['-0.0', 0x80000000],
    ['3.4028235e38', 0x7f7fffff],
    ['3.4028235e+38', 0x7f7fffff],
    ['16777217', 0x4b800000],
    ['16777219.0', 0x4b800002],
  ])('is read from %s without rounding twice', (text, bits) => {
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, float32Of(text));
    expect(view.getUint32(0)).toBe(bits);
  });
});

/** Qdrant 1.16.3 and 1.17.0 show it after a write of 5.863006622292004e-10. */
const UNKEPT = '5.863006622292002e-10';

describe('a double of a payload', () => {
  it('is written as its shortest text where Qdrant reads that right', () => {
    expect([0.1, 1, -0, 1e21, 5e-324].map(doubleText)).toEqual(['0.1', '1.0', '-0.0', '1e+21', '5e-324']);
  });

  it('is written as another text where Qdrant would not keep it', () => {
    expect(isKeptByQdrant(Number(UNKEPT))).toBe(false);
    expect(shownByQdrant(UNKEPT)).not.toBe(Number(UNKEPT));
    expect(doubleText(Number(UNKEPT))).toBe('5863006622292002334e-28');
    expect(doubleText(-Number(UNKEPT))).toBe('-5863006622292002334e-28');
  });

  it('finds such a text for every double that Qdrant shows', () => {
    const random = seededRandom(7);
    const written = Array.from({ length: 3_000 }, () => random.next() * 10 ** (random.below(600) - 300));
    const shown = written.map((value) => shownByQdrant(value.toExponential()));
    expect(shown.filter((value) => !isKeptByQdrant(value)).length).toBeGreaterThan(100);
    expect(shown.filter((value) => shownByQdrant(doubleText(value)) !== value)).toEqual([]);
  });

  it('leaves texts, integers and what is read right as they are', () => {
    const text = Buffer.from(`{"${UNKEPT}":"${UNKEPT} \\" ${UNKEPT}","n":18446744073709551615,"d":0.5}`);
    expect(exactlyReadable(text)).toBe(text);
    const changed = exactlyReadable(Buffer.from(`{"a":${UNKEPT},"b":[1,${UNKEPT}]}`)).toString();
    expect(changed).toMatch(/^\{"a":\d+e-\d+,"b":\[1,\d+e-\d+\]\}$/);
  });
});

describe('a float as digits', () => {
  it('is read back to its bits, whatever they are', () => {
    const view = new DataView(new ArrayBuffer(4));
    const random = seededRandom(5);
    for (let i = 0; i < 50_000; i++) {
      view.setUint32(0, Math.floor(random.next() * 2 ** 32));
      const value = view.getFloat32(0);
      if (!Number.isFinite(value)) continue;
      const text = new TextBytes();
      view.setFloat32(0, value, true);
      text.floats(view, 0, 1, 4);
      // Qdrant rounds to a double, not always to the nearest, and then to a float.
      const [digits = '', power = '0'] = text.bytes().toString().slice(1, -1).split('e');
      const double = Number(digits) * 10 ** Number(power);
      for (const near of [double, double * (1 + 2 ** -51), double * (1 - 2 ** -51)])
        if (!Object.is(Math.fround(near), value)) throw new Error(`${value} is read from ${digits}e${power}`);
      expect(/[.e]/.test(text.bytes().toString())).toBe(true);
    }
  });
});
