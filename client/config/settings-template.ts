import { SETTING_FIELDS } from './setting-fields.js';
import { DEFAULT_SETTINGS } from './settings.js';

/**
 * The debshoal.conf that the package installs. A line "#Field: value" shows the default, so the file
 * as it is changes nothing, and neither does removing the "#".
 */
export function settingsTemplate(): string {
  const lines = TEMPLATE.split('\n').map((line) => {
    const field = SETTING_FIELDS[/^#([A-Za-z-]+):$/.exec(line)?.[1] ?? ''];
    return field === undefined ? line : `${line} ${field.format(DEFAULT_SETTINGS)}`.trimEnd();
  });
  return lines.join('\n');
}

/** The values are filled in. */
const TEMPLATE = `# What debshoal does by itself on this machine, and what it may not do.
#
# A line beginning with "#" is a comment. "#Field: value" shows the default: remove the "#" and
# change the value. Files in /etc/debshoal/conf.d that end in ".conf" are read after this one, in
# the order of their names, and override it. So do variables of the environment (DEBSHOAL_CACHE_SIZE
# for Cache-Size), and options of a command. /etc/debshoal/policy.conf overrides all of them.
# "debshoal config" shows what is in force, and who says so. A mistake is reported with its line;
# until it is mended, packages come from the mirror.


# FETCHING

# Fetch packages by deltas and from peers. With "no" each one comes from the mirror, as if debshoal
# was not there.
#Fetch:

# What to save: time, bytes, or auto: time, and bytes where they cost next to no time.
#Prefer:

# Who may vouch for packages in expanded form, which need no recompressing, so that they are ready
# soonest: auto (archives, for their own packages), always (whoever signs an index that is used),
# never. "debshoal fetch --help" says what that means for trust.
#Expanded:

# Deltas are applied in a sandbox (bubblewrap), away from network, secrets and all other files. Where
# none can be made: required (packages come whole), preferred (deltas are applied without one), auto:
# required for the daemon, which nobody watches, and preferred for "debshoal fetch", which says so.
#Sandbox:

# Ask other machines, by BitTorrent. They and the tracker then see which packages this machine
# wants. With "no" everything comes over HTTP.
#Peers:

# Fetch pending packages in the background, after each "apt update".
#Prefetch:

# Prefetch and share also where each byte is paid for (a phone's line), and on battery.
#On-Metered:
#On-Battery:

# Keep apt waiting for one package for this many seconds at most, 1 to 3600. Then it asks its mirror.
#Patience:

# Disk space for packages that are ready and for what is shared. Amounts have a unit: MB, GB, or
# MiB, GiB.
#Cache-Size:

# Bytes a second. Empty: no limit. Units: kB/s, MB/s, or kbit/s, Mbit/s.
#Download-Rate:


# SHARING

# Who may get from this machine the packages that it has fetched: nobody, lan (machines of the same
# local network), group (also those that have the group's key), internet (everybody). What is shared
# is public, but others can see that this machine has it.
#Share:

# File with the group's secret. Empty: this machine is in no group.
#Group-Key:

# TCP port for other machines to call. 0: a random one.
#Port:

# Bytes a second given to others. Empty: no limit.
#Upload-Rate:

# Bytes given to the Internet in a calendar month. Empty: no limit. The local network is not counted.
#Upload-Monthly:

# Bytes given of one release, such as bookworm-security, in a calendar month. Empty: no limit.
#Upload-Per-Release:

# Share each package until it was given this many times.
#Seed-Ratio:

# Share only in these hours, local time, for example 22:00-06:00. Empty: always.
#Share-Hours:

# Never talk with these: addresses, subnets (192.0.2.0/24) and ranges (192.0.2.1-192.0.2.9),
# separated by blanks. A line that begins with a blank continues the one before.
#Blocklist:
`;
