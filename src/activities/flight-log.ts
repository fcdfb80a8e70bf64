// The flight of a call that a node goes on with in the heartbeat of its activity. Temporal has acknowledged it before the
// call is sent, so an attempt that finds none knows that none was sent.

import type { Held } from './held-call.js';

export interface FlightState<F> {
  flight: F | null;
}

export interface Flights<F> {
  last: F | null;
  remember(flight: F | null): Promise<void>;
}

export function flightLog<F>({ state, remember }: Held<FlightState<F>>): Flights<F> {
  return { last: state?.flight ?? null, remember: (flight) => remember({ flight }) };
}
