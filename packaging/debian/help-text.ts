/** What a program's `--help` says, as far as man pages and completions need it apart. */
export interface HelpText {
  /** Such as `debshoal apply <delta> <out>`. */
  readonly usage: string;
  readonly summary: string;
  /** In the order of the text: `Options`, `Examples`, and whatever an epilogue has. */
  readonly sections: readonly HelpSection[];
}

interface HelpSection {
  /** Without its colon. Empty for a paragraph that has none. */
  readonly title: string;
  readonly lines: readonly string[];
}

/** A line of two columns: an option, a command, an example. */
export interface HelpEntry {
  readonly term: string;
  readonly text: string;
}

/** Splits what yargs prints: paragraphs between blank lines, the first two without a title. */
export function parseHelp(text: string): HelpText {
  const paragraphs = text.trim().split(/\n\n+/);
  const [usage = '', summary = '', ...rest] = paragraphs;
  const sections = rest.map((paragraph) => {
    const [first = '', ...lines] = paragraph.split('\n');
    const title = /^([A-Z][a-z ]+):$/.exec(first)?.[1];
    return title === undefined ? { title: '', lines: [first, ...lines] } : { title, lines };
  });
  return { usage, summary, sections };
}

/** The entries of a section in two columns: what yargs lines up is two blanks apart. */
export function entriesOf(help: HelpText, title: string): readonly HelpEntry[] {
  const section = help.sections.find((one) => one.title === title);
  return (section?.lines ?? []).map((line) => {
    const [, term = line.trim(), description = ''] = /^ +(\S.*?)(?: {2,}(.*))?$/.exec(line) ?? [];
    return { term, text: description };
  });
}

/** The names of the commands that a program's help lists. */
export function commandNames(help: HelpText): readonly string[] {
  return entriesOf(help, 'Commands').map(({ term }) => term.split(' ')[1] ?? '');
}

/** `--name` of each option, and the words that it may be given, where these are few. */
export function optionsOf(help: HelpText): readonly { name: string; choices: readonly string[] }[] {
  return entriesOf(help, 'Options').map(({ term, text }) => {
    const list = /\[choices: ([^\]]*)\]/.exec(text)?.[1] ?? '';
    const choices = [...list.matchAll(/"([^"]*)"/g)].map(([, word]) => word ?? '');
    return { name: /--[a-z-]+/.exec(term)?.[0] ?? '', choices };
  });
}
