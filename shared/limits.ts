/** Every limit of the project, each with its reason. Sizes in bytes, times in milliseconds. */

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export const LIMITS = {
  /** A .deb: the largest of Debian (debug symbols of browsers) are under 2 GiB. */
  debBytes: 4 * GIB,
  /** A control.tar, uncompressed: md5sums of 100,000 files is 10 MiB. */
  controlTarBytes: 64 * MIB,
  /**
   * The uncompressed data.tar: kernels with debug symbols reach 6 GiB. The size field of an ar header
   * has ten digits, and the expanded form must fit.
   */
  dataTarBytes: 9_999_999_999,
  /** A .deb in its expanded form: both tars and what is around them. */
  expandedDebBytes: 10 * GIB,
  /** One deb822 control stanza: the largest in Debian is 60 KiB. */
  controlStanzaBytes: MIB,
  /** A signed Release or InRelease: Debian's largest is 300 KiB. */
  releaseBytes: 4 * MIB,
  /** A `Deltas` index as transported (compressed): 60,000 deltas of 150 bytes, threefold. */
  indexBytes: 32 * MIB,
  /** A `Deltas` index after decompression; a bomb ends here. */
  indexExpandedBytes: 128 * MIB,
  /** One stanza of a `Deltas` index: 20,000 batches of 100 bytes; those of packages are tiny. */
  indexStanzaBytes: 2 * MIB,
  /** Memory of the .xz decoder: `xz -9` asks for 65 MiB. */
  xzDecoderMemoryBytes: 128 * MIB,
  /** A `Packages` index after decompression: Debian main amd64 is 50 MiB. */
  packagesBytes: 512 * MIB,
  /** A key file: a keyring of a hundred RSA keys. */
  keyBytes: 2 * MIB,
  /** A configuration file. */
  configBytes: MIB,
  /** The generator's own state: 200,000 versions and deltas of 500 bytes. */
  stateBytes: 256 * MIB,
  /** What a client remembers of its sharing: 10,000 objects of 500 bytes. */
  sharingStateBytes: 16 * MIB,
  /** A delta: larger than the largest .deb that is worth a delta. */
  deltaBytes: 2 * GIB,
  /** All streams of a delta, expanded: they are held in memory. */
  deltaStreamBytes: GIB,
  /** A literal part of a .deb: headers, signatures. */
  literalPartBytes: 16 * MIB,
  /** Source files of one delta: linux-source has 80,000. */
  deltaSources: 500_000,
  /**
   * Bytes of old files that applying a delta reads in all, those that predict ELF files counted
   * eightfold: a million matches to and fro between large files, or a thousand predictions from one
   * of them, would be the work of days. Chromium's and Firefox's are below 4 GiB.
   */
  deltaWorkBytes: 32 * GIB,
  /**
   * Memory that a delta may ask of the applying machine; larger ones are refused unread. Chromium's
   * executable of 316 MiB asks for 4.7 GiB.
   */
  applyMemoryBytes: 6 * GIB,
  /** One file inside a package: it is held in memory, more than once. Debian's largest is 700 MiB. */
  packageFileBytes: GIB,
  /** The same with its packed streams replaced by what they expand to. */
  madeFileBytes: 1.5 * GIB,
  /** Memory for all threads of one encoder: 14 of `xz -6`, 1 of `xz -9`. */
  encoderMemoryBytes: 2 * GIB,
  /**
   * One ELF file whose references are predicted: restoring takes 2.5 bytes of memory for each byte
   * of both files, diffing 4.5, and WebAssembly has 4 GiB. Chromium's is 316 MiB.
   */
  elfBytes: 320 * MIB,
  /**
   * What the packed streams of one file may expand to, all levels together; part of the delta
   * format, since both sides must open the same streams. openjdk's class archive is 130 MiB.
   */
  nestedExpandedBytes: 512 * MIB,
  /** Streams within streams: documents in a jar in a war are 3; a zip that contains itself ends here. */
  nestedDepth: 4,
  /** Packed streams of one file: the largest jars have 40,000 entries. */
  nestedStreams: 500_000,
  /** Folds of one delta: documentation packages have 100,000 files. */
  nestedFolds: 500_000,
  /**
   * Dictionaries of all .xz that one delta packs again, each once: an encoder clears its own before
   * it begins, 8 MiB in half a millisecond. The 4,000 modules of a kernel have 1 MiB each.
   */
  foldDictionaryBytes: 512 * GIB,
  /** Different recipes of one delta: encoder settings, and lists of exceptions for zip files. */
  nestedRecipes: 100_000,
  /** A .torrent file: 2 GiB in pieces of 256 KiB is 160 KiB of hashes; batches list names. */
  torrentFileBytes: 16 * MIB,
  /** Pieces of one torrent, before WebTorrent allocates for them. */
  torrentPieces: 65_536,
  /** Files of one torrent: the deltas of one publish run. */
  torrentFiles: 50_000,
  /** The content of one torrent: a publish run of the whole archive. */
  torrentBytes: 256 * GIB,
  /** What apt prints about pending packages: 20,000 of them at 400 bytes. */
  aptOutputBytes: 8 * MIB,
  /** dpkg's status file: 20,000 installed packages at 1.5 KiB are 30 MiB. */
  dpkgStatusBytes: 256 * MIB,
  /** dpkg's list of the files of one package: 500,000 paths of 100 bytes. */
  dpkgListBytes: 64 * MIB,
  /** What a confined worker says at the end: measured seconds, or an error and its hint. */
  workerAnswerBytes: 64 * KIB,
  /** Memory of a worker beyond twice what its delta declares, and files beyond what it makes. */
  workerBaseBytes: 256 * MIB,
  /** Memory for each further thread of an encoder: 100 MiB of `xz -6`, and its blocks. */
  workerThreadBytes: 256 * MIB,
  /** Processor time of a worker beyond what its index foresees: starting on a slow machine. */
  workerBaseSeconds: 60,
  /** Processor time of a worker, whatever its index foresees: four hours for the largest packages. */
  workerSeconds: 4 * 3600,
  /** Files that a worker has open at a time: Node has 25. */
  workerOpenFiles: 128,
  /** Files of one package that only root can read: cups has a dozen. */
  unreadableFiles: 100,
  /** Files in the folder of a worker: it makes four, and is given those. */
  workerFiles: 1000,
  /** Free space that a worker must leave; half of it where there is less. */
  diskReserveBytes: 256 * MIB,
  /** dpkg's diversions: a few hundred lines in practice. */
  dpkgDiversionsBytes: 4 * MIB,
} as const;
