import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isDebshoalError } from '../../../shared/errors.js';
import { ByteWriter } from '../../../shared/io/byte-codec.js';
import { ColumnWriter, TAR_STREAMS, type TarStreams } from '../../../shared/tar-layout/columns.js';
import { writeEdits } from '../../../shared/tar-layout/edits.js';
import { errorCode } from '../../support/error-code.js';
import {
  EMPTY_TREE,
  encodeTars,
  oldTree,
  stretchesOf,
  TEST_LIMITS,
} from '../../support/tar-layout.js';
import { makeTar } from '../../support/tiny-deb.js';

const TREE = oldTree({ '/usr/bin/a': 100, '/usr/bin/b': 200 }, ['/usr', '/usr/bin', '/usr/l.so']);

/** Streams of `write`, after the start of a tar of `entries` more entries than the old package. */
function streamsOf(entries: number, write: (out: ColumnWriter) => void): TarStreams {
  const out = new ColumnWriter();
  out.put('numbers', 0);
  out.put('numbers', 2 * entries);
  write(out);
  return out.finish();
}

const varint = (value: number): Buffer => {
  const writer = new ByteWriter();
  writer.varint(value);
  return writer.finish();
};

/** The same streams with harmless values: so it is the attack that is refused. */
async function expectFine(streams: TarStreams): Promise<void> {
  expect(await errorCode(() => stretchesOf(streams, TREE))).toBe('none');
}

async function expectDamaged(streams: TarStreams): Promise<void> {
  expect(await errorCode(() => stretchesOf(streams, TREE))).toBe('delta-damaged');
}

describe('attacks on a layout', () => {
  const empty = streamsOf(0, () => undefined);

  it('(nothing at all is the old package once more)', () => expectFine(empty));

  it('more entries than the limit, in six bytes', () =>
    expectDamaged({ ...empty, numbers: Buffer.concat([varint(0), varint(2 ** 41)]) }));

  it('fewer entries than none', () =>
    expectDamaged({ ...empty, numbers: Buffer.concat([varint(0), varint(2 ** 41 + 1)]) }));

  it('entries past the end of the old package', () => expectDamaged(streamsOf(1, () => undefined)));

  it('a place before the first', () =>
    expectDamaged(
      streamsOf(0, (out) => {
        out.put('places', 1);
      }),
    ));

  it('a place after the last', () =>
    expectDamaged(
      streamsOf(0, (out) => {
        out.put('places', 40);
      }),
    ));

  it('a copy of a place that the old package has not', async () => {
    const copyOf = (place: number): TarStreams =>
      streamsOf(0, (out) => {
        out.put('origins', 5);
        out.put('numbers', 0);
        out.put('numbers', place);
      });
    await expectFine(copyOf(TREE.paths.length - 1));
    await expectDamaged(copyOf(TREE.paths.length));
  });

  it('a copy of its own place for a file that has none', () =>
    expectDamaged(
      streamsOf(0, (out) => {
        for (let i = 0; i < TREE.paths.length + 1; i++) out.put('names', 3);
        out.put('origins', 1);
        for (let i = 0; i < 2 * (TREE.paths.length + 1); i++) out.put('numbers', 0);
        for (let i = 0; i < TREE.paths.length + 1; i++) out.putText('x');
      }),
    ));

  it('a size over the limit, at once and in sum', async () => {
    const made = (...sizes: number[]): TarStreams =>
      streamsOf(0, (out) => {
        out.put('origins', 3);
        for (const size of sizes) out.put('sizes', size);
      });
    await expectFine(made(1000, 1000));
    await expectDamaged(made(TEST_LIMITS.bytes + 1));
    await expectDamaged(made(TEST_LIMITS.bytes - 10));
    await expectDamaged(made(TEST_LIMITS.bytes / 2, TEST_LIMITS.bytes / 2));
  });

  it('a size below zero', async () => {
    const smallerBy = (bytes: number): TarStreams =>
      streamsOf(0, (out) => {
        out.put('origins', 2);
        out.put('sizes', 2 * bytes - 1);
      });
    await expectFine(smallerBy(100));
    await expectDamaged(smallerBy(101));
  });

  it('an end of gigabytes of zeros', () =>
    expectDamaged(
      streamsOf(0, (out) => {
        out.put('numbers', 0);
        out.put('numbers', TEST_LIMITS.bytes - 1);
      }),
    ));

  it('names that grow without end', () =>
    expectDamaged(
      streamsOf(1000, (out) => {
        for (let i = 0; i < 1000; i++) {
          out.put('names', 3);
          out.put('numbers', i === 0 ? 0 : 4000);
          out.put('numbers', 0);
          out.putText(i === 0 ? 'x'.repeat(4000) : 'y');
        }
      }),
    ));

  it('a name over 4096 bytes', () =>
    expectDamaged(
      streamsOf(0, (out) => {
        out.put('names', 3);
        out.putText('x'.repeat(4097));
      }),
    ));

  it('a text that never ends', () =>
    expectDamaged({
      ...streamsOf(0, (out) => {
        out.put('names', 3);
      }),
      text: Buffer.from('no zero'),
    }));

  it('a text that keeps more of a name than it has', () =>
    expectDamaged(
      streamsOf(0, (out) => {
        out.put('names', 2);
        out.put('numbers', 100);
        out.putText('');
      }),
    ));

  it('a template of another length', () => {
    const streams = streamsOf(0, (out) => {
      out.put('templates', 5);
      writeEdits(out.edits, Buffer.alloc(515), Buffer.alloc(514));
    });
    return expectDamaged(streams);
  });

  it('a header of over 64 KiB', () => {
    const streams = streamsOf(0, (out) => {
      out.put('exceptions', 1);
      writeEdits(out.edits, Buffer.alloc(512), Buffer.alloc(1 << 17, 1));
    });
    return expectDamaged(streams);
  });

  it('edits without end that do nothing', () => {
    const edits = new ByteWriter();
    edits.varint(2 ** 40);
    return expectDamaged({
      ...streamsOf(0, (out) => {
        out.put('exceptions', 1);
      }),
      edits: edits.finish(),
    });
  });

  it.each([
    ['templates', 6],
    ['origins', 6],
    ['names', 4],
    ['exceptions', 2],
    ['times', 3],
  ] as const)('a code in %s that has no meaning', (column, value) =>
    expectDamaged(
      streamsOf(0, (out) => {
        out.put(column, value);
      }),
    ),
  );

  it('a hard link before all files', () =>
    expectDamaged(
      streamsOf(0, (out) => {
        const template = Buffer.alloc(515);
        template[156] = 0x31;
        const folder = Buffer.alloc(515);
        folder[156] = 0x35;
        out.put('templates', 5);
        writeEdits(out.edits, folder, template);
      }),
    ));

  it('zeros that an encoder would not write, and anything left over', async () => {
    await expectDamaged({ ...empty, sizes: Buffer.from([1, 0]) });
    await expectDamaged({ ...empty, names: Buffer.from([0, 0]) });
    await expectDamaged({ ...empty, names: Buffer.from([100, 1]) });
    await expectDamaged({ ...empty, names: Buffer.from([100]) });
    await expectDamaged({ ...empty, text: Buffer.from('\0') });
    await expectDamaged({ ...empty, edits: Buffer.from([0]) });
    await expectDamaged({ ...empty, sizes: Buffer.from([1]) });
  });

  it('links that somebody changed are found before anything is made', async () => {
    const links = Array.from({ length: 12 }, (_, index) => `/usr/lib/${index}.so`);
    const tree = oldTree({}, ['/usr', '/usr/lib', ...links]);
    const tar = makeTar([
      { path: 'usr', type: '5' },
      { path: 'usr/lib', type: '5' },
      ...links.map((path) => ({ path: path.slice(1), type: '2', link: `to${path}` })),
    ]);
    const target = (place: number): string => `to${tree.paths[place] ?? ''}`;
    const { streams } = await encodeTars([tar], { ...tree, linkTarget: target });
    expect(Buffer.from(streams.text).toString()).toBe('');
    const codeWith = (linkTarget: (place: number) => string | null): Promise<string> =>
      errorCode(() => stretchesOf(streams, { ...tree, linkTarget }).slice(0, 0));
    expect(await codeWith(target)).toBe('none');
    expect(await codeWith((place) => (place === 5 ? null : target(place)))).toBe('source-changed');
    expect(await codeWith((place) => (place === 5 ? 'x' : target(place)))).toBe('source-changed');
  });

  it('any streams end, and give an error of ours or a tar within the limits', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    const small = fc.array(fc.nat(5), { maxLength: 40 }).map((values) => Uint8Array.from(values));
    const any = fc.tuple(
      ...TAR_STREAMS.map(() => fc.oneof(bytes, small, fc.constant(new Uint8Array()))),
    );
    fc.assert(
      fc.property(any, fc.boolean(), (parts, hasOld) => {
        const streams = Object.fromEntries(
          TAR_STREAMS.map((name, index) => [name, parts[index] ?? new Uint8Array()]),
        ) as TarStreams;
        try {
          const limits = { bytes: 1 << 20, entries: 1000, newNameBytes: 10_000 };
          const stretches = stretchesOf(streams, hasOld ? TREE : EMPTY_TREE, limits);
          const length = stretches.reduce(
            (sum, stretch) =>
              sum +
              ('bytes' in stretch ? stretch.bytes.length : 'size' in stretch ? stretch.size : 0),
            0,
          );
          expect(length).toBeLessThanOrEqual(limits.bytes);
        } catch (error) {
          expect(isDebshoalError(error, 'delta-damaged', 'source-changed')).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('damaged real streams end in the same ways', async () => {
    const tar = makeTar([
      { path: 'usr', type: '5' },
      { path: 'usr/bin', type: '5' },
      { path: 'usr/bin/a', content: 'x'.repeat(100) },
      { path: 'usr/bin/c', content: 'new' },
      { path: 'usr/bin/hard', type: '1', link: './usr/bin/c' },
      { path: 'usr/l.so', type: '2', link: 'l.so.1' },
    ]);
    const { streams } = await encodeTars([tar], TREE);
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(255), (which, at, value) => {
        const filled = TAR_STREAMS.filter((name) => streams[name].length > 0);
        const name = filled[which % filled.length] ?? 'text';
        const changed = Buffer.from(streams[name]);
        changed[at % changed.length] = value;
        try {
          stretchesOf({ ...streams, [name]: changed }, TREE);
        } catch (error) {
          expect(isDebshoalError(error, 'delta-damaged', 'source-changed')).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
