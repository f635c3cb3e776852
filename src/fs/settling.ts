/** What is being made durable: a stop waits for it, within bounds, because it is nearly done and worth having. */
let under = 0;

/** @throws what `act` throws */
export async function settling<T>(act: () => Promise<T>): Promise<T> {
  under += 1;
  try {
    return await act();
  } finally {
    under -= 1;
  }
}

export function isSettling(): boolean {
  return under > 0;
}
