// Text of which only so much is kept.

/** The text, or its beginning and an ellipsis: `length` characters at the most. */
export function cutText(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
