/** One Debian package, as far as it differs from the other. */
export interface ProgramPackage {
  readonly name: 'debshoal' | 'debshoal-generator';
  readonly side: 'client' | 'generator';
  /** The first line is the synopsis; control's format but for the leading blanks. */
  readonly description: readonly string[];
  readonly depends: readonly string[];
  readonly recommends: readonly string[];
  readonly suggests: readonly string[];
  /** Files and folders below packaging/, and where they go; those that are not there are left out. */
  readonly files: readonly (readonly [from: string, to: string])[];
  readonly emptyFolders: readonly string[];
  readonly manualFiles: readonly (readonly [path: string, text: string])[];
  readonly seeAlso: readonly string[];
}

export const PROGRAMS: readonly ProgramPackage[] = [
  {
    name: 'debshoal',
    side: 'client',
    description: [
      'package upgrades as binary deltas, from peers and mirrors',
      'Fetches only what has changed between two versions of a package, from the',
      'mirror and from other machines at once, rebuilds the new package bit for bit',
      'from the files that are installed, and hands it to apt, which verifies it as',
      'ever. On any doubt the package comes whole from the mirror.',
      '.',
      'Nothing changes until "debshoal enable" puts it behind apt.',
    ],
    // The daemon applies no delta without a sandbox.
    depends: ['apt', 'bubblewrap', 'passwd'],
    recommends: ['ca-certificates'],
    suggests: ['network-manager'],
    files: [
      ['apt.conf.d', 'usr/share/debshoal/apt.conf.d'],
      ['apt-method', 'usr/lib/debshoal/apt-method'],
      ['reader', 'usr/lib/debshoal/app/packaging/reader'],
      ['systemd', 'usr/lib/systemd/system'],
    ],
    emptyFolders: ['etc/debshoal/conf.d', 'etc/debshoal/sources.d'],
    manualFiles: [
      ['/etc/debshoal/debshoal.conf', 'The settings, each explained; conf.d beside it has more.'],
      ['/etc/debshoal/policy.conf', 'Settings that nothing overrides, and Mirrors-Only.'],
      ['/etc/debshoal/sources.d/*.sources', 'Where indexes of deltas are.'],
      ['/var/lib/debshoal', 'What was learnt about this machine, and the local repository.'],
      ['/var/cache/debshoal', 'Packages that are ready, and what is shared.'],
    ],
    seeAlso: ['apt (8)', 'debshoal\\-generator (1)'],
  },
  {
    name: 'debshoal-generator',
    side: 'generator',
    description: [
      'binary deltas for a Debian archive, signed and published',
      'Makes binary deltas between the versions of the packages of an archive, proves',
      'each by rebuilding the new package bit for bit, signs an index of them, and',
      'publishes all of it as torrents and plain HTTP files.',
    ],
    depends: [],
    recommends: ['ca-certificates'],
    suggests: ['reprepro'],
    files: [
      ['reprepro', 'usr/share/debshoal/reprepro'],
      ['nginx.conf', 'usr/share/debshoal/nginx.conf'],
      ['README.md', 'usr/share/doc/debshoal-generator/README.archives.md'],
    ],
    emptyFolders: [],
    manualFiles: [
      [
        '~/.local/share/debshoal-generator',
        'Key, configuration and store, unless --home says else.',
      ],
    ],
    seeAlso: ['debshoal (1)', 'reprepro (1)'],
  },
];
