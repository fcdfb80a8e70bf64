// One catalogue for everything that can go wrong, so that a code means the same in a log, in the Temporal UI,
// in an exit status, and in docs/runbook.md (a test holds the two together). A remedy says what state things are in
// and what to do. `retryable` is decided here and by the adapter that threw, never by reading a message.

import { clusterErrors } from './cluster-errors.js';
import { jobErrors } from './job-errors.js';
import { storeErrors } from './store-errors.js';

export const catalogue = { ...jobErrors, ...clusterErrors, ...storeErrors };

export type ErrorCode = keyof typeof catalogue;
