import { defaultHome } from '../home/home-paths.js';

/** The option that all commands with a home share. */
export const homeOption = {
  type: 'string',
  describe: 'folder with key, configuration and store (or DEBSHOAL_GENERATOR_HOME)',
  default: defaultHome(process.env, process.getuid?.() === 0),
} as const;
