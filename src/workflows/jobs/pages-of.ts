// The collections of a job between two clusters, page by page, as `resolveCollections` finds them.

import type { ResolveCollectionsResult } from '../../model/contracts/activities.js';
import { namesOnTarget, type Naming } from './job-input.js';
import { runActivity } from '../runtime/run-activity.js';

export function pagesOf(
  input: Naming & { source: string; target: string },
  more: { namesMayBeAliases?: boolean; writes?: boolean } = {},
): (after: string | undefined) => Promise<ResolveCollectionsResult> {
  const { source, target, collections } = input;
  const as = namesOnTarget(input);
  const asked = {
    source,
    target,
    ...more,
    ...(collections === undefined ? {} : { collections }),
    ...(as === undefined ? {} : { as }),
  };
  return (after) =>
    runActivity(
      'resolveCollections',
      { ...asked, ...(after === undefined ? {} : { after }) },
      `collections of ${source}`,
    );
}
