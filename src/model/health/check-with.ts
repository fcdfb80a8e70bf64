// The order of a check, whoever runs it: the workflow by way of activities, or the command by itself where no worker is
// there to ask. What cannot be asked is a finding, and the rest is checked all the same.

import type {
  CheckBackupsInput,
  CheckedDisk,
  CheckedStore,
  CheckProtectionInput,
  CheckProtectionResult,
  CheckReport,
  CheckSurvey,
  Finding,
  ListProtectedInput,
  ListProtectedResult,
} from '../contracts/check-activities.js';
import { mapInOrder } from '../map-in-order.js';
import { judgeDisk, judgeQueues, judgeSchedule, notChecked } from './places.js';
import { addUp, reportOf } from './report.js';

export interface CheckSteps {
  listProtected(input: ListProtectedInput): Promise<ListProtectedResult>;
  checkProtection(input: CheckProtectionInput): Promise<CheckProtectionResult>;
  measureStore(store: string): Promise<CheckedStore>;
  lookAtDisks(): Promise<CheckedDisk[]>;
  /** Rethrows what is no answer, for instance a cancellation. */
  reasonOf(error: unknown): string;
}

type Asked = Omit<CheckBackupsInput, 'notify' | 'remindHours' | 'heartbeatSeconds'>;

const CLUSTERS_AT_ONCE = 4;
const NO_TELLING = 'Qdrant does not report how full its disk is. Monitor that disk on the node itself';

export async function checkWith(
  steps: CheckSteps,
  input: Asked,
  survey: CheckSurvey,
  now: Date,
): Promise<CheckReport> {
  const check = new Check(steps, input, survey, now);
  const [clusters, store, disks] = await Promise.all([
    mapInOrder(survey.clusters, CLUSTERS_AT_ONCE, (cluster) => check.cluster(cluster)),
    check.tried(`The size of the store ${survey.store}`, { store: survey.store }, () =>
      steps.measureStore(survey.store),
    ),
    check.tried("The disks of the workers' machines", {}, () => steps.lookAtDisks()),
  ]);
  const allDisks = [...(disks ?? []), ...clusters.flatMap(({ nodes }) => nodes)];
  return reportOf({
    checkedAt: now.toISOString(),
    ...(input.policy === undefined ? {} : { policy: input.policy }),
    clusters: survey.clusters,
    limits: limitsOf(input),
    findings: [
      ...survey.findings,
      ...check.findings,
      ...clusters.flatMap(({ findings }) => findings),
      ...(disks ?? []).flatMap((disk) => judgeDisk(disk, input)),
      ...survey.schedules.flatMap((one) => judgeSchedule(one, now)),
      ...judgeQueues(survey.queues),
    ],
    collections: clusters.flatMap(({ collections }) => collections),
    stores: store === undefined ? [] : [store],
    disks: allDisks,
    schedules: survey.schedules.map(({ since: _since, due: _due, ...schedule }) => schedule),
    queues: survey.queues,
    leftOut: clusters.reduce((sum, { leftOut }) => addUp(sum, leftOut), {}),
  });
}

function limitsOf({ maxAgeHours, maxProofAgeDays, maxRehearsalAgeDays }: Asked) {
  const rehearsal = maxRehearsalAgeDays === undefined ? {} : { maxRehearsalAgeDays };
  return { maxAgeHours, maxProofAgeDays, ...rehearsal };
}

type CheckedCluster = CheckProtectionResult & { nodes: CheckedDisk[] };

class Check {
  readonly findings: Finding[] = [];
  readonly #steps: CheckSteps;
  readonly #input: Asked;
  readonly #survey: CheckSurvey;
  readonly #now: Date;

  constructor(steps: CheckSteps, input: Asked, survey: CheckSurvey, now: Date) {
    this.#steps = steps;
    this.#input = input;
    this.#survey = survey;
    this.#now = now;
  }

  async cluster(cluster: string): Promise<CheckedCluster> {
    const { collections, exclude, policy } = this.#input;
    const { maxAgeHours, maxProofAgeDays, maxRehearsalAgeDays } = this.#input;
    const { store } = this.#survey;
    const living = await this.tried(`Which collections the cluster ${cluster} has`, { cluster }, () =>
      this.#steps.listProtected({ cluster, collections, exclude }),
    );
    if (living && living.leftOut > 0) this.#tooMany(cluster, living);
    const asked = {
      ...{ store, policy, cluster, living, collections, exclude },
      now: this.#now.toISOString(),
    };
    const limits = { maxAgeHours, maxProofAgeDays, maxRehearsalAgeDays };
    const held = await this.tried(`The backups of ${cluster} in ${store}`, { cluster, store }, () =>
      this.#steps.checkProtection({ ...asked, ...limits }),
    );
    const nodes = (living?.nodes ?? []).map((node) => ({
      ...{ place: `storage of the node ${node}`, cluster, node, unknown: NO_TELLING },
    }));
    return { ...(held ?? { findings: [], collections: [], leftOut: {} }), nodes };
  }

  async tried<T>(what: string, of: Partial<Finding>, step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      const { policy } = this.#input;
      const reason = this.#steps.reasonOf(error);
      this.findings.push(notChecked(what, reason, { ...of, ...(policy === undefined ? {} : { policy }) }));
      return undefined;
    }
  }

  #tooMany(cluster: string, { collections, leftOut }: ListProtectedResult): void {
    const reason = `only the first ${collections.length} by name are checked at once. Check the others by \`collections\``;
    this.findings.push(notChecked(`${leftOut} collections of ${cluster}`, reason, { cluster }));
  }
}
