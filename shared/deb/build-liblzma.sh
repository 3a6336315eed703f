#!/bin/sh
# Compiles the liblzma 5.2.3 that lzma-native carries, with optimisation. The binary that its npm
# package brings was configured with CFLAGS=-fPIC alone, so that the compiler optimised nothing:
# the same bytes, 1.6 times slower. node-gyp-build prefers what lies under build/Release.
built=node_modules/lzma-native/build/Release/lzma_native.node
[ -e "$built" ] && exit 0
log=$(mktemp)
if CFLAGS=-O2 CXXFLAGS=-O2 npm rebuild lzma-native --build-from-source >"$log" 2>&1 && [ -e "$built" ]; then
  rm -f "$log"
else
  echo "liblzma could not be compiled (see $log): the slower build of lzma-native is used." >&2
fi
