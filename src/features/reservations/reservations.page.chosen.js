// What is chosen so far, of every section.

/** By section a number, or the seats. The prices are the sale's: they are only shown here, the server counts by its own. */
export class Chosen {
  #sale;
  #changed;
  #quantities = new Map();
  #seats = new Map();

  constructor(sale, changed) {
    this.#sale = sale;
    this.#changed = changed;
  }

  get count() {
    const seats = [...this.#seats.values()].reduce((sum, { size }) => sum + size, 0);
    return [...this.#quantities.values()].reduce((sum, quantity) => sum + quantity, seats);
  }

  /** In the smallest unit of the currency. */
  get amount() {
    return this.#sale.sections.reduce((sum, { sectionId, price }) => sum + price * this.#countOf(sectionId), 0);
  }

  /** How many more one reservation can have. */
  get room() {
    return Math.max(0, this.#sale.maxPerReservation - this.count);
  }

  /** As a reservation asks for them. */
  get items() {
    return this.#sale.sections.flatMap(({ sectionId, seated }) => {
      if (this.#countOf(sectionId) === 0) return [];
      return seated
        ? [{ sectionId, seatIds: [...this.seatsOf(sectionId)] }]
        : [{ sectionId, quantity: this.#quantities.get(sectionId), seatIds: [] }];
    });
  }

  quantityOf(sectionId) {
    return this.#quantities.get(sectionId) ?? 0;
  }

  seatsOf(sectionId) {
    if (!this.#seats.has(sectionId)) this.#seats.set(sectionId, new Set());
    return this.#seats.get(sectionId);
  }

  setQuantity(sectionId, quantity) {
    this.#quantities.set(sectionId, quantity);
    this.#changed();
  }

  setSeat(sectionId, seatId, isChosen) {
    const seats = this.seatsOf(sectionId);
    if (isChosen) seats.add(seatId);
    else seats.delete(seatId);
    this.#changed();
  }

  #countOf(sectionId) {
    return this.quantityOf(sectionId) + this.seatsOf(sectionId).size;
  }
}
