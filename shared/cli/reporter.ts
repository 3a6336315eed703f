import type { Progress, ReportProgress } from '../progress.js';

const REDRAW_MS = 100;

/**
 * Prints progress to standard error: one line that redraws itself on a terminal, plain lines
 * elsewhere (cron, logs). Standard output belongs to results.
 */
export function makeReporter(stream: NodeJS.WriteStream = process.stderr): {
  report: ReportProgress;
  finish: () => void;
} {
  return stream.isTTY ? terminalReporter(stream) : lineReporter(stream);
}

function terminalReporter(stream: NodeJS.WriteStream): {
  report: ReportProgress;
  finish: () => void;
} {
  let drawn = 0;
  const clear = (): void => {
    stream.write('\r\u001b[K');
  };
  return {
    report(progress) {
      const transient = progress.kind === 'count' && progress.done < progress.total;
      if (transient && Date.now() - drawn < REDRAW_MS) return;
      drawn = Date.now();
      clear();
      stream.write(describe(progress).slice(0, stream.columns - 1));
      if (!transient) stream.write('\n');
    },
    finish: clear,
  };
}

function lineReporter(stream: NodeJS.WriteStream): {
  report: ReportProgress;
  finish: () => void;
} {
  return {
    report(progress) {
      // A log wants the end of a count, not each of its steps.
      if (progress.kind === 'count' && progress.done < progress.total) return;
      stream.write(`${describe(progress)}\n`);
    },
    finish: () => undefined,
  };
}

function describe(progress: Progress): string {
  switch (progress.kind) {
    case 'phase':
      return progress.name;
    case 'count': {
      const detail = progress.detail === undefined ? '' : `  ${progress.detail}`;
      return `${progress.name}: ${progress.done}/${progress.total}${detail}`;
    }
    case 'note':
      return progress.text;
    case 'warning':
      return `warning: ${progress.text}`;
  }
}
