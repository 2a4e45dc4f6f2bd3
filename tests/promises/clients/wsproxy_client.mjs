// What a program does that gets round the filter by wsproxy: one WebSocket for each connection, whose path says where to. One line for each: what came back,
// or how it was refused.
//
// Arguments: the folder ws is installed in; the web proxy's address; the address all names lead to; where to and what is said first, with a comma between.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, address, leads, ...asked] = process.argv.slice(2);

const { WebSocket } = createRequire(pathToFileURL(folder + '/'))('ws');
const lookup = (_, options, done) => (options.all ? done(null, [{ address: leads, family: 4 }]) : done(null, leads, 4));

for (const one of asked) {
    const [authority, words] = one.split(',');
    const socket = new WebSocket(`${address}/${authority}`, { lookup });
    const said = await new Promise((done) => {
        // As text: wisp-js 0.5 passes on nothing else.
        socket.on('open', () => socket.send(words));
        socket.on('message', (data) => done(`said ${data}`));
        socket.on('unexpected-response', (_, answer) => done(`refused ${answer.statusCode}`));
        socket.on('close', (code) => done(`closed ${code}`));
        socket.on('error', (error) => done(`failed: ${error.message}`));
    });
    console.log(said);
    socket.terminate();
}
process.exit();
