import "uplot/dist/uPlot.min.css";
import "./style/index.css";
import { render } from "preact";
import { listen } from "./api/events";
import { Portal } from "./portal";
import { paint, theme, watchSystem } from "./theme";

paint(theme.value);
watchSystem();
listen();
render(<Portal />, document.getElementById("portal") as HTMLElement);
