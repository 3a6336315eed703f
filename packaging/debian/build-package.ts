import { chmod, cp, lutimes, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

import { settingsTemplate } from '../../client/config/settings-template.js';
import { exists, withTemporaryFolder } from '../../shared/io/files.js';
import { md5 } from '../../shared/io/hash.js';
import { runTool } from '../../shared/io/run-tool.js';
import { makeAppTree } from './app-tree.js';
import { bashCompletion, zshCompletion } from './completion.js';
import { changelogText, controlText, copyrightText } from './control-files.js';
import { commandNames, parseHelp, type HelpText } from './help-text.js';
import { libraryDependencies } from './library-dependencies.js';
import { manPage } from './man-page.js';
import type { ProgramPackage } from './programs.js';
import { sourceDate } from './source-date.js';

export interface BuildOptions {
  /** Folder of the clone, with what `npm run build` makes. */
  readonly project: string;
  readonly out: string;
  readonly compression: 'xz' | 'none';
}

/** What the steps share. */
interface Build extends BuildOptions {
  readonly program: ProgramPackage;
  /** What is packed. */
  readonly tree: string;
  readonly version: string;
  readonly architecture: string;
  /** Of all files: the same source gives the same package. */
  readonly date: Date;
}

/** Builds one package; the path of the .deb. */
export async function buildPackage(
  program: ProgramPackage,
  options: BuildOptions,
): Promise<string> {
  return withTemporaryFolder(async (folder) => {
    const { project } = options;
    const manifest = await readFile(join(project, 'package.json'), 'utf8');
    const build: Build = {
      ...options,
      program,
      tree: join(folder, 'tree'),
      version: `${(JSON.parse(manifest) as { version: string }).version}-1`,
      architecture: await print('dpkg', ['--print-architecture']),
      date: await sourceDate(project),
    };
    const { binaries, modules } = await addProgram(build);
    await addPackagingFiles(build);
    await addDocumentation(build, modules);
    await addControl(build, binaries);
    await makeReproducible(build);
    return await pack(build);
  });
}

async function addProgram({ program, project, tree }: Build) {
  const { name, side } = program;
  const app = await makeAppTree(project, side, join(tree, 'usr/lib', name));
  const script = `#!/bin/sh\nexec /usr/lib/${name}/node /usr/lib/${name}/app/dist/${side}/cli.js "$@"\n`;
  await add(tree, `usr/bin/${name}`, script);
  return app;
}

async function addPackagingFiles({ program, project, tree }: Build): Promise<void> {
  const { name, files, emptyFolders } = program;
  for (const [from, to] of files) {
    const source = join(project, 'packaging', from);
    if (await exists(source)) await cp(source, join(tree, to), { recursive: true });
  }
  for (const folder of emptyFolders) await mkdir(join(tree, folder), { recursive: true });
  if (name === 'debshoal') await add(tree, 'etc/debshoal/debshoal.conf', settingsTemplate());
  const overrides = await readFile(join(project, 'packaging/debian/lintian-overrides'), 'utf8');
  await add(tree, `usr/share/lintian/overrides/${name}`, overrides.replaceAll('@NAME@', name));
}

async function addDocumentation(build: Build, modules: readonly string[]): Promise<void> {
  const { program, project, tree, version, date } = build;
  const { name, manualFiles: files, seeAlso } = program;
  const help = async (...words: string[]): Promise<HelpText> =>
    parseHelp(await print(join(tree, 'usr/lib', name, 'node'), [cliOf(build), ...words, '--help']));
  const main = await help();
  const commands: { name: string; help: HelpText }[] = [];
  for (const command of commandNames(main)) {
    commands.push({ name: command, help: await help(command) });
  }
  const page = { name, version, date: date.toISOString().slice(0, 10), files, seeAlso };
  const pages = commands.map((command) => command.help);
  await addGzip(tree, `usr/share/man/man1/${name}.1.gz`, manPage(main, pages, page));
  await add(
    tree,
    `usr/share/bash-completion/completions/${name}`,
    bashCompletion(name, main, commands),
  );
  await add(tree, `usr/share/zsh/vendor-completions/_${name}`, zshCompletion(name, main, commands));
  const doc = `usr/share/doc/${name}`;
  await add(tree, `${doc}/copyright`, await copyrightText(project, name, modules));
  await addGzip(tree, `${doc}/changelog.Debian.gz`, changelogText(name, version, date));
  await addGzip(tree, `${doc}/changelog.gz`, await readFile(join(project, 'CHANGELOG.md'), 'utf8'));
}

function cliOf({ program: { name, side }, tree }: Build): string {
  return join(tree, 'usr/lib', name, 'app/dist', side, 'cli.js');
}

async function addControl(build: Build, binaries: readonly string[]): Promise<void> {
  const { program, project, tree, version, architecture } = build;
  const files = await filesOf(tree);
  const sizes = await Promise.all(
    files.map(async (file) => {
      const content = await readFile(join(tree, file));
      return { file, sum: md5(content), size: content.length };
    }),
  );
  const sums = sizes.map(({ file, sum }) => `${sum}  ${file}\n`).join('');
  const installedKiB = sizes.reduce((total, { size }) => total + Math.ceil(size / 1024), 0);
  const libraries = await libraryDependencies(binaries);
  const control = controlText(program, { version, architecture, installedKiB, libraries });
  await add(tree, 'DEBIAN/control', control);
  await add(tree, 'DEBIAN/md5sums', sums);
  const conffiles = files.filter((file) => file.startsWith('etc/')).map((file) => `/${file}\n`);
  if (conffiles.length > 0) await add(tree, 'DEBIAN/conffiles', conffiles.join(''));
  const scripts = join(project, 'packaging/debian/scripts');
  for (const script of ['postinst', 'prerm', 'postrm']) {
    const source = join(scripts, `${program.name}.${script}`);
    if (await exists(source)) await cp(source, join(tree, 'DEBIAN', script));
  }
}

/** Whatever the umask and the clock: the same modes and times. */
async function makeReproducible({ tree, date }: Build): Promise<void> {
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, (await isExecutable(path)) ? 0o755 : 0o644);
    await lutimes(path, date, date);
  }
  await lutimes(tree, date, date);
}

/** By what is in it: a copy may have lost its mode. */
async function isExecutable(path: string): Promise<boolean> {
  if (path.endsWith('.node')) return false;
  const start = (await readFile(path)).subarray(0, 4).toString('latin1');
  return (start.startsWith('#!') && !path.endsWith('.js')) || start === '\x7fELF';
}

async function pack({ program, tree, out, version, architecture, compression, date }: Build) {
  await mkdir(out, { recursive: true });
  const path = resolve(out, `${program.name}_${version}_${architecture}.deb`);
  const args = ['--root-owner-group', `-Z${compression}`, '--build', tree, path];
  const seconds = String(Math.floor(date.getTime() / 1000));
  const env = { ...process.env, SOURCE_DATE_EPOCH: seconds };
  await runTool('dpkg-deb', args, { maxOutput: 4096, env });
  return path;
}

async function filesOf(tree: string): Promise<readonly string[]> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => relative(tree, join(entry.parentPath, entry.name))).sort();
}

async function add(tree: string, path: string, content: string | Uint8Array): Promise<void> {
  const target = join(tree, path);
  await mkdir(join(target, '..'), { recursive: true });
  await writeFile(target, content);
}

/** zlib writes no time into it. */
function addGzip(tree: string, path: string, text: string): Promise<void> {
  return add(tree, path, gzipSync(text, { level: 9 }));
}

async function print(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await runTool(command, args, { maxOutput: 1 << 20 });
  return stdout.toString().trim();
}
