// Time that has passed since a moment, by a clock that cannot go back and that counts a suspended machine: the monotonic
// clock stands still while a machine sleeps, and the wall clock may be set. Whichever says that clearly more time has
// passed is believed.

const CLEARLY_MORE_MS = 1_000;

export interface Clocks {
  monotonic(): number;
  wall(): number;
}

const system: Clocks = { monotonic: () => performance.now(), wall: () => Date.now() };

/** Returns milliseconds since it was made. */
export function elapsedClock(clocks: Clocks = system): () => number {
  let total = 0;
  let last = { monotonic: clocks.monotonic(), wall: clocks.wall() };
  return () => {
    const now = { monotonic: clocks.monotonic(), wall: clocks.wall() };
    const passed = now.monotonic - last.monotonic;
    const byWall = now.wall - last.wall;
    total += byWall > passed + CLEARLY_MORE_MS ? byWall : passed;
    last = now;
    return total;
  };
}
