// Memory of a data worker. Each piece of an answer that comes from a socket is 64 KiB outside V8's heap, and is freed
// only when V8 collects the objects that hold it. With the young generation that Node grows to (16 MB) that is seldom:
// 80 MB of dead pieces lie about. Kept at its first size it is collected often, which is cheap, for next to nothing
// survives. What survives and dies later would be left until the old generation has grown to about three times what
// lives (50 MB): that one is collected at twice. Sooner would not do: the pieces count as growth, too, 32 MB of them come
// and go, and with a limit near that the whole heap is marked again and again.

import { setFlagsFromString } from 'node:v8';

/** Only before anything large is imported: V8 does not shrink what has grown. */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=100');
}
