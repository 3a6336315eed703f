import { DebshoalError } from '../errors.js';
import { AR_HEADER_LENGTH } from './ar.js';

/*
 * The two forms in which a .deb can be rebuilt; "Forms" in ../delta/FORMAT.md. Only here is it
 * written down what the expanded form is: generator and client derive its bytes around the tars from
 * those of the published .deb.
 */

/**
 * `exact`: the .deb as it was published. `expanded`: the same archive with uncompressed members,
 * which dpkg installs just as well and which needs no encoder.
 */
export type DebForm = 'exact' | 'expanded';

export const DEB_FORMS: readonly DebForm[] = ['exact', 'expanded'];

/** What a form is written from, in order: bytes as they are, and members, `length` bytes long in it. */
export type DebPiece<M> =
  | { readonly kind: 'literal'; readonly bytes: Buffer }
  | { readonly kind: 'member'; readonly member: M; readonly length: number };

interface Member {
  readonly kind: 'member';
  /** Of the tar. */
  readonly length: number;
  readonly packedLength: number;
}

/**
 * Lays out the exact form: `envelope` is the literal parts, one after the other. `delta-damaged`
 * when it is shorter.
 */
export function exactForm<M extends Member>(
  parts: readonly (M | { readonly kind: 'literal'; readonly length: number })[],
  envelope: Buffer,
): DebPiece<M>[] {
  let from = 0;
  return parts.map((part) => {
    if (part.kind === 'member') return { kind: 'member', member: part, length: part.packedLength };
    const bytes = envelope.subarray(from, from + part.length);
    if (bytes.length !== part.length) throw damaged('the bytes around the members end too early');
    from += part.length;
    return { kind: 'literal', bytes };
  });
}

/** Lays out the expanded form, from the exact one. `delta-damaged` where that is no .deb. */
export function expandedForm<M extends Member>(exact: readonly DebPiece<M>[]): DebPiece<M>[] {
  const pieces: DebPiece<M>[] = [];
  let skip = 0;
  for (const piece of exact) {
    if (piece.kind === 'literal') {
      pieces.push({ kind: 'literal', bytes: piece.bytes.subarray(skip) });
      skip = 0;
      continue;
    }
    const { member } = piece;
    const before = pieces.pop();
    if (before?.kind !== 'literal') throw damaged('a member without a header');
    const header = expandHeader(before.bytes.subarray(-AR_HEADER_LENGTH), member.length);
    if (header === null) {
      pieces.push(before, piece);
      continue;
    }
    const bytes = Buffer.concat([before.bytes.subarray(0, -AR_HEADER_LENGTH), header]);
    pieces.push({ kind: 'literal', bytes }, { kind: 'member', member, length: member.length });
    if (member.length % 2 === 1) pieces.push({ kind: 'literal', bytes: Buffer.from('\n') });
    skip = member.packedLength % 2;
  }
  return pieces;
}

/** Bytes of a form as a whole. */
export function formSize(pieces: readonly DebPiece<unknown>[]): number {
  return pieces.reduce(
    (sum, piece) => sum + (piece.kind === 'literal' ? piece.bytes.length : piece.length),
    0,
  );
}

const PACKED_NAME = /^((?:control|data)\.tar)\.(?:xz|gz|zst)(\/?) *$/;
const STORED_NAME = /^(?:control|data)\.tar\/? *$/;

/** ar(5): the name is the first 16 bytes, the size 10 from the 48th. Null: is expanded already. */
function expandHeader(header: Buffer, length: number): Buffer | null {
  const text = header.toString('latin1');
  const name = text.slice(0, 16);
  if (STORED_NAME.test(name)) return null;
  const match = PACKED_NAME.exec(name);
  const size = String(length).padEnd(10);
  if (text.length !== AR_HEADER_LENGTH || match === null || size.length > 10) {
    throw damaged('not the header of a compressed member');
  }
  const expanded = `${match[1] ?? ''}${match[2] ?? ''}`.padEnd(16);
  return Buffer.from(expanded + text.slice(16, 48) + size + text.slice(58), 'latin1');
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', what);
}
