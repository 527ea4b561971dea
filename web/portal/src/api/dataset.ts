// What /api/v1/datasets/FEED answers: a feed as a data set, measured. Texts are the contract's, in its own language.

import type { FreshState } from "./types";

export interface Dataset {
  readonly dataset: string;
  readonly title: string;
  readonly agency: string | null;
  readonly simulated: boolean;
  readonly description: { readonly purpose: string | null; readonly limitations: string | null; readonly usage: string | null };
  readonly licence: string | null;
  readonly keywords: readonly string[];
  readonly bbox: readonly [number, number, number, number] | null; // west, south, east, north in degrees
  readonly temporal: { readonly first: string; readonly last: string } | null;
  readonly columns: readonly Column[];
  readonly key: readonly string[];
  readonly contract: ContractVersion;
  readonly version: Version | null; // null while it has no rows
  readonly quality: Measured;
  readonly lineage: {
    readonly batches: readonly Batch[]; // the newest first
    readonly n_batches: number;
    readonly used_by: readonly { readonly entry: number; readonly kind: string; readonly name: string; readonly simulated: boolean }[];
  };
  readonly changes: Changes;
}

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly unit: string | null;
  readonly description: string | null;
}

export interface ContractVersion {
  readonly version: string;
  readonly sha256: string;
  readonly entry: number;
  readonly url: string;
}

export interface Version {
  readonly version: number; // the number of its last batch
  readonly as_of: string;
  readonly entry: number;
  readonly rows: number;
  readonly sha256: string; // of the rows, not of a file
  readonly manifest: string;
  readonly croissant: string;
  readonly files: readonly { readonly url: string; readonly media_type: string; readonly n_bytes?: number; readonly sha256?: string }[];
}

export interface SensorScore {
  readonly sensor: string;
  readonly property: string | null; // null for the sensor as a whole
  readonly day: string;
  readonly score: number;
  readonly low: number;
  readonly high: number;
}

export interface Measured {
  readonly measured_at: string;
  readonly freshness: {
    readonly last_event: string | null;
    readonly last_arrival: string | null;
    readonly age_s: number | null;
    readonly wanted_s: number | null;
    readonly state: FreshState;
  };
  readonly completeness: { readonly share: number | null; readonly n_sensors: number | null };
  readonly validity: { readonly share: number | null };
  readonly sensor_health: { readonly mean: number | null; readonly lowest: number | null; readonly sensors: readonly SensorScore[] };
}

export interface Batch {
  readonly entry: number;
  readonly batch: number;
  readonly received_at: string;
  readonly rows: number;
}

/** Each list the newest first, and at most fifty of it. */
export interface Changes {
  readonly contracts: readonly ContractVersion[];
  readonly corrections: readonly {
    readonly entry: number;
    readonly name: string;
    readonly withdrawn: readonly { readonly entry: number; readonly reason: string; readonly at: string }[];
  }[];
  readonly releases: readonly { readonly entry: number; readonly batch: number; readonly at: string; readonly rows: number }[];
  readonly erasures: readonly { readonly entry: number }[];
}
