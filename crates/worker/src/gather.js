// A node's body, read here, where a chunk costs least.
//
// A promise a chunk is what a relay costs, and HTMLRewriter calls its handler without one. Behind <plaintext> nothing is
// markup: no tag, no entity, no end. What was said within a pause is handed over together, so that WebAssembly is woken
// once for all of it. An HTMLRewriter itself is dear: the first word does not wait for one, and where one chunk is all
// there is none is made.

const PLAINTEXT = new TextEncoder().encode("<plaintext>");
const PAGE = { headers: { "content-type": "text/html; charset=utf-8" } };
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

// Characters that are gathered meanwhile. Then they are handed over at once, and the node waits until they are.
const MOST = 16 * 1024;

// Text as it arrives. What is no UTF-8 is read as U+FFFD.
export class Gathered {
  #pause;
  #text = "";
  #handed = 0;
  #end;
  #taker;
  #timer;
  #makeRoom;
  #isDropped = false;

  // `pause` is milliseconds from one handing over to the next, at least; what comes behind a longer silence is handed over
  // at once.
  constructor(stream, pause) {
    this.#pause = pause;
    this.#read(stream).then(
      () => this.#close("complete"),
      () => this.#close("broken"),
    );
  }

  // What has come, at its end null. It rejects if the stream breaks, behind what came before.
  next() {
    return new Promise((resolve, reject) => {
      this.#taker = { resolve, reject };
      this.#offer();
    });
  }

  // Nobody asks any more.
  drop() {
    clearTimeout(this.#timer);
    const taker = this.#taker;
    this.#taker = undefined;
    // A promise that never settles keeps what waits for it.
    taker?.resolve(null);
    this.#isDropped = true;
    this.#makeRoom?.();
  }

  async #read(stream) {
    const reader = stream.getReader();
    const first = await reader.read();
    if (first.done) return;
    const end = wholeCharacters(first.value);
    this.#add(decoder.decode(first.value.subarray(0, end)));
    const rest = first.value.subarray(end);
    let next;
    try {
      next = await reader.read();
    } finally {
      if (!next?.value) this.#add(decoder.decode(rest));
    }
    if (next.done) return;
    reader.releaseLock();
    const { readable, writable } = new IdentityTransformStream();
    const page = new HTMLRewriter().on("plaintext", { text: this.#hear }).transform(new Response(readable, PAGE));
    const fed = feed([PLAINTEXT, rest, next.value], stream, writable);
    // Both: behind the node's last word there may be some of it that was not heard yet.
    const ends = await Promise.allSettled([fed, page.arrayBuffer()]);
    if (ends.some(({ status }) => status === "rejected")) throw new Error("broken");
  }

  #hear = (chunk) => {
    const { text } = chunk;
    if (!text) return;
    // What stays would be gathered as the page.
    chunk.remove();
    this.#add(text);
    if (this.#isFull() && !this.#isDropped) return new Promise((resolve) => (this.#makeRoom = resolve));
  };

  #add(text) {
    if (this.#isDropped) return;
    this.#text += text;
    if (!this.#timer || this.#isFull()) this.#offer();
  }

  #close(end) {
    this.#end = end;
    this.#offer();
  }

  #isFull() {
    return this.#text.length >= MOST;
  }

  #offer() {
    if (!this.#taker || !(this.#text || this.#end)) return;
    const left = this.#end || this.#isFull() ? 0 : this.#handed + this.#pause - Date.now();
    if (left <= 0) this.#hand();
    else this.#timer = setTimeout(this.#hand, Math.min(left, this.#pause));
  }

  #hand = () => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { resolve, reject } = this.#taker;
    this.#taker = undefined;
    if (!this.#text) return this.#end === "broken" ? reject() : resolve(null);
    resolve(encoder.encode(this.#text));
    this.#text = "";
    this.#handed = Date.now();
    this.#makeRoom?.();
    this.#makeRoom = undefined;
  };
}

// Bytes of the characters that do not go on in the next chunk.
function wholeCharacters({ length, [length - 1]: last, [length - 2]: second, [length - 3]: third }) {
  if (last >= 0xc0) return length - 1;
  if (second >= 0xe0) return length - 2;
  return third >= 0xf0 ? length - 3 : length;
}

async function feed(begun, stream, writable) {
  const writer = writable.getWriter();
  for (const bytes of begun) if (bytes.length) await writer.write(bytes);
  writer.releaseLock();
  await stream.pipeTo(writable);
}

// Any other body, chunk by chunk.
export class Plain {
  #reader;

  constructor(stream) {
    this.#reader = stream.getReader();
  }

  async next() {
    const { done, value } = await this.#reader.read();
    return done ? null : value;
  }

  drop() {}
}
