/** Colours of Okabe and Ito, told apart by most eyes; dashes and shapes tell the rest. */
export const STYLE = `
:root { color-scheme: light dark;
  --text: #1c1c1c; --faint: #6b6b6b; --paper: #fff; --panel: #f6f6f4; --grid: #e4e4e0; --decade: #c4c4be;
  --full: #555; --exact: #0072b2; --expanded: #00795a; --debdelta: #c45100; --met: #00703c; --missed: #b3261e; }
@media (prefers-color-scheme: dark) { :root {
  --text: #e8e8e4; --faint: #a2a29c; --paper: #17181a; --panel: #202225; --grid: #2c2e31; --decade: #4a4d52;
  --full: #bbb; --exact: #56b4e9; --expanded: #2ecc9b; --debdelta: #ff9450; --met: #4cd08a; --missed: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 980px; padding: 24px 20px 60px; background: var(--paper); color: var(--text);
  font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .4rem; }
p { margin: .3rem 0 .9rem; max-width: 75ch; } .conditions { color: var(--faint); font-size: .9rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; width: 100%; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--grid); font-variant-numeric: tabular-nums; }
th { color: var(--faint); font-weight: 600; }
tr.met td:last-child { color: var(--met); font-weight: 600; } tr.missed td:last-child { color: var(--missed); font-weight: 600; }
.choices { display: flex; gap: 18px; flex-wrap: wrap; position: sticky; top: 0; padding: 10px 0; background: var(--paper); }
select { font: inherit; padding: 3px 6px; }
figure { margin: 12px 0; padding: 14px 14px 8px; background: var(--panel); border-radius: 8px; }
figure[hidden] { display: none; }
figcaption { font-weight: 600; margin-bottom: 6px; }
td:nth-child(n+2) { white-space: nowrap; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--text); font-size: 13px; }
svg .title { font-size: 14px; font-weight: 600; }
.grid { stroke: var(--grid); } .grid.decade { stroke: var(--decade); } .frame { fill: none; stroke: var(--decade); }
.legend { list-style: none; margin: 0 0 6px; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 22px; font-size: .9rem; }
figure[data-pair] .legend { flex-direction: column; }
.legend li { display: flex; align-items: center; gap: 8px; } .legend .sample { width: 34px; flex: none; }
.legend .sample[viewBox="0 0 12 12"] { width: 14px; }
.line { fill: none; stroke-width: 2.5; } .dot { stroke: var(--panel); stroke-width: 1; } .mark { stroke: var(--panel); stroke-width: 1.5; }
.full { stroke: var(--full); } .line.full { stroke-dasharray: 7 5; }
.line.exact { stroke: var(--exact); } .line.expanded { stroke: var(--expanded); } .line.debdelta { stroke: var(--debdelta); stroke-dasharray: 2 4; stroke-width: 3; }
.dot.exact, .mark.exact { fill: var(--exact); } .dot.expanded, .mark.expanded { fill: var(--expanded); } .dot.debdelta, .mark.debdelta { fill: var(--debdelta); }
.link { stroke: var(--faint); stroke-dasharray: 3 5; } svg .link-label { fill: var(--faint); font-size: 12px; }
`;
