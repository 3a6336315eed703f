// Counts a megabyte of uploads after the other in the folder that is named, until it is killed.
import { openLedger } from '../../client/sharing/ledger.js';

const ledger = await openLedger(process.argv[2] ?? '', () => new Date());
for (let megabytes = 1; ; megabytes++) {
  ledger.count({ infoHash: 'a'.repeat(40), local: 0, beyond: 2 ** 20 });
  console.log(megabytes);
  await new Promise((resolve) => setTimeout(resolve, 20));
}
