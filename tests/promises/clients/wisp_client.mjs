// What a program does that gets round the filter with wisp-js: a stream to a site that may be opened, and one to a site that may not be; one line for each
// thing that comes of it.
//
// Arguments: the folder wisp-js is installed in; the web proxy's address; the version of Wisp; the address all names lead to; where to, twice.

import dns from 'node:dns';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, address, version, leads, open, blocked] = process.argv.slice(2);
// The way is the same for every name: somebody stands there who opens the tunnel, as a browser would.
dns.lookup = (_, options, done) => (options.all ? done(null, [{ address: leads, family: 4 }]) : done(null, leads, 4));

const require = createRequire(pathToFileURL(folder + '/'));
const { client } = await import(pathToFileURL(require.resolve('@mercuryworkshop/wisp-js/client').replace('dist/wisp-client.cjs', 'src/entrypoints/client.mjs')));

const connection = new client.ClientConnection(address, { wisp_version: Number(version) });
connection.onerror = () => console.log('error');
connection.onclose = () => {
    console.log('closed');
    process.exit();
};
connection.onopen = () => {
    console.log(`open ${connection.wisp_version}`);
    const stream = (authority, name) => {
        const [host, port] = authority.split(':');
        const one = connection.create_stream(host, Number(port));
        one.onclose = (reason) => console.log(`${name} closed ${reason}`);
        return one;
    };
    const refused = stream(blocked, 'blocked');
    refused.send(new TextEncoder().encode('GET /secret HTTP/1.1\r\nHost: x\r\n\r\n'));
    const good = stream(open, 'open');
    let text = '';
    good.onmessage = (bytes) => {
        text += new TextDecoder().decode(bytes);
        if (text.endsWith('again')) {
            console.log(`said ${text}`);
            connection.close();
        } else if (text.endsWith('hello')) {
            good.send(new TextEncoder().encode(' again'));
        }
    };
    // What was cut is answered before the other is heard.
    refused.onclose = (reason) => {
        console.log(`blocked closed ${reason}`);
        good.send(new TextEncoder().encode('hello'));
    };
};
