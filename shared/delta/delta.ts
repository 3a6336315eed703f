import type { DebForm } from '../deb/deb-forms.js';
import { encoderMemory, type Recipe } from '../deb/recipe.js';
import type { Sha256 } from '../io/hash.js';

/** What a file must be. */
export interface FileIdentity {
  readonly size: number;
  readonly sha256: Sha256;
}

/** What a delta leads from and to; FORMAT.md has the bytes, container.ts the codec. */
export interface DeltaHeader {
  readonly package: string;
  readonly architecture: string;
  /** Another one of the same series, where every version has its own name; see seriesOf. */
  readonly oldPackage: string;
  readonly oldVersion: string;
  readonly newVersion: string;
  /** The .deb that this delta rebuilds. */
  readonly target: FileIdentity;
  /** The same .deb in its expanded form. */
  readonly expanded: FileIdentity;
  /** Bytes of memory that the exact form needs, the recipe's encoder with one thread included. */
  readonly memoryBytes: number;
  /** `identifyOldPackage` of the old package: its paths and control files. */
  readonly oldIdentity: string;
  /** Which of CONTROL_SOURCES the old .deb has; dpkg may have written others by itself. */
  readonly oldControlFiles: ReadonlySet<number>;
  /** Of the ar headers, in seconds since 1970; see envelope.ts. */
  readonly timestamp: number;
  readonly parts: readonly TargetPart[];
}

/** A stretch of the target .deb: bytes as they are, or a tar to be compressed. */
export type TargetPart = { readonly kind: 'literal'; readonly length: number } | MemberPart;

export interface MemberPart {
  readonly kind: 'member';
  readonly name: 'control' | 'data';
  /** Length of the tar. */
  readonly length: number;
  readonly packedLength: number;
  /** Null when no recipe gives the packed bytes: then only the expanded form can be rebuilt. */
  readonly recipe: Recipe | null;
}

/** A member that can be compressed as it was. */
export type PackedPart = MemberPart & { readonly recipe: Recipe };

/** A file of the old package. A delta never brings a path, only a place. */
export interface SourceFile {
  /** data: index in the sorted file list; control: index in CONTROL_SOURCES. */
  readonly member: 'control' | 'data';
  readonly place: number;
}

/**
 * The control files that dpkg keeps verbatim in its info folder, by number. `control` itself is
 * not among them: dpkg reorders it into its status file. Append only: the numbers are the format.
 */
export const CONTROL_SOURCES: readonly string[] = [
  'md5sums',
  'conffiles',
  'preinst',
  'postinst',
  'prerm',
  'postrm',
  'triggers',
  'shlibs',
  'symbols',
  'templates',
  'config',
];

/** The runtime, the stream buffers, the codecs' own tables and the batch of nested streams. */
const BASE_MEMORY = 128 * 2 ** 20;

/** Bytes of the largest things that are in memory while a delta is applied. */
export interface MemoryUse {
  /** All streams, expanded. */
  readonly streams: number;
  /** The largest file that is made, packed and unfolded together. */
  readonly madeFile: number;
  /** The old files that are held at a time. */
  readonly oldFiles: number;
  /** The largest pair of ELF files, both together. */
  readonly elfPair: number;
}

/** Bytes that the kernel holds for each byte of an ELF pair: both sides, references, the residual. */
const ELF_FACTOR = 4;

/** Memory that the exact form of a delta needs; the decoder's own limits hold without this promise. */
export function memoryNeeded(use: MemoryUse, parts: readonly TargetPart[]): number {
  const files = 2 * use.madeFile + 2 * use.oldFiles + ELF_FACTOR * use.elfPair;
  return BASE_MEMORY + use.streams + files + largestEncoder(parts);
}

/** Memory of the most expensive encoder with one thread: what the expanded form does not need. */
export function largestEncoder(parts: readonly TargetPart[]): number {
  return Math.max(0, ...recipesOf(parts).map(encoderMemory));
}

function recipesOf(parts: readonly TargetPart[]): Recipe[] {
  return parts.flatMap((part) => (part.kind === 'member' && part.recipe ? [part.recipe] : []));
}

/** Whether the published .deb itself can be rebuilt, and not only its expanded form. */
export function hasExactForm(parts: readonly TargetPart[]): boolean {
  return parts.every((part) => part.kind === 'literal' || part.recipe !== null);
}

/** What rebuilding gives in one of the forms. */
export function formOf({ target, expanded }: DeltaHeader, form: DebForm): FileIdentity {
  return form === 'exact' ? target : expanded;
}

/** Memory that a delta declares for one of its forms. */
export function declaredMemory({ memoryBytes, parts }: DeltaHeader, form: DebForm): number {
  return form === 'exact' ? memoryBytes : memoryBytes - largestEncoder(parts);
}
