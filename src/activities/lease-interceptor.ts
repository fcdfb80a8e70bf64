// Puts every activity of a worker under a lease. Inside of failure-interceptor.ts, which turns what it throws into what
// Temporal keeps.

import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { underLease } from './lease.js';

export const leaseInterceptor: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    execute: (input, next) =>
      underLease(context, async (lease) => {
        try {
          return await next(input);
        } catch (error) {
          // Whatever was interrupted says so in its own words; what counts is why.
          throw lease.signal.aborted ? lease.signal.reason : error;
        }
      }),
  },
});
