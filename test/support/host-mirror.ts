import { openAptSystem } from '../../client/apt/apt-system.js';

/** The Debian mirror of this machine's own apt sources, ending in '/'; fails when there is none. */
export async function hostMirror(): Promise<string> {
  const system = await openAptSystem('/');
  const lines = await system.run('apt-get', [
    'indextargets',
    '--format',
    '$(RELEASE) $(REPO_URI)',
    'Created-By: Packages',
    'Origin: Debian',
  ]);
  // Not -security or -updates, which have no full archive.
  const uri = /^[a-z]+ (http\S+\/)$/m.exec(lines)?.[1];
  if (uri === undefined) throw new Error('no Debian mirror in this machine’s apt sources');
  return uri;
}
