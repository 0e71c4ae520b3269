// @ts-check
// What was done on the map, and what was pressed for the panel beside it, as it is told to the server. One module with the
// others.
//
// A message that comes while the server is busy takes the place of the one before it, and one that is sent while the
// connection is being made anew goes nowhere. So each event brings along those that have not been answered yet, and what
// stays without an answer is told again. By its number each is done once, in order.

const MOST_KEPT = 20;
const AGAIN_MS = 2500; // without an answer, and the server is at rest
const MOST_TIMES = 12; // that the same events are told again

let counted = 0; // events of this page, of whatever map

class Events {
  constructor() {
    this.sent = 0; // the number of the last one
    this.answered = 0;
    this.told = 0; // how often since the last answer
    /** @type {{name: string, id: string, number: number}[]} */
    this.waiting = [];
  }

  // `id` is that of the last event that the server has handled.
  configure(id, setTriggerValue) {
    this.trigger = setTriggerValue;
    const [page, number] = id?.split(" ") ?? [];
    if (page === String(performance.timeOrigin) && Number(number) > this.answered) {
      this.answered = Number(number);
      this.told = 0;
    }
    this.waiting = this.waiting.filter((event) => event.number > this.answered);
  }

  send(name, value) {
    const number = (this.sent = ++counted);
    this.waiting.push({ ...value, name, number, id: `${performance.timeOrigin} ${number}` });
    this.told = 0;
    this.tell();
  }

  tell() {
    const last = this.waiting.at(-1);
    this.trigger(last.name, { ...last, before: this.waiting.slice(-MOST_KEPT - 1, -1) });
    this.told += 1;
    this.listen();
  }

  listen() {
    this.end();
    this.timer = setTimeout(() => this.again(serverIsBusy()), AGAIN_MS);
  }

  again(busy) {
    if (!this.waiting.length || this.told > MOST_TIMES) return;
    if (busy) this.listen();
    else this.tell();
  }

  end() {
    clearTimeout(this.timer);
  }
}
