// Large buffers that are used again. Memory outside V8's heap that is thrown away page by page makes V8 mark the whole
// heap every few pages, which took a third of a copy's CPU. Promises that a buffer is with one receiver at a time, as long
// as who gives one back does not touch it any more; one that is never given back is ordinary garbage.

const SMALLEST = 1 << 16;
/** Larger ones, for a page of huge points, are not worth keeping. */
const LARGEST = 8 << 20;
const STEP = 1 << 18;
const HEADROOM = 1.125;

export class SpareBuffers {
  readonly #most: number;
  #spare: ArrayBufferLike[] = [];

  /** Keeps at most so many. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Its content is whatever was there before. */
  take(bytes: number): Uint8Array {
    if (bytes < SMALLEST) return new Uint8Array(bytes);
    const fitting = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes);
    const [found] = fitting < 0 ? [] : this.#spare.splice(fitting, 1);
    return new Uint8Array(found ?? this.#allocate(bytes), 0, bytes);
  }

  /** The whole buffer under a view that was taken, or a part of it. */
  giveBack(buffer: ArrayBufferLike): void {
    const isWanted = buffer.byteLength >= SMALLEST && buffer.byteLength <= LARGEST;
    if (!isWanted || this.#spare.length >= this.#most || this.#spare.includes(buffer)) return;
    this.#spare.push(buffer);
  }

  #allocate(bytes: number): ArrayBufferLike {
    this.#spare = this.#spare.slice(1); // those kept are too small, so let them go one by one
    return Buffer.allocUnsafeSlow(Math.ceil((bytes * HEADROOM) / STEP) * STEP).buffer;
  }
}
