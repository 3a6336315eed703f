import { RecalledColumn, type Context } from './recall.js';
import { dpkgTemplate, type Template } from './header.js';
import { usualStyle, type EntryName } from './names.js';
import type { EntryKind } from './old-tree.js';

/** Where the content of an entry comes from, as coded. Append only: the numbers are the format. */
export const ORIGIN = {
  /** The whole old file in the place of which this one is. */
  samePlace: 0,
  /** Made; its size is told as the difference to that of the old file in its place. */
  madeNearOld: 1,
  /** Made; its size is told. */
  made: 2,
  empty: 3,
  /** The whole old file of another place. */
  otherPlace: 4,
} as const;

const FOLDER = dpkgTemplate({ type: '5', mode: '0000755', nameStyle: usualStyle('folder') });
const FILE = dpkgTemplate({ type: '0', mode: '0000644', nameStyle: usualStyle('file') });
const PROGRAM = dpkgTemplate({ type: '0', mode: '0000755', nameStyle: usualStyle('file') });
const LINK = dpkgTemplate({ type: '2', mode: '0000777', nameStyle: usualStyle('link') });

/** What is learned from entry to entry; one state goes through all tars of a layout. */
export class LayoutState {
  readonly templates = new RecalledColumn<Template>('templates', [FOLDER, FILE, PROGRAM, LINK]);
  readonly times = new RecalledColumn<number>('times', []);
  /** Of one tar only: what control.tar copies has nothing to do with data.tar. */
  origins = originColumn();

  startTar(): void {
    this.origins = originColumn();
  }

  expectTemplate(context: Context, kind: EntryKind): Template {
    const known = this.templates.expect(context);
    if (known !== undefined) return known;
    if (kind === 'file') return context[3] === 'program' ? PROGRAM : FILE;
    return kind === 'folder' ? FOLDER : LINK;
  }
}

function originColumn(): RecalledColumn<number> {
  return new RecalledColumn('origins', Object.values(ORIGIN));
}

/** Times also fall back to the last one of any entry. */
export function timeContext(context: Context): Context {
  return [...context, ''];
}

/** dpkg keeps all control files but this one. */
const NOT_KEPT = '/control';

/** Entries with and without an old file have different origins. */
export function originContext(context: Context, { place, path }: EntryName): Context {
  if (path === NOT_KEPT) return [path];
  return context.map((key) => `${place === null ? 'new' : 'old'}\n${key}`);
}

export function expectOrigin(state: LayoutState, context: Context, name: EntryName): number {
  const usual = name.place === null || name.path === NOT_KEPT ? ORIGIN.made : ORIGIN.samePlace;
  return state.origins.expect(context) ?? usual;
}
