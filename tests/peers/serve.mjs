// relay.mjs on Node.js, between node:http and web streams: NODE_URL=URL node serve.mjs PORT

import { createServer } from "node:http";
import { Readable } from "node:stream";
import relay from "./relay.mjs";

const server = createServer(async (request, reply) => {
  const { method, headers } = request;
  const body = method === "POST" ? Readable.toWeb(request) : undefined;
  const asked = new Request(`http://${headers.host}${request.url}`, { method, headers, body, duplex: "half" });
  const answer = await relay.fetch(asked, process.env);
  reply.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body) Readable.fromWeb(answer.body).pipe(reply);
  else reply.end();
});
server.listen(Number(process.argv[2]), "127.0.0.1");
