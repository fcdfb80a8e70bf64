import { describe, expect, it } from 'vitest';
import { WirePage } from '../../src/qdrant/points/point-page.js';
import { SpareBuffers } from '../../src/qdrant/points/spare-buffers.js';

const LARGE = 1 << 20;

describe('buffers that are used again', () => {
  it('are of the size asked for, whatever lies under them', () => {
    const spare = new SpareBuffers(2);
    const first = spare.take(LARGE);
    expect(first.length).toBe(LARGE);
    spare.giveBack(first.buffer);
    const second = spare.take(LARGE - 5);
    expect(second.length).toBe(LARGE - 5);
    expect(second.buffer).toBe(first.buffer);
  });

  it('are never with two takers, even when one is given back twice', () => {
    const spare = new SpareBuffers(4);
    const { buffer } = spare.take(LARGE);
    spare.giveBack(buffer);
    spare.giveBack(buffer);
    expect(spare.take(LARGE).buffer).not.toBe(spare.take(LARGE).buffer);
  });

  it('are let go when too many, too small, too large, or outgrown', () => {
    const spare = new SpareBuffers(1);
    const [kept, surplus] = [spare.take(LARGE), spare.take(LARGE)];
    spare.giveBack(kept.buffer);
    spare.giveBack(surplus.buffer);
    expect(spare.take(LARGE).buffer).toBe(kept.buffer);
    expect(spare.take(LARGE).buffer).not.toBe(surplus.buffer);
    for (const bytes of [10, 64 << 20]) {
      const one = spare.take(bytes);
      spare.giveBack(one.buffer);
      expect(spare.take(bytes).buffer).not.toBe(one.buffer);
    }
    spare.giveBack(kept.buffer);
    spare.take(2 * LARGE);
    expect(spare.take(LARGE).buffer).not.toBe(kept.buffer);
  });
});

describe('a page that was released', () => {
  it('gives its memory back once and shows nobody the bytes of another', () => {
    let given = 0;
    const id = Uint8Array.of(0x0a, 0x02, 0x08, 0x07);
    const page = new WirePage([{ bytes: id }], new Uint8Array(16), () => given++);
    expect(page.idAt(0)).toBe('7');
    page.release();
    page.release();
    expect(given).toBe(1);
    expect(() => page.idAt(0)).toThrow(RangeError);
  });
});
