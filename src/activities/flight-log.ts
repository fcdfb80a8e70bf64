// The flight of a call that a node goes on with in the heartbeat of its activity. Temporal has acknowledged it before the
// call is sent, so an attempt that finds none knows that none was sent.

import type { FlightLog } from '../shards/settled-call.js';
import type { Held } from './held-call.js';

export interface FlightState<F> {
  flight: F | null;
}

export function flightLog<F>({ state, remember, waits }: Held<FlightState<F>>): FlightLog<F> {
  return { last: state?.flight ?? null, remember: (flight) => remember({ flight }), waits };
}
