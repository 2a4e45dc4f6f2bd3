// What a program with Node does through the proxy, over HTTP/1.1 and HTTP/2; one line for each thing, and what came of it.
//
// Arguments: the proxy's host and port, the site, the school's certificate.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { Readable } from 'node:stream';
import tls from 'node:tls';

const [proxyHost, proxyPort, site, pem] = process.argv.slice(2);
const ca = readFileSync(pem);
const { hostname, port } = new URL(site);

/** A tunnel to the site, as a pupil's device opens one. */
function tunnel() {
    return new Promise((done, failed) => {
        const asking = http.request({ host: proxyHost, port: proxyPort, localAddress: '127.0.7.1', method: 'CONNECT', path: `${hostname}:${port}` });
        asking.on('connect', (answer, socket) => (answer.statusCode === 200 ? done(socket) : failed(new Error(`CONNECT: ${answer.statusCode}`))));
        asking.on('error', failed);
        asking.end();
    });
}

/** Keeps connections and sessions as Node's own agent does; only the way there is another. */
class Through extends https.Agent {
    opened = 0;

    createConnection(options, done) {
        this.opened += 1;
        tunnel().then((socket) => done(null, super.createConnection({ ...options, socket, servername: hostname })), done);
    }
}

const digest = (data) => createHash('sha256').update(data).digest('hex').slice(0, 16);

function ask(agent, path, { body, chunks, accept = '*/*', ...more } = {}) {
    return new Promise((done, failed) => {
        const method = body || chunks ? 'POST' : 'GET';
        const headers = { accept, ...(body ? { 'content-length': body.length } : {}) };
        const asking = https.request(site + path, { agent, method, headers, ca, timeout: 20_000, ...more }, (answer) => {
            const resumed = answer.socket.isSessionReused();
            const read = [];
            answer.on('data', (part) => read.push(part));
            answer.on('error', failed);
            answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(read), resumed }));
        });
        asking.on('error', failed);
        chunks ? Readable.from(chunks).pipe(asking) : asking.end(body);
    });
}

function ask2(session, path, { body, accept = '*/*' } = {}) {
    return new Promise((done, failed) => {
        const stream = session.request({ ':method': body ? 'POST' : 'GET', ':path': path, accept });
        const read = [];
        let head;
        stream.on('response', (fields) => (head = fields));
        stream.on('data', (part) => read.push(part));
        stream.on('error', failed);
        stream.on('end', () => done({ status: head[':status'], headers: head, body: Buffer.concat(read) }));
        stream.end(body);
    });
}

const sent = Buffer.concat(Array.from({ length: 300 }, (_, number) => Buffer.alloc(10_000, number % 256)));
const echoed = `${sent.length} ${digest(sent)}`;
const say = (what, ...facts) => console.log(`${what}:`, ...facts);

async function visits(name, get) {
    let answer = await get('/');
    say(`${name} page`, answer.status, answer.body.toString());
    answer = await get('/moved');
    const there = answer.headers.location;
    const next = await get(there);
    say(`${name} moved`, answer.status, there, next.status, next.body.toString());
    answer = await get('/play/chess', { accept: 'text/html' });
    say(`${name} blocked`, answer.status, answer.headers['content-type'], answer.body.includes('This page is blocked'));
    answer = await get('/much');
    say(`${name} much`, answer.body.length, digest(answer.body));
    answer = await get('/form', { body: sent });
    say(`${name} form`, answer.body.toString() === echoed);
}

const agent = new Through({ keepAlive: true, maxSockets: 1 });
await visits('h1', (path, more) => ask(agent, path, more));
const answer = await ask(agent, '/chunks', { chunks: [sent.subarray(0, 1000), sent.subarray(1000, 1001), sent.subarray(1001)] });
say('h1 form in chunks', answer.body.toString() === echoed);
say('h1 connections', agent.opened);
agent.destroy();

const fresh = new Through({ keepAlive: false });
const resumed = [];
for (let number = 0; number < 3; number++) resumed.push((await ask(fresh, '/again')).resumed);
say('h1 resumed', resumed.join(' '));

await ask(new Through(), '/', { ca: undefined }).then(
    () => say('without the certificate', 'it passed'),
    (error) => say('without the certificate', error.code),
);

let kept;
async function open() {
    const socket = await tunnel();
    const secure = tls.connect({ socket, servername: hostname, ca, ALPNProtocols: ['h2'], session: kept });
    secure.on('session', (session) => (kept = session));
    await new Promise((done, failed) => secure.once('secureConnect', done).once('error', failed));
    return [http2.connect(site, { createConnection: () => secure }), secure.isSessionReused()];
}

const [session] = await open();
await visits('h2', (path, more) => ask2(session, path, more));
const side = await Promise.all(Array.from({ length: 50 }, (_, number) => ask2(session, `/side/${number}`)));
say('h2 side by side', side.filter((one, number) => one.body.toString() === `page /side/${number}`).length);
session.close();
const [second, again] = await open();
say('h2 resumed', again, (await ask2(second, '/again')).status);
second.close();
