/** One line of `debshoal doctor`. */
export interface Finding {
  /** What was looked at, such as `network`. */
  readonly area: string;
  /** `warning`: it works, but not as well as it could. `problem`: something does not work. */
  readonly level: 'ok' | 'warning' | 'problem';
  readonly text: string;
  /** What to do; null where all is well. */
  readonly advice: string | null;
}

/** The findings of one area. */
export interface Findings {
  ok(text: string): void;
  warning(text: string, advice: string): void;
  problem(text: string, advice: string): void;
}

export function findingsOf(area: string): Findings & { readonly all: readonly Finding[] } {
  const all: Finding[] = [];
  return {
    all,
    ok: (text) => all.push({ area, level: 'ok', text, advice: null }),
    warning: (text, advice) => all.push({ area, level: 'warning', text, advice }),
    problem: (text, advice) => all.push({ area, level: 'problem', text, advice }),
  };
}
