// What goes wrong. Every choice is drawn when a round is planned, so that a seed tells the whole of it.

import type { SeededRandom } from '../../demo/seeded-random.js';
import type { LocalProcess } from '../../src/local/index.js';
import type { Cut, CutOptions, CutProxy } from '../support/cut-proxy.js';
import { ferry } from '../support/ferry-command.js';
import { giveUpOn, type Asked, type GivenUp } from '../support/gateway-504.js';
import { pause } from '../support/kill-watch.js';
import type { ChaosStack, ClusterName, Proxies } from './chaos-stack.js';
import type { ChaosJob, Place } from './jobs.js';

/** A round in which something is to go wrong. */
export interface Struck {
  stack: ChaosStack;
  far: LocalProcess;
  /** Of the workflow. */
  id: string;
}

export interface Fault {
  /** For the line of the round: "data worker killed". */
  text: string;
  /** Whether another data worker is started when it strikes. */
  withNear: boolean;
  /** Whether the open connections of the far worker, and of what its node pulls, hardly move from then on. */
  crawls?: boolean;
  /** Set where it lies in wait from the beginning of the job. */
  atOnce?: boolean;
  strike(round: Struck): Promise<void>;
  /** What was cut off or stopped goes on. Called once, when the job has ended or the time is over. */
  heal(round: Struck): Promise<void>;
  /** What it did, where the strike alone does not tell. */
  effect?(round: Struck): string;
  /** At the latest, counted from the strike; absent where the job can end without it. */
  healAfterMs?: number;
}

type Draw = (random: SeededRandom, job: ChaosJob) => Fault;

interface Kind {
  appliesTo: (job: ChaosJob) => boolean;
  draw: Draw;
}

const always = () => true;
const nothing = () => Promise.resolve();

export const faults: Record<string, Kind> = {
  'kill-data': { appliesTo: always, draw: killData },
  'stop-data': { appliesTo: always, draw: stopData },
  'cut-temporal': { appliesTo: always, draw: cutTemporal },
  'cut-qdrant': { appliesTo: always, draw: cutQdrant },
  'cut-store': { appliesTo: ({ touches }) => touches.includes('store'), draw: cutStore },
  'slow-pull': { appliesTo: ({ pullsFrom }) => pullsFrom !== undefined, draw: slowPull },
  'gateway-504': { appliesTo: always, draw: gateway504s },
  'restart-node': { appliesTo: always, draw: restartNode },
  'kill-control': { appliesTo: always, draw: killControl },
};

/** To see how long the jobs take by themselves. */
export const NO_FAULT: Fault = { text: 'nothing', withNear: false, strike: nothing, heal: nothing };

function killData(random: SeededRandom): Fault {
  return {
    text: 'data worker killed',
    withNear: true,
    crawls: mostly(random),
    strike: ({ far }) => far.kill(),
    heal: nothing,
  };
}

function stopData(random: SeededRandom): Fault {
  const until = untilWhen(random, 7_000, 5_000);
  return {
    text: `data worker stopped ${until.text}`,
    withNear: true,
    crawls: mostly(random),
    strike: async ({ far }) => void process.kill(far.pid, 'SIGSTOP'),
    heal: async ({ far }) => void process.kill(far.pid, 'SIGCONT'),
    ...until.fields,
  };
}

function cutTemporal(random: SeededRandom): Fault {
  const cut = drawCut(random, ['freeze', 'refuse']);
  const withNear = random.below(10) < 7;
  const until = withNear ? untilWhen(random, 8_000, 6_000) : forSome(random, 8_000, 6_000);
  return {
    text: `Temporal cut (${cut.text}) ${until.text}${alone(withNear)}`,
    withNear,
    crawls: withNear && mostly(random),
    ...cutting(cut, () => ['temporal']),
    ...until.fields,
  };
}

function cutQdrant(random: SeededRandom, { touches }: ChaosJob): Fault {
  const clusters = touches.filter((place): place is ClusterName => place !== 'store');
  const chosen = clusters.length > 1 && random.below(3) === 0 ? clusters : [random.pick(clusters)];
  return cutPlaces(random, chosen);
}

function cutStore(random: SeededRandom): Fault {
  return cutPlaces(random, ['store']);
}

function cutPlaces(random: SeededRandom, places: Place[]): Fault {
  const cut = drawCut(random, ['freeze', 'freeze-existing', 'refuse']);
  const withNear = halfTheTime(random);
  const until =
    cut.how === 'freeze-existing' ? forSome(random, 20_000, 5_000) : forSome(random, 4_000, 8_000);
  return {
    text: `${places.join(' and ')} cut (${cut.text}) ${until.text}${alone(withNear)}`,
    withNear,
    ...cutting(cut, () => places.flatMap(proxiesOf)),
    ...until.fields,
  };
}

/** The pull crawls on, while the job is steered by an operator, or left alone. */
function slowPull(random: SeededRandom): Fault {
  const steering = random.pick(['left alone', 'paused and resumed', 'throttled']);
  return {
    text: `pull slowed, job ${steering}`,
    withNear: false,
    crawls: true,
    healAfterMs: 12_000,
    strike: async ({ stack, id }) => {
      if (steering === 'throttled') await ferry(stack, 'throttle', id, '--megabytes-per-second', '500');
      if (steering !== 'paused and resumed') return;
      await ferry(stack, 'pause', id);
      await pause(1_000);
      await ferry(stack, 'resume', id);
    },
    heal: nothing,
  };
}

function gateway504s(random: SeededRandom, { touches }: ChaosJob): Fault {
  const clusters = touches.filter((place): place is ClusterName => place !== 'store');
  const [afterMs, skip, times] = [random.below(30), random.below(3), 1 + random.below(2)];
  return {
    text: `504 after ${afterMs} ms, ${times} times from call ${skip + 1} on`,
    withNear: false,
    atOnce: true,
    strike: async ({ stack }) => {
      for (const cluster of clusters) {
        stack.gateways[cluster].givenUp = [];
        stack.gateways[cluster].plan = giveUpOn(takesLong, { afterMs, skip, times });
      }
    },
    heal: async ({ stack }) => {
      for (const cluster of clusters) stack.gateways[cluster].plan = () => undefined;
    },
    effect: ({ stack }) => {
      const calls = clusters.flatMap((cluster) => stack.gateways[cluster].givenUp);
      return `504 to ${calls.map(callText).join(', ') || 'no call'}`;
    },
  };
}

/** Without what is long and tells nothing: "PUT /collections/{}/shards/0/snapshots/recover, then 200". */
function callText({ method, url, status }: GivenUp): string {
  const path = url.replace(/\?.*/, '').replace(/^\/collections\/[^/]+/, '/collections/{}');
  return `${method} ${path}, then ${status ?? 'no answer yet'}`;
}

/** What changes something, and what has to do with snapshots. */
function takesLong({ method, url }: Asked): boolean {
  if (/\/snapshots?\b/.test(url)) return true;
  return method !== 'GET' && !/\/points\/(scroll|count|query|search)|\/points(\?|$)/.test(url);
}

function restartNode(random: SeededRandom, { touches }: ChaosJob): Fault {
  const cluster = random.pick(touches.filter((place): place is ClusterName => place !== 'store'));
  const downMs = random.below(2_000);
  return {
    text: `node of the ${cluster} killed, down for ${seconds(downMs)} s`,
    withNear: false,
    strike: ({ stack }) => restart(stack.clusters[cluster], downMs),
    heal: nothing,
  };
}

function killControl(random: SeededRandom): Fault {
  const downMs = random.below(2_000);
  return {
    text: `control worker killed, away for ${seconds(downMs)} s`,
    withNear: false,
    strike: ({ stack }) => restart(stack.control, downMs),
    heal: nothing,
  };
}

async function restart(one: LocalProcess, downMs: number): Promise<void> {
  await one.kill();
  await pause(downMs);
  await one.start();
}

interface DrawnCut extends CutOptions {
  how: Cut;
  text: string;
}

function drawCut(random: SeededRandom, choices: Cut[]): DrawnCut {
  const how = random.pick(choices);
  const dropBuffered = how !== 'refuse' && random.below(3) === 0;
  return { how, dropBuffered, text: dropBuffered ? `${how}, what was on its way lost` : how };
}

function cutting(
  { how, dropBuffered = false }: DrawnCut,
  which: () => (keyof Proxies)[],
): Pick<Fault, 'strike' | 'heal'> {
  const each = (stack: ChaosStack, act: (proxy: CutProxy) => void) =>
    which().forEach((name) => act(stack.proxies[name]));
  return {
    strike: async ({ stack }) => each(stack, (proxy) => proxy.cut(how, { dropBuffered })),
    heal: async ({ stack }) => each(stack, (proxy) => proxy.heal()),
  };
}

export function proxiesOf(place: Place): (keyof Proxies)[] {
  if (place === 'store') return ['store'];
  return place === 'source' ? ['sourceRest', 'sourceGrpc'] : ['targetRest', 'targetGrpc'];
}

interface Until {
  text: string;
  fields: Pick<Fault, 'healAfterMs'>;
}

function untilWhen(random: SeededRandom, leastMs: number, moreMs: number): Until {
  return random.below(10) < 6
    ? { text: 'until the job has ended', fields: {} }
    : forSome(random, leastMs, moreMs);
}

function forSome(random: SeededRandom, leastMs: number, moreMs: number): Until {
  const healAfterMs = leastMs + random.below(moreMs);
  return { text: `for ${seconds(healAfterMs)} s`, fields: { healAfterMs } };
}

const halfTheTime = (random: SeededRandom) => random.below(2) === 0;
const mostly = (random: SeededRandom) => random.below(3) > 0;
const alone = (withNear: boolean) => (withNear ? '' : ', no other worker');
const seconds = (ms: number) => (ms / 1_000).toFixed(1);
