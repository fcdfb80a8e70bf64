// The loop everybody writes first: scroll a hundred, upsert a hundred, again.

import type { Contestant } from './contestant.js';
import { runScript } from './run-child.js';

export const PLAIN_LOOP = 'plain loop, js-client-rest, batch 100';

export const plainLoop: Contestant = {
  lines: [PLAIN_LOOP],
  wantsTarget: true,
  run: async ({ stage, collection }) => ({
    [PLAIN_LOOP]: await runScript('plain-loop-script.js', {
      from: stage.source.url,
      to: stage.target.url,
      collection,
    }),
  }),
};
