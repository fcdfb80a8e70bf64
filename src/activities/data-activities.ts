import type {
  CompareSliceInput,
  CompareSliceResult,
  CopySliceInput,
  CopySliceResult,
  DataActivities,
  DigestSliceInput,
  DigestSliceResult,
} from '../model/contracts/slice-activities.js';
import type { CollectionRef, Pin } from '../model/collections.js';
import { compareSlice, freshCompareState, type CompareState } from '../transfer/compare-slice.js';
import { copySlice, digestSlice } from '../transfer/copy-slice.js';
import type { NamedReport } from '../transfer/file-report.js';
import type { CheckPin, Clusters, PointConnection } from '../cluster/points-port.js';
import { betweenChecks } from '../cluster/pin.js';
import { freshState } from '../transfer/walk-slice.js';
import { runSlice } from './attempt.js';

export interface DataDependencies extends Clusters {
  checkPin: CheckPin;
  /** Vectors that Qdrant may encode differently on upsert: see `reencodedVectors`. */
  renormalisableVectors(collection: CollectionRef, signal: AbortSignal): Promise<ReadonlySet<string>>;
  openReport(report: CompareSliceInput['report']): NamedReport;
}

export function createDataActivities(dependencies: DataDependencies): DataActivities {
  const { connect, checkPin } = dependencies;
  const pinned = <T>(
    sides: [CollectionRef, Pin][],
    { signal }: { signal: AbortSignal },
    work: () => Promise<T>,
  ): Promise<T> =>
    betweenChecks(async () => {
      for (const [ref, pin] of sides) await checkPin(ref.cluster, ref.collection, pin, signal);
    }, work);
  const bothOf = ({ source, sourcePin, target, targetPin }: CopySliceInput | CompareSliceInput) =>
    [
      [source, sourcePin],
      [target, targetPin],
    ] satisfies [CollectionRef, Pin][];

  return {
    copySlice: (input: CopySliceInput): Promise<CopySliceResult> =>
      runSlice(input, freshState(input.cursor), (attempt) =>
        pinned(bothOf(input), attempt, () =>
          closing(
            [connect(input.source.cluster, input.lane), connect(input.target.cluster, input.lane)],
            (from, to) =>
              copySlice({
                ...input,
                ...attempt,
                collection: input.source.collection,
                targetCollection: input.target.collection,
                read: input.sourceRead,
                reader: from,
                writer: to,
              }),
          ),
        ),
      ),

    digestSlice: (input: DigestSliceInput): Promise<DigestSliceResult> =>
      runSlice(input, freshState(input.cursor), (attempt) =>
        pinned([[input.side, input.pin]], attempt, () =>
          closing([connect(input.side.cluster, input.lane)], (reader) =>
            digestSlice({ ...input, ...attempt, collection: input.side.collection, reader }),
          ),
        ),
      ),

    compareSlice: (input: CompareSliceInput): Promise<CompareSliceResult> =>
      runSlice<CompareState, CompareState>(input, freshCompareState(input.cursor), async (attempt) => {
        const report = dependencies.openReport(input.report);
        const state = await pinned(bothOf(input), attempt, async () => {
          const renormalisable = await dependencies.renormalisableVectors(input.target, attempt.signal);
          return closing(
            [connect(input.source.cluster, input.lane), connect(input.target.cluster, input.lane)],
            (source, target) => compareSlice({ ...attempt, input, source, target, renormalisable, report }),
          );
        });
        return state.missing + state.changed + state.extra > 0 ? { ...state, reportKey: report.key } : state;
      }),
  };
}

async function closing<C extends PointConnection[], R>(
  connections: [...C],
  use: (...connections: C) => Promise<R>,
): Promise<R> {
  try {
    return await use(...connections);
  } finally {
    for (const connection of connections) connection.close();
  }
}
