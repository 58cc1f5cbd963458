// Starts the Worker that it was given in a fresh isolate of this process, and hands on what it says to `help`.

const question = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ query: "help" }),
};

let code, wasm, isolates = 0;

export default {
  async fetch(request, { LOADER }) {
    const { pathname } = new URL(request.url);
    if (pathname === "/code") {
      code = await request.json();
    } else if (pathname === "/module") {
      wasm = await request.arrayBuffer();
    } else {
      const { script, ...rest } = code;
      const modules = { "main.js": script, ...(wasm.byteLength > 0 && { "index_bg.wasm": { wasm } }) };
      const worker = LOADER.get(`${isolates++}`, () => ({ ...rest, mainModule: "main.js", modules }));
      return worker.getEntrypoint().fetch("http://isolate/api/terminal", question);
    }
    return new Response();
  },
};
