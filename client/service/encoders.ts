import type { ReportProgress } from '../../shared/progress.js';
import { provenEncoders } from '../store/encoder-proof.js';
import type { SpeedStore } from '../store/speeds.js';

/** Proves the encoders at the first call, which takes a second once in a machine's life. */
export function proofOnce(
  stateFolder: string,
  speeds: SpeedStore,
  report: ReportProgress,
): () => Promise<boolean> {
  const prove = async (): Promise<boolean> => {
    const { failed, xzBytesPerSecond } = await provenEncoders(stateFolder, 'read-write');
    if (failed.length === 0) speeds.calibrate(xzBytesPerSecond);
    else {
      const text = `no deltas: ${failed.join(' and ')} of this machine would not give the published .debs`;
      report({ kind: 'warning', text });
    }
    return failed.length === 0;
  };
  let proven: Promise<boolean> | null = null;
  return () => {
    proven ??= prove().catch((error: unknown) => {
      // A disk that is full now: the next one tries again.
      proven = null;
      throw error;
    });
    return proven;
  };
}
