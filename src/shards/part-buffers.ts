// Buffers for the parts of uploads, used again over all captures of a worker: what each left behind would lie about
// until V8 cleans up, and memory would grow with the number of shards. Promises that at most four are kept that nobody
// uses, and none above 8 MiB once `rest` was called. Who gives one back does not touch it any more.

const KEPT = 4;
const LARGEST_AT_REST = 8 * 1024 ** 2;

export class PartBuffers {
  #idle: Uint8Array[] = [];

  /** Its content is whatever was there before. */
  take(bytes: number): Uint8Array {
    const at = this.#idle.findIndex((one) => one.byteLength === bytes);
    const [found] = at < 0 ? [] : this.#idle.splice(at, 1);
    // Slow, because the pool of small buffers is not for these, and unsafe, because every byte is overwritten.
    return found ?? Buffer.allocUnsafeSlow(bytes);
  }

  giveBack(buffer: Uint8Array): void {
    this.#idle = [...this.#idle, buffer].slice(-KEPT);
  }

  rest(): void {
    this.#idle = this.#idle.filter((one) => one.byteLength <= LARGEST_AT_REST);
  }
}
