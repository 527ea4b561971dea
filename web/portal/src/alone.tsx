// The Verify view alone: one file, no server, and by its own policy no connection to anybody.

import "./style/index.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import { language, t } from "./language";
import { Shell } from "./shell";
import { paint, theme } from "./theme";
import { Verify } from "./views/verify/verify";

paint(theme.value);
effect(() => {
  document.documentElement.lang = language.value;
  document.title = `${t("nav.verify")} · Veracity`;
});
render(
  <Shell city={null} view="verify" isAlone>
    <Verify path={null} isAlone />
  </Shell>,
  document.getElementById("portal") as HTMLElement,
);
