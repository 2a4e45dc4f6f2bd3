// What a program does that gets round the filter with bare-client: it asks the web proxy what it is, and for pages through it; one line for each.
//
// Arguments: the folder bare-client is installed in; the web proxy's address; the address all names lead to; the pages.

import dns from 'node:dns';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, address, leads, ...pages] = process.argv.slice(2);
// The way is the same for every name: somebody stands there who opens the tunnel, as a browser would.
dns.lookup = (_, options, done) => (options.all ? done(null, [{ address: leads, family: 4 }]) : done(null, leads, 4));

const require = createRequire(pathToFileURL(folder + '/'));
// It wants what browsers have, and older Nodes do not.
globalThis.WebSocket ??= require('ws');
const { BareClient, fetchManifest } = await import(pathToFileURL(folder + '/node_modules/@tomphttp/bare-client/dist/index.js'));

const known = { versions: ['v1', 'v2', 'v3'], language: 'NodeJS' };
await fetchManifest(address).then(
    (manifest) => console.log(`it is ${manifest.versions.join(' ')}`),
    () => console.log('it does not say'),
);
const client = new BareClient(address, known);
for (const page of pages) {
    try {
        const answer = await client.fetch(page);
        console.log(`${answer.status} ${await answer.text()}`);
    } catch {
        console.log('refused');
    }
}
process.exit();
