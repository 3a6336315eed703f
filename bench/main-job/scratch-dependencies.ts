import { controlField } from './plain-archive.js';

/**
 * apt refuses to upgrade anything while an installed package lacks a dependency, and keeps back a
 * package whose new version needs one that is not there. A scratch root holds only the packages
 * under test, so this is the status stanza of one more, honestly named package that provides the
 * rest: every version that the given control stanzas (old and new versions) ask for.
 */
export function dependencyProvider(controls: readonly string[], architecture: string): string {
  const present = new Set(controls.map((control) => controlField(control, 'Package')));
  const provided = new Set<string>();
  for (const control of controls) {
    for (const field of ['Depends', 'Pre-Depends']) {
      for (const dependency of controlField(control, field).split(',')) {
        const provides = satisfying(dependency.split('|')[0]?.trim() ?? '', present);
        if (provides !== null) provided.add(provides);
      }
    }
  }
  const lines = [
    'Package: debshoal-scratch-dependencies',
    'Status: install ok installed',
    'Priority: optional',
    'Section: misc',
    'Maintainer: debshoal <debshoal@example.invalid>',
    `Architecture: ${architecture}`,
    'Multi-Arch: allowed',
    'Version: 1',
    ...(provided.size === 0 ? [] : [`Provides: ${[...provided].sort().join(', ')}`]),
    'Description: stands in for the dependencies of the packages under test',
  ];
  return `${lines.join('\n')}\n`;
}

/** What to provide so that one alternative (`NAME[:any] [(RELATION VERSION)]`) holds. */
function satisfying(alternative: string, present: ReadonlySet<string>): string | null {
  const form = /^([a-z0-9+.-]+)(:any)?(?: ?\((<<|<=|=|>=|>>) ?([^)]+)\))?$/.exec(alternative);
  const [, name = '', any = '', relation, version = ''] = form ?? [];
  if (form === null || present.has(name)) return null;
  if (relation === undefined) return `${name}${any}`;
  // '~' sorts before the end of a version, '+' after it (deb-version(7)).
  const suffix = relation === '<<' ? '~' : relation === '>>' ? '+' : '';
  return `${name}${any} (= ${version}${suffix})`;
}
