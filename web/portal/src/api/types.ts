// What /api/v1 answers, as far as the portal shows it. Times are RFC 3339 in UTC.

import type { Said } from "../language";

export interface List<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface City {
  readonly name: Said;
  readonly origin: string;
  readonly simulated: boolean;
  readonly timezone: string;
  readonly now: string;
  readonly bbox: readonly [number, number, number, number] | null;
  readonly log: { readonly size: number; readonly root: string; readonly published_at: string | null; readonly is_published: boolean };
  readonly policy: string;
  /** The city's own lines and areas, which it was given; a server of before has no word of them. */
  readonly ground?: Ground | null;
  /** An online map that the city chose to offer; its origin is in the policy that the page is served with. */
  readonly base_map?: BaseMap | null;
  readonly feeds: number;
  readonly apps: number;
  readonly models: number;
}

export interface Ground {
  readonly url: string;
  readonly sha256: string; // of the bytes there
  readonly n_features: number;
  readonly source: string | null;
  readonly licence: string | null;
  readonly simulated?: boolean; // invented: there is no such place
}

export interface BaseMap {
  readonly tiles: string; // with {z}, {x} and {y}
  readonly attribution: string;
  readonly max_zoom: number;
}

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly unit: string | null;
  readonly title: Said | null;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly is_personal: boolean;
}

export interface Counts {
  readonly received: number;
  readonly accepted: number;
  readonly quarantined: number;
  readonly refused: number;
  readonly batches: number;
}

export type FreshState = "fresh" | "stale" | "empty" | "unknown";

export interface Feed {
  readonly feed: string;
  readonly title: Said | null;
  readonly description: Said | null;
  readonly agency: string | null;
  readonly licence: string | null;
  readonly simulated: boolean;
  readonly is_personal: boolean;
  readonly contract: { readonly version: string; readonly sha256: string; readonly entry: number };
  readonly time_field: string | null;
  readonly key: readonly string[];
  readonly place_field: string | null;
  readonly fields: readonly Field[];
  readonly freshness: {
    readonly last_event: string | null;
    readonly last_arrival: string | null;
    readonly age_s: number | null;
    readonly wanted_s: number | null;
    readonly state: FreshState;
  };
  readonly counts: Counts;
  readonly live: boolean;
}

export type ValueState = "measured" | "filled" | "estimated";

export interface Shown {
  readonly value: number | string | boolean | null;
  readonly unit: string | null;
  readonly state: ValueState;
  readonly flags: readonly string[];
}

export interface PlaceFacts {
  readonly key: string;
  readonly title: Said | null;
  readonly agency: string | null;
  readonly observed_at: string | null;
  readonly age_s: number | null;
  readonly record: string | null; // "batch:record"
  readonly values: Readonly<Record<string, Shown>>;
  readonly trust: number | null;
  readonly simulated: boolean;
}

export interface Place {
  readonly type: "Feature";
  readonly id: string;
  readonly geometry: { readonly type: "Point"; readonly coordinates: readonly [number, number] } | null;
  readonly properties: PlaceFacts;
}

export interface Places {
  readonly type: "FeatureCollection";
  readonly features: readonly Place[];
}

export interface SeriesPoint {
  readonly at: string;
  readonly value: number | null;
  readonly record: string | null;
  readonly state: ValueState;
  readonly flags: readonly string[];
}

export interface Series {
  readonly feed: string;
  readonly key: string;
  readonly field: string;
  readonly unit: string | null;
  readonly simulated: boolean;
  readonly points: readonly SeriesPoint[];
  readonly next: string | null;
}

export interface ReasonCount {
  readonly reason: string;
  readonly n: number;
}

export interface DayCounts {
  readonly day: string;
  readonly received: number;
  readonly accepted: number;
  readonly quarantined: number;
  readonly refused: number;
}

export interface TrustScore {
  readonly key: string;
  readonly field: string;
  readonly day: string;
  readonly score: number;
}

export interface Account {
  readonly device: string;
  readonly hour: string;
  readonly sent: number;
  readonly accepted: number;
  readonly quarantined: number;
  readonly refused: number;
  readonly duplicate: number;
}

export interface Quality {
  readonly counts: Counts;
  readonly reasons: readonly ReasonCount[];
  readonly flagged: readonly ReasonCount[];
  readonly by_day: readonly DayCounts[];
  readonly trust: readonly TrustScore[];
  readonly quarantine: { readonly n: number; readonly waiting: number };
  readonly accounts: readonly Account[];
}

export interface Quarantined {
  readonly batch: number;
  readonly record: number;
  readonly reasons: readonly string[];
  readonly row: Readonly<Record<string, unknown>>;
  readonly status: "waiting" | "released" | "rejected";
  readonly by: string | null;
  readonly why: string | null;
  readonly receipt: string | null;
}

/** What became of a decision about rows set aside, or would. */
export interface Decided {
  readonly is_trial: boolean;
  readonly rows: number;
  readonly accepted: number;
  readonly quarantined: number;
  readonly held: number;
  readonly held_by: readonly string[];
  readonly decided: number;
  readonly entry: number | null;
}

export type Stage = "shadow" | "advise" | "act";

export interface App {
  readonly app: string;
  readonly title: Said | null;
  readonly description: Said | null;
  readonly stage: Stage | null;
  readonly targets: Readonly<Record<string, string | null>>; // and their units
  readonly keys: readonly string[];
  readonly feeds: readonly string[];
  readonly every_s: number;
  readonly affected: Said | null;
  readonly appeal: Said | null;
  readonly owner: string | null;
  readonly risk: string | null;
  readonly risk_why: string | null;
  readonly simulated: boolean;
}

export interface ForecastPoint {
  readonly at: string;
  readonly quantiles: Readonly<Record<string, number | null>>;
  readonly outcome: number | null;
  readonly action?: string | null;
  readonly override?: string | null;
  readonly receipt?: string | null;
}

export interface Forecast {
  readonly app: string;
  readonly key: string;
  readonly target: string;
  readonly unit: string | null;
  readonly origin: string;
  readonly made_at: string;
  readonly origins: readonly string[];
  readonly simulated: boolean;
  readonly points: readonly ForecastPoint[];
  readonly decision: number | null;
  readonly receipt: string | null;
}

/** What an app says of all its places at one time: of each, what is due first after it. */
export interface AppPlaces {
  readonly unit: string | null;
  readonly made_at: string;
  readonly made_before: string | null;
  readonly every_s: number;
  readonly decision: number;
  readonly simulated: boolean;
  readonly items: readonly AppPlace[];
  readonly silent: readonly string[]; // of these nothing was said
  readonly is_cut: boolean;
}

export interface AppPlace {
  readonly key: string;
  readonly due: string;
  readonly quantiles: Readonly<Record<string, number | null>>;
  readonly override: string | null;
  readonly receipt: string;
}

/** Of a panel's cell: made of readings, the last one carried on, between two of them, or nothing. */
export type CellState = ValueState | "missing";

export interface PanelColumn {
  readonly name: string;
  readonly feed: string;
  readonly field: string;
  readonly aggregate: string;
  readonly window_s: number;
  readonly fill: string;
  readonly longest_age_s: number;
  readonly key?: string | null; // the feed's column whose values are the panel's keys
  readonly unit?: string | null;
}

export interface Panel {
  readonly panel: string;
  readonly entry: number;
  readonly every_s: number | null;
  readonly key: string | null;
  readonly columns: readonly PanelColumn[];
  readonly simulated: boolean;
}

export interface PanelHead {
  readonly panel: string;
  readonly column: string;
  readonly entry: number;
  readonly is_stated: boolean;
  readonly unit: string | null;
  readonly aggregate: string;
  readonly every_s: number;
  readonly window_s: number;
  readonly fill: string;
  readonly longest_age_s: number;
  readonly simulated: boolean;
  readonly next: string | null;
}

export interface PanelValues extends PanelHead {
  readonly at: string | null;
  readonly items: readonly { readonly key: string; readonly value: number | null; readonly state: CellState }[];
}

export interface PanelSeries extends PanelHead {
  readonly items: readonly { readonly at: string; readonly value: number | null; readonly state: CellState }[];
}

export interface Decision {
  readonly entry: number;
  readonly made_at: string;
  readonly model: string | null;
  readonly run: number;
  readonly stage: Stage;
  readonly n_rows: number;
  readonly n_overrides: number;
  readonly receipt: string | null;
  readonly simulated: boolean;
}

export interface ModelItem {
  readonly model: string;
  readonly name: string;
  readonly app: string | null;
  readonly stage: Stage | null;
  readonly assurance: { readonly passed: number; readonly failed: number; readonly untested: number } | null;
  readonly released_by: string | null;
  readonly released_at: string | null;
  readonly incidents: number;
  readonly simulated?: boolean;
}

export interface LineageNode {
  readonly entry: number;
  readonly kind: string;
  readonly about: string | null;
  readonly at: string | null;
  readonly simulated: boolean;
}

export interface Lineage {
  readonly entry: number;
  readonly rests_on: readonly LineageNode[];
  readonly used_by: readonly LineageNode[];
  readonly edges: readonly (readonly [number, number])[];
  readonly it: LineageNode;
  readonly is_cut: boolean;
  readonly device?: string | null;
  readonly agency?: string | null;
}

export interface LogState {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly checkpoint: string;
  readonly witnesses: readonly { readonly name: string; readonly last_cosigned_at: string | null; readonly is_quorum: boolean }[];
  readonly growth: readonly { readonly day: string; readonly n: number }[];
  readonly kinds: Readonly<Record<string, number>>;
}

export interface StatementItem {
  readonly entry: number;
  readonly kind: string;
  readonly about: string | null;
  readonly at: string | null;
  readonly signer?: string | null; // events leave it out, and the statement
  readonly simulated: boolean;
  readonly statement?: unknown;
}

/** A request that may have changed something, and the entry of the log whose list has it. */
export interface Written {
  readonly number: number;
  readonly at: string;
  readonly account: string;
  readonly came_by: "token" | "session";
  readonly credential: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body_sha256: string;
  readonly found_entry: number | null; // of one whose server was killed before it noted it: what it wrote
  readonly entry: number;
}
