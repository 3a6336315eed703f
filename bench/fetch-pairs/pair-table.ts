import { DebshoalError } from '../../shared/errors.js';
import { SHA256_PATTERN } from '../../shared/io/hash.js';

/** One version of a package in a Debian archive. */
export interface ArchivedDeb {
  readonly package: string;
  readonly architecture: string;
  readonly version: string;
  /** Of the whole .deb; null where the table does not say. */
  readonly sha256: string | null;
}

/** A pair to fetch, and the suites that had its versions when the table was written. */
export interface ArchivedPair {
  readonly name: string;
  readonly old: ArchivedDeb;
  readonly new: ArchivedDeb;
  readonly suites: readonly string[];
}

/**
 * Reads a table of pairs: tab-separated, the first line names the columns. Wanted are `name`,
 * `package` (or `package_old` and `package_new`), `arch`, `version_old`, `version_new`, `suite_old`,
 * `suite_new`; `sha256_old` and `sha256_new` are checked when present, further columns ignored.
 * `config-invalid` for a line that does not fit.
 */
export function parsePairTable(text: string): ArchivedPair[] {
  const [header = '', ...lines] = text.split('\n').filter((line) => line !== '');
  const columns = header.split('\t');
  return lines.map((line, index) => {
    const cells = new Map(line.split('\t').map((cell, column) => [columns[column] ?? '', cell]));
    const where = `line ${index + 2} of the table of pairs`;
    const cell = (...names: readonly string[]): string => {
      const value = names.map((name) => cells.get(name)).find((found) => found !== undefined);
      // Nothing that apt-get could take for an option, nor a path out of the folder.
      if (value !== undefined && SAFE_CELL.test(value)) return value;
      throw new DebshoalError('config-invalid', `${where} has no usable ${names.join(' or ')}`);
    };
    const side = (which: 'old' | 'new'): ArchivedDeb => ({
      package: cell(`package_${which}`, 'package'),
      architecture: cell('arch'),
      version: cell(`version_${which}`),
      sha256: parseSha256(cells.get(`sha256_${which}`), where),
    });
    const suites = [cell('suite_old'), cell('suite_new')];
    return { name: cell('name'), old: side('old'), new: side('new'), suites };
  });
}

const SAFE_CELL = /^[A-Za-z0-9][A-Za-z0-9.+:~_-]*$/;

function parseSha256(text: string | undefined, where: string): string | null {
  if (text === undefined || SHA256_PATTERN.test(text)) return text ?? null;
  throw new DebshoalError('config-invalid', `${where} has a SHA-256 that is none: ${text}`);
}
