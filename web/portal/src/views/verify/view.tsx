// The Verify view inside the portal: `#/verify?receipt=receipts/air/3/14`.

import type { JSX } from "preact";
import type { ViewProps } from "../../portal";
import { Verify } from "./verify";

export function VerifyView({ route }: ViewProps): JSX.Element {
  return <Verify path={route.query.get("receipt") ?? null} isAlone={false} />;
}
