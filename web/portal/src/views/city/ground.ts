// The city's own ground: fetched, and compared with the digest that the city tells of it. It is a backdrop, not evidence.

import type { FeatureCollection } from "geojson";
import { getBytes } from "../../api/client";
import type { Ground } from "../../api/types";

const MAX_BYTES = 8 * 1024 * 1024;

export interface FetchedGround {
  readonly collection: FeatureCollection;
  readonly isAsTold: boolean | null; // null where this page has no WebCrypto: over HTTP from another machine
}

/** Fetch the ground; null if there is none, or it cannot be read: the map then stands on water. */
export async function fetchGround(ground: Ground | null | undefined): Promise<FetchedGround | null> {
  if (ground === null || ground === undefined) return null;
  try {
    const bytes = await getBytes(ground.url, MAX_BYTES, "application/geo+json");
    const collection = JSON.parse(new TextDecoder().decode(bytes)) as FeatureCollection;
    if (collection.type !== "FeatureCollection" || !Array.isArray(collection.features)) return null;
    return { collection, isAsTold: await isOfDigest(bytes, ground.sha256) };
  } catch {
    return null;
  }
}

async function isOfDigest(bytes: Uint8Array, sha256: string): Promise<boolean | null> {
  if (globalThis.crypto?.subtle === undefined) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}
