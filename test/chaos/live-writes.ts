// What an application writes once a job has said that it is done: of four points one is overwritten, one gets another
// payload, one is deleted, one stays; and new ones come. Whatever an old worker writes late is seen on three of the four.

import type { Side } from '../support/compare-sides.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';
import { POINTS } from './chaos-stack.js';

const NEW = 100;

/** Returns how many points there are now. */
export async function writeLive(side: Side): Promise<number> {
  const ids = Array.from({ length: POINTS }, (_, id) => id);
  const every4th = (rest: number) => ids.filter((id) => id % 4 === rest);
  const added = Array.from({ length: NEW }, (_, i) => POINTS + i);
  await upsertTexts(side, side.collection, [...every4th(1), ...added].map(livePoint));
  const points = `${collectionPath(side.collection)}/points`;
  await rest(
    side,
    'POST',
    `${points}/payload?wait=true`,
    textOf({ payload: { live: 2 }, points: every4th(2) }),
  );
  await rest(side, 'POST', `${points}/delete?wait=true`, textOf({ points: every4th(3) }));
  return ids.length - every4th(3).length + added.length;
}

const livePoint = (id: number) => `{"id":${id},"vector":[9.5,8.5,7.5,${id}.5],"payload":{"live":${id}}}`;
const textOf = (body: object) => JSON.stringify(body);
