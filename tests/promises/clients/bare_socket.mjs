// What a program does that gets round the filter with bare-client: it opens a WebSocket to another site through the web proxy, and says hello; one line for
// each: what came back, or that it was refused. Node needs --experimental-websocket before version 22.
//
// Arguments: the folder bare-client is installed in; the web proxy's address; the address all names lead to; the names the WebSockets are asked for by.

import dns from 'node:dns';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, address, leads, ...names] = process.argv.slice(2);

const require = createRequire(pathToFileURL(folder + '/'));
const { WebSocketServer } = require('ws');
const { BareClient } = await import(pathToFileURL(folder + '/node_modules/@tomphttp/bare-client/dist/index.js'));

// The other site: it says again what it is told. All names lead the web proxy to this machine.
const site = new WebSocketServer({ port: 0, host: '127.0.0.1' });
site.on('connection', (socket) => socket.on('message', (said) => socket.send(`again: ${said}`)));
await new Promise((done) => site.on('listening', done));

dns.lookup = (_, options, done) => (options.all ? done(null, [{ address: leads, family: 4 }]) : done(null, leads, 4));

for (const name of names) {
    const client = new BareClient(address, { versions: ['v3'], language: 'NodeJS' });
    const socket = client.createWebSocket(`ws://${name}:${site.address().port}/room`, [], { headers: {} });
    const said = await new Promise((done) => {
        socket.addEventListener('open', () => socket.send('hello'));
        socket.addEventListener('message', async ({ data }) => done(typeof data === 'string' ? data : await data.text()));
        socket.addEventListener('close', () => done('refused'));
        socket.addEventListener('error', () => done('refused'));
    });
    console.log(said);
}
process.exit();
