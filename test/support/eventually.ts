/** Tries until `check` passes; after `limitMs` its last error is thrown. For what happens soon but not at once. */
export async function eventually(check: () => Promise<unknown>, limitMs = 30_000): Promise<void> {
  const until = Date.now() + limitMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
