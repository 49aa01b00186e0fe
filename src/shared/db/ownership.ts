/** Ownership as the last part of a WHERE clause; `owner` as `restrictedTo` answers it: undefined restricts nothing. */
export function ownedBy(
  column: string,
  owner: string | undefined,
): { readonly text: string; readonly params: readonly string[] } {
  return owner === undefined ? { text: '', params: [] } : { text: ` AND ${column} = ?`, params: [owner] };
}
