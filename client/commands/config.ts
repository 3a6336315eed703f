import { resolve } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { formatTable } from '../../shared/cli/format.js';
import { POLICY_FILE, readEffectiveSettings, SETTINGS_FILE } from '../config/read-settings.js';
import { SETTING_FIELDS } from '../config/setting-fields.js';
import { settingsTemplate } from '../config/settings-template.js';

interface ConfigArguments {
  root: string;
  template: boolean;
  json: boolean;
}

export const configCommand: CommandModule<object, ConfigArguments> = {
  command: 'config',
  describe: 'Show the settings in force, and who set each of them',
  builder: (yargs: Argv) =>
    yargs
      .option('root', { type: 'string', default: '/', describe: 'system to look at' })
      .option('template', {
        type: 'boolean',
        default: false,
        describe: 'print a debshoal.conf instead, in which every setting is explained',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .epilogue(`Files: /${SETTINGS_FILE}, conf.d beside it, and /${POLICY_FILE}.`),
  async handler({ root, template, json }) {
    if (template) {
      process.stdout.write(settingsTemplate());
      return;
    }
    const { settings, origins, refused } = await readEffectiveSettings(resolve(root));
    for (const text of refused) console.error(`warning: ${text}`);
    const fields = Object.entries(SETTING_FIELDS).map(([name, { key, format }]) => ({
      name,
      value: format(settings),
      from: origins.get(key) ?? 'default',
    }));
    if (json) console.log(JSON.stringify({ settings, fields }));
    else {
      const rows = fields.map(({ name, value, from }) => [name, value === '' ? '-' : value, from]);
      console.log(formatTable(['setting', 'value', 'from'], rows));
    }
  },
};
