import { spawn } from 'node:child_process';
import { once } from 'node:events';

const HOLD = `use Fcntl; open(my $f, "+<", $ARGV[0]) or die;
my $l = pack("s s x![q] q q i x4", F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $l) or die;
$| = 1; print "held"; <STDIN>;`;

/** Takes the POSIX lock of a file that is there, as apt does, in another process; how to release it. */
export async function holdLock(path: string): Promise<() => Promise<void>> {
  const holder = spawn('perl', ['-e', HOLD, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')]);
  if (holder.exitCode !== null) throw new Error(`cannot lock ${path}`);
  return async () => {
    holder.stdin.end();
    await once(holder, 'close');
  };
}
