import { describe, expect, it } from 'vitest';

import { toMarkdown } from '../../../../bench/rebuild/markdown.js';
import { escapeHtml } from '../../../../bench/rebuild/page/html.js';
import { toPage } from '../../../../bench/rebuild/page/page.js';
import { pairResult, rebuildReport, runOf } from '../../../support/rebuild-report.js';

const RUNS = { exact: runOf(1), expanded: runOf(0.1), debdelta: runOf(3) };
const HOSTILE = `"><script>alert('x')</script>&`;

describe('the page', () => {
  it('has a plot for the set and each pair, and points for all', () => {
    const page = toPage(rebuildReport([pairResult('one', RUNS), pairResult('two', RUNS)]));
    expect(page.match(/<figure data-cores="1" data-pair="(one|two|)">/g)).toHaveLength(3);
    // Four routes in three plots, and in their legends.
    expect(page.match(/<polyline class="line /g)).toHaveLength(12);
    // Each pair by each of our routes and debdelta's, and once in the legend.
    expect(page.match(/class="dot /g)).toHaveLength(9);
    expect(page).toContain('quicker than the full download up to 144 Mbit/s');
  });

  it('needs nothing from elsewhere', () => {
    const page = toPage(rebuildReport([pairResult('one', RUNS)]));
    expect(page).not.toMatch(/(?:src|href|url)\s*[=(]\s*["']?(?!#)/);
  });

  it('shows names as text', () => {
    const page = toPage(rebuildReport([pairResult(HOSTILE, RUNS)]));
    expect(page).not.toContain('<script>alert');
    expect(page).toContain(escapeHtml(HOSTILE));
    expect(escapeHtml(HOSTILE)).toBe(
      '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;',
    );
  });

  it('stands without a route, and without pairs', () => {
    expect(toPage(rebuildReport([pairResult('one', {})]))).toContain('full download');
    expect(toPage(rebuildReport([]))).toContain('not measured');
  });
});

describe('the tables', () => {
  it('tell every run, totals and targets', () => {
    const text = toMarkdown(
      rebuildReport([pairResult('one', { exact: RUNS.exact, expanded: RUNS.expanded })]),
    );
    expect(text).toMatch(/^\| one \| exact \| 1 \| 200000 \| 1\.00 \| 1\.00 \| 1\.000 \|/m);
    expect(text).toMatch(/^\| one \| debdelta \| - \| not asked for \|/m);
    expect(text).toMatch(/^\| delta, expanded \.deb \| 1 \| 1 \| 200000 \| 0\.10 \| 144\.0 \|$/m);
    expect(text).toMatch(/^\| expanded rebuild ÷ xz, CPU time \|.*\| yes \|$/m);
  });
});
