import { basename } from 'node:path';

/** What the rules depend on, of an npm package. */
export interface ModuleFacts {
  /** As it is imported. */
  readonly name: string;
  /** Its add-on was compiled here, which node-gyp-build prefers to the ones that it brings. */
  readonly isCompiled: boolean;
  /** Such as `linux-x64`. */
  readonly platform: string;
}

/**
 * Whether a file of an npm package, as a path inside it, is needed to run it: programs and data for
 * this machine; nothing for people, compilers, browsers or other systems.
 */
export function isNeeded(path: string, { name, isCompiled, platform }: ModuleFacts): boolean {
  const folders = path.split('/').slice(0, -1);
  const [top = '', second] = folders;
  if (!/\.(?:[cm]?js|json|node|wasm)$/.test(path)) return false;
  if (folders.some((folder) => NEVER.test(folder)) || NOT_AT_RUN_TIME.test(basename(path))) {
    return false;
  }
  if (top === 'build' && isCompiled) return folders.join('/') === 'build/Release';
  if (top === 'prebuilds') {
    return !isCompiled && second === platform && !/musl|electron/.test(basename(path));
  }
  return UNUSED[name]?.test(path) !== true;
}

/** Other packages are copied as such; the rest is there for those who work on this one. */
const NEVER =
  /^(?:node_modules|\..*|tests?|__tests__|examples?|bench(?:mark)?s?|coverage|obj\.target)$/;

const NOT_AT_RUN_TIME =
  /^(?:\..*|(?:package-lock|tsconfig.*|bower|component|lerna)\.json|(?:gulp|grunt|karma|rollup|webpack|test).*\.[cm]?js)$/i;

/** Builds that nothing here loads: for browsers, other module systems, other APIs. */
const UNUSED: Readonly<Record<string, RegExp>> = {
  'lzma-native': /^(?:deps|src)\//,
  openpgp: /^dist\/(?!node\/openpgp\.mjs$)/,
  'web-streams-polyfill': /^(?:es6|es2018)\/|\.es\w+\.[cm]?js$|\.min\./,
  webtorrent: /^dist\//,
  zod: /\.cjs$|^(?:src|v3|mini|v4-mini|v4\/mini)\//,
  'zstd-napi': /^(?:deps|src)\//,
};
