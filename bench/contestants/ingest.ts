// What the target can take: ready requests, sent as fast as it answers, with nobody reading the source beside it.

import type { Contestant } from './contestant.js';
import { runScript } from './run-child.js';

export const INGEST = "target's own ingest, ready requests";

export const ingest: Contestant = {
  lines: [INGEST],
  wantsTarget: true,
  run: async ({ stage, ...course }) => ({
    [INGEST]: await runScript('ingest-script.js', { ...course, grpcUrl: stage.target.grpcUrl }),
  }),
};
