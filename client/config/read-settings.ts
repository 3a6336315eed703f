import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { readFields, type SetField } from '../../shared/config/read-fields.js';
import { DebshoalError } from '../../shared/errors.js';
import { isMissing } from '../../shared/io/errno.js';
import { readIfPresent } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { readPolicy } from './policy.js';
import { SETTING_FIELDS, SETTING_PARSERS } from './setting-fields.js';
import { DEFAULT_SETTINGS, type Settings } from './settings.js';

/** Below the root. The later override the earlier ones; the policy overrides everything. */
export const SETTINGS_FILE = 'etc/debshoal/debshoal.conf';
export const SETTINGS_FOLDER = 'etc/debshoal/conf.d';
export const POLICY_FILE = 'etc/debshoal/policy.conf';

/** The settings, and who set what. */
export interface EffectiveSettings {
  readonly settings: Settings;
  /** Such as `/etc/debshoal/debshoal.conf line 3`; `default` where nobody did. */
  readonly origins: ReadonlyMap<keyof Settings, string>;
  /** Sentences: what environment or command line asked for, and the policy forbids. */
  readonly refused: readonly string[];
}

/** What `overrides` gives comes from the command line; undefined there is not given. */
export type SettingsOverrides = {
  readonly [Key in keyof Settings]?: Settings[Key] | undefined;
};

/**
 * The settings of the system at `root`: the defaults, debshoal.conf, conf.d/*.conf in the order of
 * their names, the environment (`DEBSHOAL_CACHE_SIZE` for Cache-Size), the command line, the policy.
 * A mistake is `config-invalid`, with file, line, field and reason.
 */
export async function readSettings(
  root: string,
  overrides: SettingsOverrides = {},
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Settings> {
  return (await readEffectiveSettings(root, overrides, environment)).settings;
}

/** `readSettings`, with where each value comes from. */
export async function readEffectiveSettings(
  root: string,
  overrides: SettingsOverrides = {},
  environment: NodeJS.ProcessEnv = process.env,
): Promise<EffectiveSettings> {
  const asked = [...fromEnvironment(environment), ...fromCommandLine(overrides)];
  const policy = await fromPolicy(root);
  const layers = [...(await fromFiles(root)), ...asked, ...policy];
  const settings = Object.assign(
    {},
    DEFAULT_SETTINGS,
    ...layers.map(({ sets }) => sets),
  ) as Settings;
  const origins = new Map(
    layers.flatMap(({ sets, from }) => keysOf(sets).map((key) => [key, from])),
  );
  checkGroup(settings, origins);
  return { settings, origins, refused: refusals(asked, policy) };
}

/** Some settings, and who made them. */
interface Layer {
  readonly from: string;
  readonly sets: Partial<Settings>;
}

async function fromFiles(root: string): Promise<readonly Layer[]> {
  const folder = join(root, SETTINGS_FOLDER);
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  // Only .conf: dpkg and editors leave their own copies beside them.
  const fragments = names.filter((name) => name.endsWith('.conf')).sort();
  const paths = [join(root, SETTINGS_FILE), ...fragments.map((name) => join(folder, name))];
  const layers = [];
  for (const path of paths) {
    layers.push(...(await fromFile(path, (text) => readFields(text, path, SETTING_PARSERS))));
  }
  return layers;
}

function fromPolicy(root: string): Promise<readonly Layer[]> {
  const path = join(root, POLICY_FILE);
  return fromFile(path, (text) => readPolicy(text, path));
}

async function fromFile(
  path: string,
  parse: (text: Buffer) => readonly SetField<Settings>[],
): Promise<readonly Layer[]> {
  const text = await readIfPresent(path, LIMITS.configBytes);
  if (text === null) return [];
  return parse(text).map(({ line, sets }) => ({ from: `${path} line ${line}`, sets }));
}

/** Others may use names with our prefix for something else, so unknown ones are no mistake. */
function fromEnvironment(environment: NodeJS.ProcessEnv): readonly Layer[] {
  return Object.entries(SETTING_FIELDS).flatMap(([name, { parse }]) => {
    const variable = `DEBSHOAL_${name.toUpperCase().replaceAll('-', '_')}`;
    const text = environment[variable];
    if (text === undefined) return [];
    const fail = (reason: string): never => {
      throw new DebshoalError('config-invalid', `the environment's ${variable} ${reason}`);
    };
    return [{ from: variable, sets: parse(text.trim(), fail) }];
  });
}

function fromCommandLine(overrides: SettingsOverrides): readonly Layer[] {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  return given.map(([key, value]) => ({ from: 'the command line', sets: { [key]: value } }));
}

/** A file that the policy overrules is its usual prey; who asks here and now should hear of it. */
function refusals(asked: readonly Layer[], policy: readonly Layer[]): readonly string[] {
  return asked.flatMap(({ from, sets }) =>
    keysOf(sets).flatMap((key) => {
      const rule = policy.find((layer) => key in layer.sets);
      if (rule === undefined || rule.sets[key] === sets[key]) return [];
      return [`${nameOf(key)} of ${from} has no effect: ${rule.from} rules it out`];
    }),
  );
}

/** A group without its secret would be everybody. */
function checkGroup({ share, groupKey }: Settings, origins: EffectiveSettings['origins']): void {
  if (share !== 'group' || groupKey !== null) return;
  const message = `Share: group (${origins.get('share') ?? 'default'}) needs a Group-Key`;
  throw new DebshoalError('config-invalid', message, {
    hint: 'Name the file with the group’s secret.',
  });
}

function nameOf(key: keyof Settings): string {
  const found = Object.entries(SETTING_FIELDS).find(([, field]) => field.key === key);
  return found?.[0] ?? key;
}

function keysOf(sets: Partial<Settings>): readonly (keyof Settings)[] {
  return Object.keys(sets) as (keyof Settings)[];
}
