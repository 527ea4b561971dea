"""The style of pages: light and dark, print, narrow screens; colours that the colour-blind tell apart.

Blue and vermilion are of Okabe and Ito's palette. No meaning hangs on colour alone: what is
flagged is also higher, a dot, or said in words.
"""

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1a1d21;--soft:#565d66;--rule:#d5d9de;--card:#f5f6f8;
--data:#0072b2;--thin:#6ba9d3;--bad:#c04f00;--gap:#767d86;--mark:#1a1d21}
@media (prefers-color-scheme:dark){:root{--bg:#15181c;--fg:#e8eaed;--soft:#a8b0ba;--rule:#3a4048;
--card:#1e2227;--data:#56b4e9;--thin:#2f6d94;--bad:#f0902f;--gap:#8b939d;--mark:#e8eaed}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:64rem;background:var(--bg);color:var(--fg);
font:16px/1.5 system-ui,sans-serif;overflow-wrap:break-word}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0}
h2{font-size:1.25rem;margin:2.5rem 0 .5rem;padding-top:.5rem;border-top:2px solid var(--rule)}
h3{font-size:1rem;margin:0}
p{margin:.4rem 0}
a{color:var(--data)}
nav a{margin-right:1rem}
code{font:.9em ui-monospace,monospace}
.soft{color:var(--soft);font-size:.9rem}
.num{text-align:right;width:1%;font-variant-numeric:tabular-nums;white-space:nowrap}
.sim{display:inline-block;border:2px solid var(--bad);padding:0 .5rem;font-weight:700}
.verdict{font-size:1.1rem;border-left:.4rem solid var(--data);padding:.4rem .8rem;background:var(--card)}
.verdict.no{border-color:var(--bad)}
.sum{display:flex;flex-wrap:wrap;gap:.25rem .75rem;margin:1rem 0;padding:0;list-style:none}
.sum li{display:grid;grid-template-columns:auto auto;column-gap:.75rem}.sum li:first-child{column-gap:0}
.sum b,.sum i{font-size:1.4rem;line-height:1.2;font-style:normal;font-variant-numeric:tabular-nums}
.sum span{grid-column:-2}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;color:var(--soft)}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--rule)}
th{font-weight:600}
.rules th{min-width:9.5rem}dd,.sha,th code{overflow-wrap:anywhere}
.sha{min-width:12rem}table.rules td:last-child{min-width:20rem}
td ul{margin:0;padding-left:1rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;font-size:.9rem}
dt{color:var(--soft)}dd{margin:0}
figure{margin:1.25rem 0;padding:.75rem;background:var(--card);break-inside:avoid}
.grid{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(19rem,100%),1fr))}
.grid figure{margin:0}
.plot{display:grid;grid-template-columns:auto minmax(0,1fr);margin:.5rem 0 .25rem;font-size:.75rem;
color:var(--soft);font-variant-numeric:tabular-nums}
.y-name{grid-column:1/3;margin-bottom:.6rem}.x-name{grid-column:2;text-align:center}
.y{position:relative;width:3.6rem}
.y span{position:absolute;right:.4rem;transform:translateY(-50%);white-space:nowrap}
.x{grid-column:2;position:relative;height:1.5em;overflow:hidden}
.x span{position:absolute;white-space:nowrap;transform:translateX(-50%)}
.x .first{transform:none}.x .last{transform:translateX(-100%)}
.area{width:100%;height:9rem;display:block;border-bottom:1px solid var(--gap);overflow:visible}
.grid .area{height:7rem}
path{vector-effect:non-scaling-stroke;fill:none;stroke-linejoin:round}
.grid-line{stroke:var(--rule);stroke-width:1}
.line{stroke:var(--data);stroke-width:1.4;stroke-linecap:round}
.points{stroke:var(--data);stroke-width:3.2;stroke-linecap:round}
.dots{stroke:var(--bad);stroke-width:6;stroke-linecap:round}
.edge{stroke:var(--bad);stroke-width:2.5}
.bar{fill:var(--data)}.bar-bad{fill:var(--bad)}
.bound{stroke:var(--mark);stroke-width:1.5;stroke-dasharray:4 3}
.box{stroke:var(--mark);stroke-width:5}.whisker{stroke:var(--mark);stroke-width:1.5}
.strip{width:100%;height:1.5rem;display:block}
.has{fill:var(--data)}.few{fill:var(--thin)}.none{fill:var(--gap)}.broke{fill:var(--bad)}
.strips td.s{width:55%;min-width:9rem}
.legend{font-size:.85rem}.entry{margin-right:1rem;white-space:nowrap}
.key{display:inline-block;width:.9em;height:.9em;vertical-align:-.1em;border-bottom:1px solid var(--gap)}
.key.has{background:var(--data)}
.key.few{background:linear-gradient(0deg,var(--thin) 45%,transparent 0)}
.key.none{background:linear-gradient(0deg,var(--gap) 12%,transparent 0)}
.key.broke{background:linear-gradient(0deg,var(--bad) 50%,var(--data) 0)}
.key.dot{width:.6em;height:.6em;border:0;border-radius:50%;background:var(--bad);vertical-align:.05em}
.key.data{background:var(--data)}
.key.dash{height:0;width:1.5em;border-bottom:2px dashed var(--mark);vertical-align:.25em}
.key.up{width:3px;background:var(--bad)}
@media (max-width:40rem){body{padding:.75rem}.x span:nth-child(even){display:none}
.rules thead,.strips thead{position:absolute;clip-path:inset(50%)}
.rules tr,.strips tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--rule)}
.rules td,.rules th,.strips td,.strips th{display:block;border:0;padding:.05rem 0;text-align:left}
.rules td[data-of]::before,.strips td[data-of]::before{content:attr(data-of) ": ";color:var(--soft)}
.strips td.s{width:100%}table.rules td:last-child,.rules th{min-width:0}
.strips td.num{display:inline-block;width:auto;margin-right:1rem}}
@media print{:root{--bg:#fff;--fg:#000;--soft:#444;--rule:#bbb;--card:#fff;--data:#0072b2;--thin:#6ba9d3;
--bad:#c04f00;--gap:#767d86;--mark:#000}
body{max-width:none;font-size:11px}nav{display:none}
path,.key,.verdict{print-color-adjust:exact;-webkit-print-color-adjust:exact}tr{break-inside:avoid}}
"""
