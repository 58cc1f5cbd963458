// A node's body, read here: to be woken costs WebAssembly more than what it then does, so it is woken for all that has
// come within a while, and not for each chunk.

// Bytes that are gathered meanwhile. Then they are handed over at once, and no more are read until they are.
const MOST = 16 * 1024;

export class Gathered {
  #reader;
  #pause;
  #chunks = [];
  #size = 0;
  #handed = 0;
  #isFull = false;
  #end;
  #taker;
  #timer;

  // `pause` is milliseconds from one handing over to the next, at least; what comes behind a longer silence is handed over
  // at once.
  constructor(stream, pause) {
    this.#reader = stream.getReader();
    this.#pause = pause;
    this.#read();
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
    this.#taker = undefined;
    this.#isFull = true;
  }

  #read() {
    this.#reader.read().then(this.#took, this.#broke);
  }

  #took = ({ done, value }) => {
    if (done) return this.#close("complete");
    this.#chunks.push(value);
    this.#size += value.length;
    this.#isFull ||= this.#size >= MOST;
    if (!this.#isFull) this.#read();
    if (this.#isFull || !this.#timer) this.#offer();
  };

  #broke = () => this.#close("broken");

  #close(end) {
    this.#end = end;
    this.#offer();
  }

  #offer() {
    if (!this.#taker || !(this.#size || this.#end)) return;
    const left = this.#end || this.#isFull ? 0 : this.#handed + this.#pause - Date.now();
    if (left <= 0) this.#hand();
    else this.#timer = setTimeout(this.#hand, Math.min(left, this.#pause));
  }

  #hand = () => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { resolve, reject } = this.#taker;
    this.#taker = undefined;
    if (!this.#size) return this.#end === "broken" ? reject() : resolve(null);
    resolve(this.#take());
    this.#handed = Date.now();
    if (this.#isFull && !this.#end) {
      this.#isFull = false;
      this.#read();
    }
  };

  #take() {
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [];
    this.#size = 0;
    return bytes;
  }
}
