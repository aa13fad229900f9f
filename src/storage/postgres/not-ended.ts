/**
 * Whether a session has not ended, for a look-up by its id, as text. Said so that the index of live sessions does not
 * offer itself: while the table has no statistics, the planner takes reading all of that index for as cheap as reading
 * one row of the right one.
 */
export const notEnded = (column: 'ended_at' | 's.ended_at'): string => `num_nulls(${column}) = 1`;
