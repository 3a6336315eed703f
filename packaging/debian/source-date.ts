import { DebshoalError } from '../../shared/errors.js';
import { runTool } from '../../shared/io/run-tool.js';

/** SOURCE_DATE_EPOCH, or the time of the last commit: https://reproducible-builds.org/specs/. */
export async function sourceDate(project: string): Promise<Date> {
  const given = process.env['SOURCE_DATE_EPOCH'];
  const seconds = given ?? (await lastCommit(project));
  if (/^\d{1,11}$/.test(seconds)) return new Date(Number(seconds) * 1000);
  throw new DebshoalError('usage', `SOURCE_DATE_EPOCH is no time: ${seconds}`);
}

async function lastCommit(project: string): Promise<string> {
  try {
    const args = ['-C', project, 'log', '-1', '--format=%ct'];
    return (await runTool('git', args, { maxOutput: 100 })).stdout.toString().trim();
  } catch (cause) {
    throw new DebshoalError('usage', 'the time of the source is not known', {
      cause,
      hint: 'Outside of a clone, set SOURCE_DATE_EPOCH.',
    });
  }
}
