/** Whether it settles within so many turns of the event loop: without waiting for a timer, a socket or a file. */
export async function settlesAtOnce(work: Promise<unknown>, turns = 1): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  work.then(note, note);
  for (let turn = 0; turn < turns && !settled; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}
