/** Prometheus' text exposition format 0.0.4. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** One metric with all its samples; names end in the base unit, those of counters in `_total`. */
export interface Metric {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Counts by labels; starts with what may be counted, for a series that begins at 1 has no rate. */
export interface Counter {
  readonly add: (labels: Labels, amount?: number) => void;
  readonly samples: () => readonly Sample[];
}

export function openCounter(initial: readonly Labels[]): Counter {
  const counts = new Map<string, { labels: Labels; value: number }>();
  const entryOf = (labels: Labels): { labels: Labels; value: number } => {
    const key = JSON.stringify(labels);
    const entry = counts.get(key) ?? { labels, value: 0 };
    counts.set(key, entry);
    return entry;
  };
  initial.forEach(entryOf);
  return {
    add: (labels, amount = 1) => {
      entryOf(labels).value += amount;
    },
    samples: () => [...counts.values()],
  };
}

export function encodeMetrics(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, kind, help, samples }) => {
      const lines = samples.map(
        ({ labels = {}, value }) => `${name}${encodeLabels(labels)} ${value}`,
      );
      return [`# HELP ${name} ${escape(help)}`, `# TYPE ${name} ${kind}`, ...lines, ''].join('\n');
    })
    .join('');
}

function encodeLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${escape(value).replaceAll('"', '\\"')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
