/** Typed progress: libraries report, one reporter in the CLI prints. */
export type Progress =
  | { readonly kind: 'phase'; readonly name: string }
  | {
      readonly kind: 'count';
      readonly name: string;
      readonly done: number;
      readonly total: number;
      readonly detail?: string;
    }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'warning'; readonly text: string };

export type ReportProgress = (progress: Progress) => void;
