import { DEFAULT_CONFIG } from './config.js';

/** Where the world finds what we publish; `init` can write them into the configuration. */
export interface PublicAddresses {
  readonly baseUrl: string;
  readonly mirror: string;
  readonly announce: readonly string[];
}

/**
 * The generator.conf that `init` writes. A line "#Field: value" shows the default, so the file as
 * it is changes nothing but the given addresses, and neither does removing the "#".
 */
export function configTemplate(addresses: Partial<PublicAddresses>): string {
  const { baseUrl, mirror, announce = [] } = addresses;
  const values = { 'Base-URL': baseUrl, Mirror: mirror, Announce: announce.join(' ') };
  return Object.entries(values).reduce(
    (text, [field, value = '']) =>
      value === '' ? text : text.replace(`#${field}:`, () => `${field}: ${value}`),
    TEMPLATE,
  );
}

const TEMPLATE = `# What debshoal-generator makes, from what, and for whom.
#
# A line beginning with "#" is a comment. "#Field: value" shows the default: remove the "#" and
# change the value. Lists are separated by blanks; a line that begins with a blank continues the
# one before. A mistake is reported with its line, and nothing is published.


# FROM WHAT

# Make deltas only for these parts of the archive. Empty: for all that are found.
# For example: "Suites: bookworm bookworm-updates" and "Architectures: amd64 arm64".
# Packages for "all" architectures belong to each of them.
#Suites:
#Components:
#Architectures:

# Make deltas from this many published versions before the new one, 1 to 100. Machines that are
# updated daily need 1; 3 also serves those that missed a few. Each one costs computing time and
# disk space.
#Keep-Versions: ${DEFAULT_CONFIG.keepVersions}

# Drop a delta that is larger than this part of its .deb, in percent: rebuilding takes time, too.
#Max-Ratio: ${DEFAULT_CONFIG.maxRatio}

# Whether deltas are quick to apply (fast) or a tenth smaller, but slower to apply by about a
# second for each 40 MB of package (small).
#Coding: ${DEFAULT_CONFIG.coding}

# Worker processes. Empty: one for each processor. Large packages need memory: about 12 bytes for
# each byte of their changed files, in every worker.
#Workers:


# FOR WHOM

# Where clients find our output, as served by any web server (for nginx: /usr/share/debshoal/nginx.conf).
# Torrents name it as their web seed, so they are complete without anybody seeding.
# For example: https://deltas.example.org/debian
#Base-URL:

# The archive that the packages come from: the web seed of torrents of full packages.
# For example: https://mirror.example.org/debian
#Mirror:

# Trackers, where clients find each other: http, https or udp. "debshoal-generator serve" has one;
# others may want to know our torrents: "opentracker -d OUT/torrents -w whitelist", and SIGHUP after
# each "publish". For example: https://deltas.example.org/announce
#Announce:

# Clients believe a publication for this many days, 1 to 3650, then they download full packages.
# Publish at least twice in that time. Shorter means that an attacker who holds back updates is
# noticed sooner.
#Valid-For: ${DEFAULT_CONFIG.validFor}

# What the signed Release says about its maker. apt can select by them.
#Origin: ${DEFAULT_CONFIG.origin}
#Label: ${DEFAULT_CONFIG.label}
`;
