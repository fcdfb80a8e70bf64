// The flight of a recover call in the heartbeat of its activity. Temporal has acknowledged it before the call is sent, so an
// attempt that finds none knows that none was sent.

import type { Flight, FlightLog } from '../backup/recover/settled-call.js';
import type { Held } from './held-call.js';

export interface FlightState {
  flight: Flight | null;
}

export function flightLog({ state, remember }: Held<FlightState>): FlightLog {
  return { last: state?.flight ?? null, remember: (flight) => remember({ flight }) };
}
