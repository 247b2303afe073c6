// Sends requests one after the other and prints what came back: node client.mjs COUNT URL [HEADER=VALUE …]
import { request } from "node:http";

const [count, url, ...pairs] = process.argv.slice(2);
const headers = Object.fromEntries(pairs.map((pair) => pair.split("=")));

const send = () =>
  new Promise((resolve) => {
    const call = request(url, { headers, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    call.on("error", (error) => resolve({ status: 0, headers: {}, body: String(error) }));
    call.end();
  });

const results = [];
for (let index = 0; index < Number(count); index++) results.push(await send());
console.log(JSON.stringify(results));
