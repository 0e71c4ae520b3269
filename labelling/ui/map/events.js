// @ts-check
// What was done on the map, as it is told to the server. One module with the others.
//
// A message that comes while the server is busy takes the place of the one before it. So each brings along those that
// have not been answered yet; by its number each is done once.

const MOST_KEPT = 20;
let counted = 0; // events of this page, of whatever map

class Events {
  constructor() {
    this.sent = 0; // the number of the last one
    this.answered = 0;
    /** @type {{name: string, id: string, number: number}[]} */
    this.waiting = [];
  }

  // `id` is that of the last event that the server has handled.
  configure(id, setTriggerValue) {
    this.trigger = setTriggerValue;
    const [page, number] = id?.split(" ") ?? [];
    if (page === String(performance.timeOrigin)) this.answered = Number(number);
    this.waiting = this.waiting.filter((event) => event.number > this.answered);
  }

  send(name, value) {
    const number = (this.sent = ++counted);
    const event = { ...value, name, number, id: `${performance.timeOrigin} ${number}` };
    this.trigger(name, { ...event, before: this.waiting.slice(-MOST_KEPT) });
    this.waiting.push(event);
  }
}
