// A page of slices and what is walked over it: copy, digests of both sides, comparison. Pure, and small enough to be
// carried over a continue-as-new: the workflow runs the tasks of `page.walk`, then asks `nextWalk` what follows.
//
//   copy ──▶ digest ──▶ equal: finished
//              │ ▲
//              ▼ │ (both sides: what was repaired, and what was found equal after all)
//            compare ──▶ differences found and nothing written: stays different

import type { CompareSliceResult, CopySliceResult, Difference } from '../contracts/slice-activities.js';
import { EMPTY_DIGEST, addDigests, sameDigest, type RangeDigest } from '../format/digest.js';
import type { PointId } from '../point-id.js';
import type { Slice } from './slice.js';

export const MAX_PASSES = 5;
const MAX_NAMED = 10;

export interface Rules {
  /** False when an earlier attempt has already brought the points over. */
  copy: boolean;
  /** Take the source's digest anew instead of the one taken while copying. */
  reread: boolean;
  /** Prove `source ⊆ target`. */
  subset: boolean;
  mode: 'report' | 'removeExtras' | 'repair';
  /** Nodes of the target to digest each, 1 when any will do. */
  nodes: number;
}

export interface Found {
  missing: number;
  changed: number;
  extra: number;
  renormalised: number;
  upserted: number;
  deleted: number;
}

/** One task of a walk: an activity, repeated from its returned cursor until it is done. */
export interface SliceTask {
  task: 'copy' | 'source' | 'target' | 'compare';
  /** Position of the slice in the page. */
  slice: number;
  /** Position of the target's node, with `replicas`. */
  node?: number;
  cursor?: PointId;
  done: boolean;
  points: number;
  bytes: number;
  digest: RangeDigest;
  /** Of a comparison: the target's digest that led to it. */
  before?: RangeDigest;
  found?: Found;
}

export interface Page {
  slices: Slice[];
  /** Position of the shard key after this page. */
  next?: number;
  source: RangeDigest[];
  target: RangeDigest[];
  walk: SliceTask[];
  /** Comparisons so far. */
  pass: number;
  /** By slice: what its last comparison found. */
  found: Record<number, Found>;
  first: { slice: number; difference: Difference }[];
  /** Slices that differ and are left so. */
  standing: number[];
  /** By slice and node: the digests around a comparison that found only vectors which the target normalised again. */
  settled: Record<string, { source: RangeDigest; target: RangeDigest }>;
}

const MOST_POINTS_A_SLICE = 500_000;
/** A slice of fewer costs more in Temporal than it gains. */
const LEAST_POINTS_A_SLICE = 250;
const MAX_SLICES = 64;

/** Into how many slices so many points are cut, where `width` of them are worked on at once. */
export function slicesFor(points: number, width: number): number {
  const least = Math.max(1, Math.min(width, Math.ceil(points / LEAST_POINTS_A_SLICE)));
  return Math.max(least, Math.min(MAX_SLICES, Math.ceil(points / MOST_POINTS_A_SLICE)));
}

export function newPage(slices: Slice[], next: number | undefined, rules: Rules): Page {
  const unread = () => slices.map(() => EMPTY_DIGEST);
  const page: Page = {
    slices,
    source: unread(),
    target: unread(),
    walk: [],
    pass: 0,
    found: {},
    first: [],
    standing: [],
    settled: {},
  };
  if (next !== undefined) page.next = next;
  const all = slices.map((_, slice) => slice);
  page.walk = rules.copy ? all.map((slice) => newTask('copy', slice)) : proof(page, all, rules, true);
  return page;
}

/** Takes what an activity returned. A claim without a cursor that is not done has not moved. */
export function absorb(slot: SliceTask, claim: CopySliceResult): void {
  if (claim.cursor !== undefined) slot.cursor = claim.cursor;
  slot.done = claim.done;
  slot.points += claim.points;
  slot.bytes += claim.bytes;
  slot.digest = addDigests(slot.digest, claim.digest);
}

export function absorbComparison(page: Page, slot: SliceTask, claim: CompareSliceResult): void {
  absorb(slot, claim);
  slot.found = addFound(slot.found ?? nothingFound(), claim);
  const room = MAX_NAMED - page.first.length;
  page.first.push(...claim.first.slice(0, room).map((difference) => ({ slice: slot.slice, difference })));
}

/** Called when every slot of `page.walk` is done: judges them and sets up the next walk; empty when the page is. */
export function nextWalk(page: Page, rules: Rules): void {
  const task = page.walk[0]?.task;
  if (task === 'copy') page.walk = afterCopy(page, rules);
  else if (task === 'compare') page.walk = afterCompare(page, rules);
  else page.walk = afterDigests(page);
}

function afterCopy(page: Page, rules: Rules): SliceTask[] {
  for (const slot of page.walk) page.source[slot.slice] = slot.digest;
  return proof(page, slicesOf(page.walk), rules, rules.reread);
}

function afterDigests(page: Page): SliceTask[] {
  for (const slot of page.walk) if (slot.task === 'source') page.source[slot.slice] = slot.digest;
  const targets = page.walk.filter((slot) => slot.task === 'target');
  for (const slot of targets) page.target[slot.slice] = slot.digest;
  const unequal = targets.filter((slot) => !sameDigest(slot.digest, page.source[slot.slice] ?? EMPTY_DIGEST));
  const suspects = unequal.filter((slot) => !isSettled(page, slot));
  for (const slot of suspects) page.target[slot.slice] = slot.digest;
  const differing = new Set(slicesOf(suspects));
  const unequalSlices = new Set(slicesOf(unequal));
  for (const slice of slicesOf(targets)) if (!unequalSlices.has(slice)) delete page.found[slice];
  if (page.pass < MAX_PASSES) return comparison(page, suspects);
  page.standing.push(...differing);
  return [];
}

function afterCompare(page: Page, rules: Rules): SliceTask[] {
  const dirty = new Set<number>();
  const settled = new Set<number>();
  const standing = new Set<number>();
  for (const slot of page.walk) {
    const found = slot.found ?? nothingFound();
    const before = page.found[slot.slice];
    if (!before || differences(found, rules) >= differences(before, rules)) page.found[slot.slice] = found;
    if (differences(found, rules) === 0) {
      settle(page, slot, found, rules);
      settled.add(slot.slice);
    } else if (found.upserted + found.deleted > 0) dirty.add(slot.slice);
    else standing.add(slot.slice);
  }
  for (const slice of dirty) standing.delete(slice);
  page.standing.push(...standing);
  if (!rules.subset) {
    const again = [...settled].filter((slice) => !standing.has(slice));
    return proof(page, [...new Set([...dirty, ...again])], rules, true);
  }
  if (page.pass < MAX_PASSES) return proof(page, [...dirty], rules, true);
  page.standing.push(...dirty);
  return [];
}

/**
 * Compared point by point and found equal: the sides are digested again before it counts. Float16 vectors with other bits
 * keep the digests apart: then both must be what they were before and during the comparison.
 */
function settle(page: Page, slot: SliceTask, found: Found, rules: Rules): void {
  if (rules.subset) {
    page.source[slot.slice] = slot.digest;
    page.target[slot.slice] = slot.digest;
  } else if (found.renormalised > 0) {
    page.settled[placeOf(slot)] = { source: slot.digest, target: slot.before ?? EMPTY_DIGEST };
  }
}

function isSettled(page: Page, slot: SliceTask): boolean {
  const known = page.settled[placeOf(slot)];
  const source = page.source[slot.slice];
  if (!known || !source) return false;
  return sameDigest(known.source, source) && sameDigest(known.target, slot.digest);
}

function placeOf({ slice, node }: SliceTask): string {
  return node === undefined ? String(slice) : `${slice}/${node}`;
}

function proof(page: Page, slices: number[], rules: Rules, bothSides: boolean): SliceTask[] {
  if (rules.subset)
    return comparison(
      page,
      slices.map((slice) => newTask('compare', slice)),
    );
  const nodes = Array.from({ length: rules.nodes }, (_, node) => (rules.nodes > 1 ? node : undefined));
  const targets = slices.flatMap((slice) => nodes.map((node) => newTask('target', slice, node)));
  return bothSides ? [...slices.map((slice) => newTask('source', slice)), ...targets] : targets;
}

function comparison(page: Page, suspects: readonly SliceTask[]): SliceTask[] {
  if (suspects.length === 0) return [];
  page.pass += 1;
  const again = new Set(slicesOf(suspects));
  for (const slice of again) delete page.found[slice];
  page.first = page.first.filter((sighting) => !again.has(sighting.slice));
  return suspects.map((slot) => ({ ...newTask('compare', slot.slice, slot.node), before: slot.digest }));
}

function newTask(task: SliceTask['task'], slice: number, node?: number): SliceTask {
  const slot: SliceTask = { task, slice, done: false, points: 0, bytes: 0, digest: EMPTY_DIGEST };
  if (node !== undefined) slot.node = node;
  return slot;
}

function slicesOf(slots: readonly SliceTask[]): number[] {
  return [...new Set(slots.map((slot) => slot.slice))];
}

export function differences(found: Found, rules: Pick<Rules, 'subset'>): number {
  return found.missing + found.changed + (rules.subset ? 0 : found.extra);
}

export function nothingFound(): Found {
  return { missing: 0, changed: 0, extra: 0, renormalised: 0, upserted: 0, deleted: 0 };
}

export function addFound(a: Found, b: Found): Found {
  return {
    missing: a.missing + b.missing,
    changed: a.changed + b.changed,
    extra: a.extra + b.extra,
    renormalised: a.renormalised + b.renormalised,
    upserted: a.upserted + b.upserted,
    deleted: a.deleted + b.deleted,
  };
}
