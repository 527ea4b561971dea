// From a statement of any kind to its typed form.

import { readAccess } from "./access.js";
import { readContract, type SealedContract } from "./contract.js";
import { readDelivery, type Delivery } from "./delivery.js";
import { readEnrol, type Enrol } from "./enrol.js";
import { readIngest, type Ingest } from "./ingest.js";
import {
  readApprove, readAssure, readDecide, readIncident, readOutcome, readOverride, readRelease, readTrain,
  type Approve, type Decide, type Incident, type Override, type Release,
} from "./models.js";
import { readAccount, readCalibrate, readCertify, readErase, readReject, readTransform, readWithdraw } from "./others.js";
import type { Kind, Statement } from "./statement.js";

export type Typed =
  Enrol | SealedContract | Delivery | Ingest | Approve | Release | Decide | Override | Incident | null;

const FORMS: Partial<Record<Kind, (statement: Statement) => Typed | Promise<Typed> | void>> = {
  enrol: readEnrol,
  contract: readContract,
  delivery: readDelivery,
  ingest: readIngest,
  transform: readTransform,
  certify: readCertify,
  account: readAccount,
  calibrate: readCalibrate,
  withdraw: readWithdraw,
  reject: readReject,
  erase: readErase,
  train: readTrain,
  assure: readAssure,
  approve: readApprove,
  release: readRelease,
  decide: readDecide,
  override: readOverride,
  outcome: readOutcome,
  incident: readIncident,
  access: readAccess,
};

/** The typed form; null for a kind that has none, or of which nothing more is needed once it is read. */
export async function typed(statement: Statement): Promise<Typed> {
  return (await FORMS[statement.kind]?.(statement)) ?? null;
}
